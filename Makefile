# Everything a fresh machine with Python 3.11 and make needs. `make help` lists the targets.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || echo python3)
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help setup train reproduce optuna-ui test test-all lint type bench release-check clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(INSTALLED) ## make the virtual environment and install genrelab into it

$(INSTALLED): pyproject.toml constraints.txt
	@echo "setting up $(VENV) (some minutes the first time)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

train: setup ## compose the demo, prepare features, train the main job's small version, write its report
	$(BIN)/python train.py experiment=quickstart $(ARGS)

reproduce: setup ## run the published systems on the data in GENRELAB_DATA, and write docs/reproduction.md
	$(BIN)/genrelab tools reproduce $(ARGS)

optuna-ui: setup ## show studies (optuna-dashboard) and curves (TensorBoard) in a browser, until Ctrl-C
	$(BIN)/genrelab tools optuna-ui $(ARGS)

test: setup ## run the quick tests (about five minutes on two cores)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow" $(ARGS)

test-all: setup ## run every test, the slow ones included
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

lint: setup ## check style, formatting and the layers of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

type: setup ## check types
	$(BIN)/mypy

bench: setup ## run the benchmarks
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

release-check: ## build sdist and wheel, check their metadata, install the wheel apart, train and predict with it
	PYTHON=$(PYTHON) .ci/release-check

clean: ## remove caches and build products; outputs/ and the environment stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
	find src tests -type d -empty -delete
