# make run   set up, then the demo day on the embedded data
# make test  set up, then all tests
# make check lint, types, import rules, then the tests with coverage

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test check lint clean

run: .venv/installed
	$(BIN)/zavtra daily --config demo

test: .venv/installed
	$(BIN)/pytest

check: lint
	$(BIN)/pytest --cov --cov-report=term:skip-covered --cov-fail-under=85

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Zavtra needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv var
