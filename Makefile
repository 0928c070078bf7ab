# The two commands a newcomer needs are `make demo` and `make test`.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.PHONY: demo test test-neo4j lint types imports check bench schema clean

demo: $(INSTALLED)  ## A sample bank, trained and served, with a token for each role.
	@$(BIN)/guanxi demo

test: $(INSTALLED)  ## All tests on the embedded store.
	$(BIN)/python -m pytest

test-neo4j: $(INSTALLED)  ## The tests of the graph, the loaders and the whole path on a real Neo4j.
	tests/neo4j/serve $(BIN)/python -m pytest --store=neo4j tests/graph tests/loaders tests/e2e

check: $(INSTALLED)  ## Format, lint, types and the direction of imports.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED)  ## The benchmarks' tables.
	$(BIN)/python -m tests.benchmarks

schema: $(INSTALLED)  ## Write schema.graphql anew.
	$(BIN)/python -m api.schema > schema.graphql

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[embedded]' --group dev
	@touch $@

clean:
	rm -rf $(VENV) build dist
