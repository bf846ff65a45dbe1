# Everything a contributor runs. `make` alone lists the targets.
#
#   PYTHON=/path/to/python3   the interpreter to build the virtual environment with
#   VENV=.venv                where it stands
#   SET=dev                   what is in it: requirements/dev.txt, or the newest with SET=latest
#   PYTEST_ARGS="-k name"     handed to pytest as it is
#   WORKERS=auto              how many processes share the tests; 0 for none but pytest itself
#   DEMO_ARGS=--port=8000     handed to the demo as it is

VENV ?= .venv
SET ?= dev
PYTEST_ARGS ?=
WORKERS ?= auto
DEMO_ARGS ?=
BIN := $(VENV)/bin
BUILD := build
DIST := dist
PARALLEL = $(BIN)/pytest -n $(WORKERS) --dist worksteal
TIMED = sh tools/timed.sh $@

# A stamp is newer than what says what to install, so nothing is done twice.
STAMP := $(VENV)/.installed
BROWSER_STAMP := $(VENV)/.installed-browser
BENCH_STAMP := $(VENV)/.installed-bench

# Compiled files are what the processes of a test run share: without them each compiles the package,
# and rewrites the assertions of every test, anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup test test-campaigns quick test-lowest test-latest lint routes audit lock browser bench \
    promises demo demo-check build clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## Make the virtual environment and fetch everything but the browser's part

$(STAMP): pyproject.toml tools/setup.sh $(wildcard requirements/$(SET).txt)
	@sh tools/setup.sh $(VENV) $(SET)
	@$(BIN)/python -m tests.support.identity_provider
	@touch $@

$(BROWSER_STAMP): $(STAMP) requirements/browser.txt
	@sh tools/setup.sh $(VENV) browser
	@touch $@

$(BENCH_STAMP): $(STAMP) requirements/bench.txt
	@sh tools/setup.sh $(VENV) bench
	@touch $@

test: $(STAMP) ## Run the tests on SQLite and on a real PostgreSQL and Redis
	@mkdir -p $(BUILD)
	@$(TIMED) $(PARALLEL) --ignore=tests/browser --promise-report=$(BUILD)/promises.json $(PYTEST_ARGS)

test-campaigns: $(STAMP) ## Run the long forms of slow campaigns
	@$(TIMED) $(PARALLEL) -m campaign --ignore=tests/browser $(PYTEST_ARGS)

quick: $(STAMP) ## Run the tests of what changed since main
	@$(TIMED) $(BIN)/python tools/quick.py -- -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

test-lowest: ## Run the tests on the lowest versions that pyproject.toml allows
	@$(MAKE) --no-print-directory test VENV=.venv-lowest SET=lowest BUILD=$(BUILD)/lowest

test-latest: ## Run the tests on the newest versions there are
	@rm -f .venv-latest/.installed
	@$(MAKE) --no-print-directory test VENV=.venv-latest SET=latest BUILD=$(BUILD)/latest

audit: $(STAMP) ## Look for known security holes in what is locked, allowed and installed
	@$(BIN)/python tools/known_holes.py

lock: $(STAMP) ## Write requirements/*.txt anew, with the newest versions that are allowed
	@sh tools/lock.sh $(BIN)/python

lint: $(STAMP) ## Check style, formatting and types
	@status=0; \
	$(BIN)/ruff check . || status=1; \
	$(BIN)/ruff format --check . || status=1; \
	$(BIN)/mypy --explicit-package-bases || status=1; \
	$(BIN)/mypy --explicit-package-bases tools/promises.py tools/route_table.py || status=1; \
	$(BIN)/mypy --explicit-package-bases tools/known_holes.py || status=1; \
	exit $$status

routes: $(STAMP) ## Write the table of routes anew, after a view came, moved or went
	@$(BIN)/python -m tools.route_table

browser: $(BROWSER_STAMP) ## Drive the pages in the machine's own Chromium
	@mkdir -p $(BUILD)
	@chromium=$$(sh tools/find-chromium.sh) || exit 1; \
	TEST_CHROMIUM="$$chromium" $(BIN)/pytest -m browser tests/browser \
	    --promise-report=$(BUILD)/promises-browser.json $(PYTEST_ARGS)

bench: $(BENCH_STAMP) ## Run every benchmark
	@for benchmark in benchmarks/*.py; do \
	    [ -f "$$benchmark" ] || { echo "There is no benchmarks/*.py to run." >&2; exit 1; }; \
	    echo "== $$benchmark"; \
	    $(BIN)/python "$$benchmark" || exit 1; \
	done

promises: test ## Run the tests, then print which promises are kept
	@$(BIN)/python tools/promises.py --report $(BUILD)/promises.json

demo: $(STAMP) ## Start the example partner product with simulated vendors
	@$(BIN)/python -m example_host_app.demo $(DEMO_ARGS)

demo-check: $(STAMP) ## Walk through a first run of the example over HTTP
	@$(BIN)/python -m example_host_app.demo --check

# The backend comes from the virtual environment, so that nothing is fetched. The wheel is made from
# the sdist, which shows that the sdist is whole.
build: $(STAMP) ## Build the sdist and the wheel into dist/
	@rm -rf $(DIST)
	$(BIN)/pyproject-build --no-isolation --outdir $(DIST)

clean: ## Remove what the other targets made
	rm -rf $(VENV) .venv-lowest .venv-latest .venv-lock $(BUILD) $(DIST) \
	    .pytest_cache .mypy_cache .ruff_cache .hypothesis .demo
