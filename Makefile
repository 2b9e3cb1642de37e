# Every target works on a fresh machine: what it needs is set up first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# One more than the two cores of a small machine: many tests wait, for servers and for browsers.
WORKERS ?= 3

.PHONY: help setup demo test check fmt bench peers services clean
.DEFAULT_GOAL := help

help:  ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY)  ## Make .venv with everything that demo, test and bench need

KERNELS := $(wildcard src/shelfwise/kernels/*.c src/shelfwise/kernels/*.h)

$(READY): pyproject.toml constraints.txt hatch_build.py $(KERNELS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt "torch==2.13.0"
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	@touch $@

demo: $(READY)  ## Two real shops: fashion on http://127.0.0.1:8081/shop in a minute, gifts on :8080 in a few
	$(BIN)/shelfwise demo demo-shop

check: $(READY)  ## Lint, types and floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

test: check  ## Everything: lint, types, floors and every test
	$(BIN)/pytest -n $(WORKERS) --dist loadscope

fmt: $(READY)  ## Put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)  ## The quick form of every benchmark
	$(BIN)/python benchmarks/funnel.py --quick
	$(BIN)/python benchmarks/serving.py --quick
	$(BIN)/python benchmarks/soak.py --quick
	$(BIN)/python benchmarks/accuracy.py --quick
	$(BIN)/python benchmarks/pictures.py --quick
	$(BIN)/python benchmarks/baskets.py --quick
	$(BIN)/python benchmarks/offers.py --quick
	$(BIN)/python benchmarks/continual.py --quick
	$(BIN)/python benchmarks/off_policy.py --quick
	$(BIN)/python benchmarks/stores.py --quick
	$(BIN)/python benchmarks/api_fuzz.py --quick

peers: $(READY)  ## Other recommenders beside ours, in the quick form; makes their environments (some GB)
	$(BIN)/python benchmarks/accuracy.py --peers --quick

services:  ## How to start the services that integration tests talk to
	@echo "Tests of the records store run on SQLite and on PostgreSQL. Without a server those of PostgreSQL are skipped."
	@echo
	@echo "  docker run --rm -d -p 127.0.0.1:5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust -e POSTGRES_DB=test postgres:17"
	@echo "or, on Debian:"
	@echo "  apt-get install postgresql && su postgres -c \"createuser --superuser tester && createdb -T template0 -E UTF8 test\""
	@echo "  su postgres -c \"psql -c \\\"ALTER ROLE tester PASSWORD 'tester'\\\"\""
	@echo "  export SHELFWISE_TEST_POSTGRES=postgresql+psycopg://tester:tester@127.0.0.1:5432/test"
	@echo
	@echo "  SHELFWISE_TEST_POSTGRES      where it is: postgresql+psycopg://postgres@127.0.0.1:5432/test where not set;"
	@echo "                               every test makes a schema of its own there and drops it"
	@echo
	@echo "Tests of pages and of the browser client drive a real Chromium, which is looked for on the PATH. On Debian:"
	@echo "  apt-get install chromium"
	@echo
	@echo "Tests of histories in Redis start a server of their own:"
	@echo "  apt-get install redis-server"
	@echo
	@echo "Tests of a server whose clock is set back need libfaketime; those of a full disk, a user who may mount a tmpfs:"
	@echo "  apt-get install faketime"
	@echo
	@echo "  SHELFWISE_REQUIRE_SERVICES   1: a server or browser that is not there fails the tests instead of skipping them"

clean:  ## Remove what was built, the demo shop included
	rm -rf $(VENV) demo-shop build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
