# Every target sets up what it needs by itself; `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

VENV ?= .venv
PYTHON ?=
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Four workers on two cores: many tests wait, for probes and for processes that they killed.
JOBS ?= 4
ALONE := $(BIN)/python -m pytest
PYTEST := $(ALONE) -n $(JOBS)

.PHONY: help setup compiled engine postgres browser image demo test check lint format types layers long faults forging bench lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) compiled engine postgres browser image ## virtual environment, container engine, Postgres and a browser for the tests, base image

# An installed package comes compiled; a checkout may be used where nobody writes bytecode, and then starts half a second later.
compiled: $(READY)
	@$(BIN)/python -m compileall -q runner

$(READY): requirements/dev.txt pyproject.toml scripts/venv.sh
	@PYTHON='$(PYTHON)' scripts/venv.sh $(VENV)
	@touch $@

engine:
	@scripts/engine.sh

postgres:
	@scripts/postgres.sh

browser:
	@scripts/browser.sh

image: $(READY) engine ## the base image that sandboxes are built on
	@$(BIN)/python scripts/base_image.py

demo: setup ## judge a good, a broken and a cheating change, then promote two to a live service
	@$(BIN)/seatrial demo
	@$(BIN)/seatrial demo --live

test: setup lint types layers ## everything: lint, types, layers, and all tests with real containers
	@$(PYTEST) -m "not long"

check: $(READY) lint types layers ## everything that needs no container engine
	@$(PYTEST) -m "not docker and not long"

lint: $(READY) ## ruff: rules and format
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "run: make format"; exit 1; }

format: $(READY) ## write the code as ruff formats it
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix . || true

types: $(READY) ## mypy, strict
	@$(BIN)/mypy --no-error-summary

layers: $(READY) ## import-linter: imports point downward only
	@$(BIN)/lint-imports --no-logo >$(VENV)/layers.log 2>&1 || { cat $(VENV)/layers.log; exit 1; }

long: setup ## all tests and the long tiers: 10 000 damaged patches, 100 runs, 200 random kills, 500 requests in a minute
	@SEATRIAL_COLD=1 SEATRIAL_DAMAGED=10000 SEATRIAL_PAIRS=300 SEATRIAL_RUNS=100 SEATRIAL_KILL_TRIALS=200 SEATRIAL_STRESS_SECONDS=10 SEATRIAL_HISTORIES=40 SEATRIAL_ENGINE_KILLS=120 SEATRIAL_PROMOTIONS=200 SEATRIAL_FLEET_RUNS=24 SEATRIAL_FLEET_KILLS=20 $(PYTEST) --timeout 7200 --ignore tests/load
	@SEATRIAL_COLD=1 SEATRIAL_LOAD_REQUESTS=500 SEATRIAL_LOAD_SECONDS=60 SEATRIAL_LOAD_KILLS=50 $(ALONE) -s --timeout 7200 tests/load

faults: setup ## every marker with every fault, killed again in recovery, frozen, 1 000 random kills; takes an hour or two
	@rm -f out/faults.txt
	@SEATRIAL_FAULTS=all SEATRIAL_FAULT_KILLS=1000 $(PYTEST) --timeout 14400 tests/faults
	@cat out/faults.txt; $(BIN)/python -m testing.faults.total out/faults.txt

forging: setup ## every forgery of testing/forgeries and its honest twin, in whole checks; takes half an hour
	@SEATRIAL_FORGING=all $(PYTEST) tests/forging/test_forgeries.py

bench: setup ## how much time a sandbox costs; ARGS="..." is passed on
	@$(BIN)/python bench/overhead.py $(ARGS)

lock: ## write requirements/*.txt anew, with hashes and without index addresses
	@PYTHON='$(PYTHON)' scripts/lock.sh

clean: ## remove the virtual environment and everything generated
	@rm -rf $(VENV) build dist out .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
