# Two commands are all the set-up: `make demo` and `make test`. The rest is for those who build qipan.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.synced
ARGS ?=
NAME ?=

.PHONY: demo test test-long lint format bench messages clean

demo: $(STAMP)
	$(BIN)/qipan demo $(ARGS)

test: $(STAMP)
	$(BIN)/pytest -m "not long" -n 2 $(ARGS)

test-long: $(STAMP)
	$(BIN)/pytest -m long $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/architecture -n 0
	$(BIN)/django-admin makemigrations --check --dry-run --settings qipan.config.settings

format: $(STAMP)
	$(BIN)/ruff check --fix .

bench: $(STAMP)
	$(BIN)/qipan bench $(NAME) $(ARGS)

# Finds what is said (babel.cfg), brings the catalogues up to date with it and compiles them.
messages: $(STAMP)
	PYTHONPATH=. $(BIN)/pybabel -q extract -F babel.cfg --no-wrap --add-location=file -o $(VENV)/django.pot src/qipan
	$(BIN)/pybabel -q update -i $(VENV)/django.pot -d src/qipan/locale -D django \
	  --no-fuzzy-matching --ignore-obsolete --no-wrap --ignore-pot-creation-date
	$(BIN)/pybabel -q compile -d src/qipan/locale -D django

# The environment comes from the lock file alone; the catalogues are compiled with it.
$(STAMP): requirements.lock pyproject.toml package.json package-lock.json scripts/vendor.py $(wildcard src/qipan/locale/*/LC_MESSAGES/*.po)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/pip install -q --disable-pip-version-check uv==0.13.9
	$(BIN)/uv pip sync -q --require-hashes requirements.lock
	$(BIN)/uv pip install -q --no-deps --no-build-isolation -e .
	$(BIN)/python scripts/vendor.py
	if [ -d src/qipan/locale ]; then $(BIN)/pybabel -q compile -d src/qipan/locale -D django; fi
	touch $(STAMP)

lock: pyproject.toml
	$(BIN)/uv pip compile -q --all-extras --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --universal pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) var node_modules src/qipan/foundation/pages/static/vendor
