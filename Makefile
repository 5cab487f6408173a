# Assay: `make help` lists what there is.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
TORCH := torch==2.13.0
BUF := proto/node_modules/.bin/buf

.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(BIN)/.assay ## Judge the shipped sample feed from end to end (nothing to install beforehand)
	@$(BIN)/assay demo

up: $(BIN)/.assay ## Start Redis, SQLite, a worker, gRPC on 127.0.0.1:50051 and the dashboard on :8080; Ctrl-C stops
	@$(BIN)/assay up $(UP)

moderate: UP = --demo
moderate: up ## The same with the sample feed handed over, to work through in the dashboard

test: $(BIN)/.assay-dev system ## Run every check and every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python proto/generate.py --check
	@$(MAKE) --no-print-directory buf
	$(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder

system: ## Install the system programs that tests use (Redis, PostgreSQL, Chromium, npm), where this user may
	@sh .ci/system-programs

format: $(BIN)/.assay-dev ## Format the code and sort its imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

proto: $(BIN)/.assay-dev ## Regenerate the gRPC code from proto/
	$(BIN)/python proto/generate.py

buf: $(BIN)/.assay-dev $(BUF) ## Lint proto/ and compare it with the baseline: would it break a client?
	$(BIN)/python proto/check.py

baseline: $(BIN)/.assay-dev ## Make proto/ as it is the baseline, when a release of it goes out to clients
	$(BIN)/python proto/check.py --renew

docs: $(BIN)/.assay-dev ## Write docs/configuration.md from the settings
	$(BIN)/python docs/generate.py

lock: $(BIN)/.assay-dev ## Resolve pyproject.toml into the two lock files again
	$(BIN)/pip-compile $(LOCK_FLAGS) --extra postgres -o requirements.lock pyproject.toml
	$(BIN)/pip-compile $(LOCK_FLAGS) --extra dev --extra train --extra postgres -c requirements.lock -o requirements-dev.lock pyproject.toml
	sed -i 's/^\(torch==[0-9.]*\)+.*/\1/' requirements.lock requirements-dev.lock # any build of that version

wheel: $(BIN)/.assay-dev ## Build the wheel into dist/
	$(BIN)/python -m build --wheel

clean: ## Remove the virtual environment and what builds leave behind
	rm -rf $(VENV) proto/node_modules dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

.PHONY: help demo up moderate test system format proto buf baseline docs lock wheel clean

LOCK_FLAGS := -q --strip-extras --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

# Where npm is missing, proto/check.py says so.
$(BUF): proto/package-lock.json
	@! command -v npm >/dev/null || { echo "Installing buf ..."; npm ci --silent --prefix proto && touch $@; }

# Torch goes first and by its exact version: a looser request, or one through another package, brings gigabytes of CUDA.
$(BIN)/.assay: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Assay needs Python 3.11: install it, or name it with make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked packages into $(VENV) (two minutes or so, once) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check $(TORCH)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(BIN)/.assay-dev: $(BIN)/.assay requirements-dev.lock
	@echo "Installing the packages for development ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements-dev.lock
	@touch $@
