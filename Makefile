# `make` alone says what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
# How many tests run at once: on two cores, a third works while others wait.
WORKERS ?= 3

.PHONY: help setup run test model mutants soak bench lint format lock clean

help: ## Say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: ## Install what the shop and its tests need
	@bin/setup

# MOUNTIFY_MAKE: the shop ends when this make is killed without a word.
run: ## Run the whole shop on http://127.0.0.1:3000 (PORT=… for another port)
	@bin/setup app
	@MOUNTIFY_MAKE=1 exec $(BIN)/mountify up

test: ## Run every test, the browser's too (ARGS='-k cart' for some)
	@bin/setup
	@bin/setup browser >/dev/null
	@bin/setup node >/dev/null
	@exec $(BIN)/pytest -n $(WORKERS) --dist loadgroup $(ARGS)

mutants: ## Plant one bug after the other, and show which test catches it (ARGS=no-row-lock for one)
	@bin/setup
	@exec $(BIN)/python -m tests.mutants.run $(ARGS)

model: ## Play shop, buyers, banks and crashes at random against a model of them, for a quarter of an hour or so
	@bin/setup
	@MOUNTIFY_MODEL=long exec $(BIN)/pytest -o faulthandler_timeout=0 tests/model/test_model.py $(ARGS)

soak: ## Kill everything at random while 2,000 orders are placed (ORDERS=… KILLS=… SEED=…)
	@bin/setup
	@ORDERS=$(ORDERS) KILLS=$(KILLS) SEED=$(SEED) exec $(BIN)/python -m tests.chaos

bench: ## Compare how long answers take about accounts that exist and that do not
	@bin/setup
	@exec $(BIN)/python -m bench.accounts

lint: setup ## Check style, types, templates and floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/djlint mountify/templates --lint --quiet
	$(BIN)/lint-imports

format: setup ## Put the code in shape
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

# Every environment at once (the markers stay in the locks), and no index address in what is committed.
lock: ## Draw the newest allowed versions into requirements/*.txt (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv; install it with: pip install uv"; exit 1; }
	cd requirements && for name in app dev; do \
		uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
			--no-emit-index-url --no-emit-find-links $$name.in --output-file $$name.txt || exit 1; done

clean: ## Remove what can be made again; the data in var/ stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis mountify/static/bundle *.egg-info \
		tests/clients/*/node_modules
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
