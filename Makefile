# Thin targets; CI runs the same ones. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup dev demo build docs ui lint format test mutants bench clean

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || \
	command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
UV := $(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --require-hashes
# Sets PG* and DBT_PROFILES_DIR, and starts the embedded PostgreSQL when PGHOST is unset.
WITH_DATABASE := environment="$$($(BIN)/warehouse env)"; eval "$$environment";

help: ## List the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

setup: .venv/installed ## Make the environment in .venv from requirements.lock

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	@# uv takes a tenth of the time; pip also knows the indexes that only its own settings name.
	$(PIP) -r <(sed -n '/^uv==/,/# via/p' requirements.lock)
	$(UV) -r requirements.lock || $(PIP) -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --editable .
	touch $@

dev: .venv/installed-dev ## Add what lint, tests and benchmarks need, from requirements-dev.lock

.venv/installed-dev: .venv/installed requirements-dev.lock
	@# Both, so that two different versions of a package are refused.
	$(UV) -r requirements.lock -r requirements-dev.lock || \
		$(PIP) -r requirements.lock -r requirements-dev.lock
	touch $@

demo: setup ## Land a sample that ends now, build everything and show the result
	PATH="$(CURDIR)/$(BIN):$$PATH" orchestration/sample/demo.sh

build: setup ## dbt build: models, seeds and tests, only what changed
	$(WITH_DATABASE) $(BIN)/dbt build

docs: setup ## One site about models and the quality of the data, after a build
	$(WITH_DATABASE) $(BIN)/dbt --quiet docs generate --static
	mkdir -p .warehouse/docs
	cp target/static_index.html .warehouse/docs/models.html
	rm -rf .warehouse/docs/quality .warehouse/docs/index.html
	@# A rule that is broken is shown like the others: only a check that cannot run leaves no page.
	$(BIN)/warehouse check --full --docs .warehouse/docs || test -e .warehouse/docs/index.html
	@echo 'Open .warehouse/docs/index.html'

app: setup ## The page and the API, at http://127.0.0.1:8000; with the demo where nothing has landed
	@# A sample never comes to events of one's own, nor to a server of one's own.
	test -n "$${PGHOST:-}" || test "$$($(BIN)/warehouse db psql -qAtc 'select true from raw.loads limit 1' 2> /dev/null)" || \
		PATH="$(CURDIR)/$(BIN):$$PATH" orchestration/sample/demo.sh
	$(BIN)/warehouse app

ui: setup ## Dagster on the same database, at http://127.0.0.1:3000
	$(BIN)/warehouse ui

lint: dev ## Python, SQL with both templaters, YAML, dbt project and its conventions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/yamllint --strict .
	@# dbt's templater renders first builds, jinja's the later ones of models that differ in them.
	$(BIN)/sqlfluff lint --processes 0 $$(grep -rl is_incremental models)
	$(WITH_DATABASE) $(BIN)/dbt --quiet --warn-error-options '{error: all}' --show-all-deprecations parse --no-partial-parse
	$(BIN)/dbt-bouncer run --config-file pyproject.toml
	@# The dbt templater passes over a file that does not compile and succeeds: look for that.
	$(WITH_DATABASE) $(BIN)/sqlfluff lint --templater dbt --processes 0 models tests/singular 2>&1 | tee target/sqlfluff.log
	@! grep -q 'Skipped file' target/sqlfluff.log

format: dev ## Rewrite Python and SQL the way that lint wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --quiet models tests/singular

test: lint ## Everything that CI runs: lint and the tests on real databases
	@# A file's tests share what they build, so each file stays on one core, the longest first.
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

mutants: dev ## Put every small mistake into the marts' SQL, one at a time, and show what no test notices
	ALL_MUTANTS=1 $(BIN)/pytest tests/python/test_mutants.py

bench: dev ## Measure landing, builds and pricing; see benchmarks/README.md
	$(BIN)/python -m benchmarks

clean: ## Stop the embedded PostgreSQL and delete its data, the environment and build products
	test ! -x $(BIN)/warehouse || env -u PGHOST $(BIN)/warehouse db stop --delete-data
	rm -rf .venv .warehouse target logs
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find orchestration tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
