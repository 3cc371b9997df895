# make run   set up, then the demo day on the embedded data
# make test  set up, then all tests
# make check lint, types, import rules, then the tests with coverage

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test check lint constraints clean

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

# Pin what a fresh installation takes today; torch by hand, whose newest build may be a CUDA one.
constraints:
	rm -rf build/pins && $(PYTHON) -m venv build/pins
	build/pins/bin/pip install --quiet --disable-pip-version-check torch==2.13.0 '.[dev,s3]'
	(echo '# Every version this project is tested with. Made by: make constraints'; \
	 build/pins/bin/pip freeze --exclude zavtra | sed 's/+cpu$$//') | sort -f > constraints.txt

clean:
	rm -rf .venv var
