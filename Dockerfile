# syntax=docker/dockerfile:1
# One image for web, grpc, worker and beat; the command tells which. Nothing is fetched when it runs.

FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install -r requirements.txt
COPY . /app
WORKDIR /app
# Only for this step: collecting files needs settings, and settings need a key.
RUN SECRET_KEY=build DATA_DIR=/tmp/build STATIC_ROOT=/app/staticfiles /venv/bin/python manage.py collectstatic --noinput

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /data llmobs
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data \
    STATIC_ROOT=/app/staticfiles \
    WEB_THREADS=16 \
    MALLOC_ARENA_MAX=2
WORKDIR /app
USER llmobs
VOLUME /data
EXPOSE 8000 4317
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "16", "--respawn-failed-workers", "llmobs.wsgi:application"]
