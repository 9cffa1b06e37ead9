# make demo    a real pipeline on this machine, from nothing
# make test    all checks and tests, from nothing; ARGS="tests/graph -k json" chooses
# make soak    the long trials
# make bench   the benchmarks: ratios, each measured within one run
# make docs    the documentation site, into build/docs; a warning is an error
# make statements   the registry's questions in SQLite's words, after a change to them or to the tables
# make command      the page of all commands, after a change to one
# make up      the whole of docker-compose.yaml: secrets, images, services; GPU=1 with the GPU worker
# make down    end it; VOLUMES=1 forgets the databases and the blobs as well
# make clean   remove what the others have made, .venv included

SHELL := /bin/bash
VENV := .venv/bin
DEMO := $(CURDIR)/.demo
# The demo's own home: neither a workspace of yours nor a database is touched.
DEMO_ENVIRONMENT := env -u AIRFLOW_ML_REGISTRY AIRFLOW_ML_HOME=$(DEMO) AIRFLOW_HOME=$(DEMO)/airflow-home \
	AIRFLOW__CORE__LOAD_EXAMPLES=False
WORKERS ?= 2

.PHONY: demo test lint docs soak bench command statements up down clean

demo:
	@.ci/install
	@cd dags && $(DEMO_ENVIRONMENT) ../$(VENV)/python -m digits.demo
	@echo; echo "Everything lies in $(DEMO); datastores are folders in $(DEMO)/digits/stores"

# A check that fails does not keep the others from running; the last ones are the tests, whose summary then stands
# at the end.
test:
	@.ci/install dev
	@.ci/system-packages
	@failed=; $(MAKE) --no-print-directory lint || failed="lint"; \
	$(MAKE) --no-print-directory docs || failed="$$failed docs"; \
	$(VENV)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS) || failed="$$failed pytest"; \
	if [ -n "$$failed" ]; then echo "failed: $$failed"; exit 1; fi

lint:
	@.ci/install dev
	@failed=; for check in "ruff check ." "ruff format --check ." "mypy -p airflow_ml" lint-imports; do \
		echo "== $$check"; $(VENV)/$$check || failed=1; done; [ -z "$$failed" ]

docs:
	@.ci/install dev
	@echo "== docs"; AIRFLOW_HOME=$(CURDIR)/build/docs-airflow AIRFLOW__CORE__LOAD_EXAMPLES=False \
		$(VENV)/sphinx-build -q -W --keep-going -b html docs build/docs

soak:
	@.ci/install dev
	@.ci/system-packages
	AIRFLOW_ML_SOAK=1 $(VENV)/python -m pytest -m soak --timeout 7200 $(ARGS)

bench:
	@.ci/install dev
	@set -e; for benchmark in benchmarks/*.py; do echo "== $$benchmark"; $(VENV)/python "$$benchmark"; done

command:
	@$(VENV)/python -m airflow_ml.cli.reference > docs/command.md

statements:
	@$(VENV)/python -m airflow_ml.registry.statements

up:
	@GPU=$(GPU) docker/up

down:
	@VOLUMES=$(VOLUMES) docker/down

clean:
	rm -rf .venv .demo build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
