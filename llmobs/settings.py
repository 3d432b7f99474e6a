"""Every setting, read from the environment once. A setting that is wrong stops the start with the cure in its message.

NAME_FILE=/run/secrets/name works for any NAME. Names of limits end in their unit.
"""

from datetime import timedelta
from pathlib import Path

import django_htmx
import django_stubs_ext
import environ
import plotly
from django.core.exceptions import ImproperlyConfigured

from llmobs import embedded
from llmobs.lib.postgres import WatchedConnection

django_stubs_ext.monkeypatch()  # lets annotations such as ModelAdmin[User] run

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()

DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).absolute()
DATABASE_URL = env.str("DATABASE_URL", default="")
BROKER_URL = env.str("BROKER_URL", default="")

# With a database of one's own there may be many machines, and they must share one key; on a laptop DATA_DIR keeps it.
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if DATABASE_URL and not embedded.has_secret_key(DATA_DIR):
        raise ImproperlyConfigured("SECRET_KEY is empty. Set it to the output of `openssl rand -base64 48`.")
    SECRET_KEY = embedded.secret_key(DATA_DIR)

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Mails link here. `up` sets it to where it listens.
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000").rstrip("/")

INSTALLED_APPS = [
    "llmobs.apps.LlmobsConfig",
    "llmobs.lib",
    "accounts",
    "traces",
    "alerts",
    "cases",
    "dashboards",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "llmobs.apps.StaticFilesWithoutExtensions",
    "django_htmx",
    "rest_framework",
]

MIDDLEWARE = [
    # First, because machines need none of the rest and it costs more than their own work.
    "llmobs.lib.middleware.machine_addresses",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "llmobs.lib.middleware.content_security_policy",
    "llmobs.lib.middleware.machines_astray",
    "llmobs.lib.middleware.nothing_streamed_for_head",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "llmobs.lib.middleware.member_time_zone",
]

ROOT_URLCONF = "llmobs.urls"
APPEND_SLASH = False
WSGI_APPLICATION = "llmobs.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.member",
                "alerts.context.open_incidents",
            ],
            "builtins": ["llmobs.lib.templatetags.figures", "llmobs.lib.templatetags.pages"],
        },
    }
]

DATABASE_IS_OURS = not DATABASE_URL
DATABASES = {"default": env.db_url_config(DATABASE_URL) if DATABASE_URL else embedded.database(DATA_DIR)}
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
# A web worker's threads share a pool of just their number, so that a thread never waits for a connection for long.
WEB_THREADS = env.int("WEB_THREADS", default=0)  # 0: not a web worker
if WEB_THREADS:
    # A pool that goes on trying waits longer each time, and would not notice that the database is back.
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1, "max_size": WEB_THREADS, "timeout": 3, "reconnect_timeout": 1,
        "connection_class": WatchedConnection,
    }  # fmt: skip
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 600
# A connection is tried before it is used: after a restart of Postgres none of the old ones works.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Our own statements (traces/store.py) are prepared after a few uses; Django's bind on the client and never are.
DATABASES["default"]["OPTIONS"].setdefault("prepare_threshold", 5)
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CELERY_BROKER_URL = BROKER_URL or embedded.broker_url(DATA_DIR)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True  # what is due is a row; a task only carries its id
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Tasks keep the connection as long as it may get old. One for each task, as Celery would have it, looks up all tables
# anew each time: with 330 days up to a second of CPU, every two seconds.
CELERY_DB_REUSE_MAX = 1_000_000
CELERY_TASK_TIME_LIMIT = 600
# Each entry expires before the next is due: a worker that was away finds one tick waiting, not a hundred.
CELERY_BEAT_SCHEDULE = {
    name: {"task": name, "schedule": seconds, "options": {"expires": seconds}}
    for name, seconds in {
        "traces.rebuild_rollups": 5.0,
        "traces.index_traces": 2.0,
        "traces.replay_refusals": 2.0,
        "traces.make_partitions": 3600.0,
        "traces.drop_old_partitions": 6 * 3600.0,
        "traces.drop_old_media": 6 * 3600.0,
        "alerts.evaluate_due_rules": 30.0,
        "alerts.sweep_notifications": 60.0,
        "cases.look_at_due_cases": 30.0,
        "cases.sweep_mails": 60.0,
    }.items()
}

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "accounts:home"
LOGOUT_REDIRECT_URL = "accounts:login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
HTTPS_ONLY = env.bool("HTTPS_ONLY", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
if HTTPS_ONLY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "llmobs.lib.staticfiles.PlotlyFinder",
]
PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
HTMX_STATIC = Path(django_htmx.__file__).parent / "static"
# Images, sounds and files that came in messages. With django-storages installed another storage can hold them:
# MEDIA_STORAGE=storages.backends.s3.S3Storage, MEDIA_STORAGE_OPTIONS={"bucket_name": "…", "endpoint_url": "…"}.
MEDIA_STORAGE = env.str("MEDIA_STORAGE", default="llmobs.lib.storage.WholeFiles")
MEDIA_STORAGE_OPTIONS = env.json(
    "MEDIA_STORAGE_OPTIONS",
    default={} if "MEDIA_STORAGE" in env.ENVIRON else {"location": str(DATA_DIR / "media")},
)
STORAGES = {
    "media": {"BACKEND": MEDIA_STORAGE, "OPTIONS": MEDIA_STORAGE_OPTIONS},
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "llmobs.lib.staticfiles.HashedStorage"},
}

# Mails: EMAIL_URL=smtp+tls://user:password@host:587. Without it they are kept as files and shown on a page.
MAIL_FOLDER = DATA_DIR / "mail"
EMAIL_URL = env.str("EMAIL_URL", default="")
if EMAIL_URL:
    vars().update(env.email_url_config(EMAIL_URL))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(MAIL_FOLDER)
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="llmobs@localhost")

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.KeyAuthentication",
        "accounts.authentication.MemberSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "accounts.refusals.explained",
}

SPAN_RETENTION_DAYS = env.int("SPAN_RETENTION_DAYS", default=90)
PARTITION_DAYS_AHEAD = 3
INGEST_MAX_BODY_BYTES = env.int("INGEST_MAX_BODY_BYTES", default=20 * 1024 * 1024)  # as sent
INGEST_MAX_INFLATED_BYTES = env.int("INGEST_MAX_INFLATED_BYTES", default=64 * 1024 * 1024)
GRPC_MESSAGE_SECONDS = env.int("GRPC_MESSAGE_SECONDS", default=120)  # within which a call's message must have come
INBOX_RETENTION_DAYS = env.int("INBOX_RETENTION_DAYS", default=14)
INBOX_MAX_BODY_BYTES = env.int("INBOX_MAX_BODY_BYTES", default=256 * 1024)  # of a refused body, as sent
INBOX_MAX_KEPT_PER_DAY = env.int("INBOX_MAX_KEPT_PER_DAY", default=1_000)  # of a project; what is past it is counted
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # forms only: machine addresses read their bodies themselves
REPLAY_LEASE_SECONDS = 120  # for one refused request
NOTIFY_LEASE_SECONDS = 120
KEY_USE_INTERVAL = timedelta(minutes=1)  # last_used_at is written at most this often

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {name: {"level": "INFO"} for name in ("llmobs", "traces", "alerts", "cases")},
}
