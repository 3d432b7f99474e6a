# The front door. `make run` starts llmobs, `make test` and `make check` say whether the tree is good.

# Which Python .venv is made with; one that is there already stays.
PYTHON ?= $(shell sh checks/python.sh)
# Passed on: make run ARGS="--port 9000", make test ARGS="-k otlp".
ARGS ?=

BIN := .venv/bin
TEMPLATES = $(shell find templates */templates -name '*.html' 2>/dev/null)

.PHONY: run test test-long test-postgres check format screenshots

run: .venv/run.stamp
	@exec $(BIN)/python manage.py up --demo $(ARGS)

# Two at a time, each with servers of its own; a file's tests stay together. ARGS="-n 0" for one after the other.
test: .venv/dev.stamp
	$(BIN)/python -m pytest -m "not long" -n 2 --dist loadfile $(ARGS)

test-long: .venv/dev.stamp
	$(BIN)/python -m pytest -m long $(ARGS)

# What meets the database, once more on the Postgres of the system: Debian 12 has 15, the oldest that production may run.
STORE_TESTS = store or concurrent or rollups or metrics or search or lookup or retention or scores or session or logs \
	or summar or usual or changes
POSTGRES_BIN ?= $(firstword $(wildcard /usr/lib/postgresql/*/bin))
test-postgres: .venv/dev.stamp
	@test -n "$(POSTGRES_BIN)" || { echo "There is no PostgreSQL here; apt-get install postgresql."; exit 1; }
	POSTGRES_BIN=$(POSTGRES_BIN) $(BIN)/python -m pytest -m "not long and not browser and not up" traces accounts \
		-n 2 --dist loadfile -k "$(STORE_TESTS)" $(ARGS)

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(if $(TEMPLATES),$(BIN)/djade --target-version 5.2 --check $(TEMPLATES))
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(if $(wildcard checks/contrast.py),$(BIN)/python checks/contrast.py)
	$(BIN)/python checks/sizes.py

format: .venv/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(if $(TEMPLATES),$(BIN)/djade --target-version 5.2 $(TEMPLATES))

screenshots: .venv/dev.stamp
	$(BIN)/python checks/screenshots.py $(ARGS)

.venv/run.stamp: requirements.txt
	@test -x $(BIN)/python || { python=$(PYTHON); echo "Making .venv with $$python …"; $$python -m venv .venv; }
	@echo "Installing requirements.txt into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt .venv/run.stamp
	@echo "Installing requirements-dev.txt into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
