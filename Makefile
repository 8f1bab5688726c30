# `make run` and `make test` need only Python >= 3.11, make and git.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test lint format bench schemas clean

run: .venv/core
	$(BIN)/curate run sample --output output/sample

test: .venv/dev
	$(BIN)/pytest

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Ratios against reference tools; asserts nothing. BENCH: arguments of benchmarks.dedup.
bench: .venv/dev
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.dedup $(BENCH)

# Writes the JSON Schemas of recipe, statistics and manifest to docs/schemas.
schemas: .venv/dev
	$(BIN)/python -m schemas.json_schema docs/schemas

clean:
	rm -rf .venv build dist *.egg-info output/sample

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Aurora needs Python >= 3.11; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo "could not make .venv; on Debian: apt-get install python3-venv"; exit 1; }

.venv/core: pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --editable .
	@touch $@

.venv/dev: pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@ .venv/core
