# Everything a person needs: python3 (3.11 or newer) with venv, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export NUMBA_CACHE_DIR ?= $(CURDIR)/$(VENV)/numba-cache

.PHONY: demo test check docs bench validate clean

demo: $(VENV)/base
	$(BIN)/lutetia demo --out demo-out

test: $(VENV)/test
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

docs: $(VENV)/docs
	$(BIN)/sphinx-build -W -q -b html docs docs/_build

bench: $(VENV)/mc
	$(BIN)/python benchmarks/run.py

validate: $(VENV)/test
	$(BIN)/python -m validation
	$(BIN)/python -m pytest -n 2 --hypothesis-profile explore tests/property tests/unit

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/base: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e .
	touch $@

# Extras that some platforms have no wheels for: without them their tests skip and say so.
$(VENV)/test: $(VENV)/base
	$(BIN)/python -m pip install --quiet -e ".[test]"
	$(BIN)/python -m pip install --quiet -e ".[sbml,cluster,supply]" || echo "the extras sbml, cluster and supply could not be installed; their tests are skipped"
	touch $@

$(VENV)/dev $(VENV)/docs $(VENV)/mc: $(VENV)/%: $(VENV)/base
	$(BIN)/python -m pip install --quiet -e ".[$*]"
	touch $@

clean:
	rm -rf $(VENV) demo-out docs/_build
