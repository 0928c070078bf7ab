PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

PORT ?= 8000
IN_PROCESSES := --dist=loadfile --no-loadscope-reorder

# Tests run a process for each processor: more threads than processors wait for each other, and training takes 8 times as long.
test test-neo4j: export OMP_NUM_THREADS = 1

.PHONY: demo test test-clients test-neo4j check bench schema hooks released clean

demo: $(INSTALLED)  ## A sample bank, trained and served, with a token for each role.
	@$(BIN)/guanxi demo --port $(PORT)

test: $(INSTALLED)  ## All tests but the clients', on an embedded store for each processor.
	$(BIN)/python -m pytest --ignore=tests/clients --numprocesses=auto $(IN_PROCESSES)

test-clients: $(INSTALLED)  ## Clients from npm against a running server; needs Node.js.
	npm install --no-package-lock --no-audit --no-fund --silent
	$(BIN)/python -m pytest tests/clients

test-neo4j: $(INSTALLED)  ## What tests do with the store, on two real Neo4j, which Maven fetches.
	$(BIN)/python tests/neo4j/serve.py 2 $(BIN)/python -m pytest --store=neo4j --numprocesses=2 $(IN_PROCESSES) \
		tests/graph tests/loaders tests/api

check: $(INSTALLED)  ## Format, lint, types and the direction of imports.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED)  ## The benchmarks' tables.
	@for program in tests/benchmarks/*.py; do $(BIN)/python $$program || exit 1; done

schema: $(INSTALLED)  ## Writes schema.graphql anew.
	$(BIN)/python -c 'from api.schema import printed; print(printed(), end="")' > schema.graphql

hooks: $(INSTALLED)  ## Writes docs/plugins-hooks.md anew.
	$(BIN)/python -c 'from plugins.reference import markdown; print(markdown(), end="")' > docs/plugins-hooks.md

released: schema  ## Promises the schema as it is; at a release alone.
	cp schema.graphql tests/api/released.graphql

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[embedded,redis]' --group dev
	@touch $@

clean:
	rm -rf $(VENV) build dist
