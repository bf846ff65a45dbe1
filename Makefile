# Everything a contributor runs. `make` alone lists the targets.
#
#   PYTHON=/path/to/python3   the interpreter to build the virtual environment with
#   VENV=.venv                where it stands
#   PYTEST_ARGS="-k name"     handed to pytest as it is
#   DEMO_ARGS=--port=8000     handed to the demo as it is

VENV ?= .venv
PYTEST_ARGS ?=
DEMO_ARGS ?=
BIN := $(VENV)/bin
BUILD := build

# A stamp is newer than pyproject.toml once its extras are installed, so nothing is done twice.
STAMP := $(VENV)/.installed
BROWSER_STAMP := $(VENV)/.installed-browser
BENCH_STAMP := $(VENV)/.installed-bench

.DEFAULT_GOAL := help
.PHONY: help setup test lint routes browser bench promises demo demo-check clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## Make the virtual environment and fetch everything but the browser's part

$(STAMP): pyproject.toml tools/setup.sh
	@sh tools/setup.sh $(VENV) postgres,test,lint,demo
	@$(BIN)/python -m tests.support.identity_provider
	@touch $@

$(BROWSER_STAMP): $(STAMP)
	@sh tools/setup.sh $(VENV) browser
	@touch $@

$(BENCH_STAMP): $(STAMP)
	@sh tools/setup.sh $(VENV) bench
	@touch $@

test: $(STAMP) ## Run the tests on SQLite and on a real PostgreSQL and Redis
	@mkdir -p $(BUILD)
	$(BIN)/pytest --ignore=tests/browser --promise-report=$(BUILD)/promises.json $(PYTEST_ARGS)

lint: $(STAMP) ## Check style, formatting and types
	@status=0; \
	$(BIN)/ruff check . || status=1; \
	$(BIN)/ruff format --check . || status=1; \
	$(BIN)/mypy --explicit-package-bases || status=1; \
	$(BIN)/mypy --explicit-package-bases tools/promises.py tools/route_table.py || status=1; \
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

clean: ## Remove what the other targets made
	rm -rf $(VENV) $(BUILD) .pytest_cache .mypy_cache .ruff_cache .hypothesis .demo
