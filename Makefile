# Everything is done in a virtual environment that make creates here and renews when pyproject.toml or
# requirements.txt change. The default one is .venv; each other PYTHON or DJANGO has a folder of its own.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# A shim of a Python that is not installed is found, but does not run: so each is asked to.
runs = $(shell $(1) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $(1))
ifeq ($(origin PYTHON),undefined)
PYTHON := $(firstword $(foreach name,python3.14 python3.13 python3.12 python3.11,$(call runs,$(name))) python3)
OWN_PYTHON :=
else
OWN_PYTHON := -python$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
endif

# A Django version such as 5.2; empty: the newest that this Python can run.
DJANGO ?=
VENV := .venv$(OWN_PYTHON)$(if $(DJANGO),-django$(DJANGO))
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
PORT ?= 8000
# Tests wait for servers and disks more than for the processor, so more of them than cores go side by side.
WORKERS ?= 4
ARGS ?=

# Every command is a process of its own: compiling the project anew for each would be half of what the tests do.
unexport PYTHONDONTWRITEBYTECODE

# The MariaDB driver is built from source, so it is wanted only where that can succeed.
MYSQL := $(shell command -v cc >/dev/null 2>&1 && command -v pkg-config >/dev/null 2>&1 \
	&& { command -v mariadb_config || command -v mysql_config; } 2>/dev/null)

.PHONY: help
help: ## Say what can be done here
	@echo "make TARGET [PYTHON=python3.13] [DJANGO=5.2]"
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

.PHONY: demo
demo: $(VENV)/project.stamp ## See a database lost and brought back
	$(BIN)/python -m project.demo $(ARGS)

.PHONY: run
run: $(VENV)/project.stamp ## Serve the demonstration project (PORT=8000), user admin, password admin
	$(BIN)/python manage.py migrate --verbosity 0
	$(BIN)/python -m project.first_user
	$(BIN)/python manage.py runserver $(PORT)

.PHONY: test
test: $(VENV)/test.stamp $(if $(MYSQL),$(VENV)/mysql.stamp) ## Run the tests; ARGS="-k name" for some of them
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

.PHONY: lint
lint: $(VENV)/lint.stamp ## Check format, code, types, layers and migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	DATABASE_URL=sqlite://:memory: $(BIN)/python manage.py makemigrations --check --dry-run

.PHONY: bench
bench: $(VENV)/bench.stamp $(if $(MYSQL),$(VENV)/mysql.stamp) ## Measure against the other tools; ARGS=--list for what
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: clean
clean: ## Remove what make made; var/, where backups are, is left alone
	rm -rf .venv .venv-* build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './var/*' -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not one. Name yours: make PYTHON=/path/to/python3.11" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "'$(PYTHON)' cannot make virtual environments. On Debian, install python3-venv." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/project.stamp: requirements.txt pyproject.toml | $(BIN)/python
	$(PIP) --requirement requirements.txt $(if $(DJANGO),'Django==$(DJANGO).*')
	@touch $@

$(VENV)/test.stamp: $(VENV)/project.stamp
	$(PIP) --editable '.[test]'
	@touch $@

# Rivals are nobody's dependency but the measurements'.
$(VENV)/bench.stamp: $(VENV)/test.stamp benchmarks/requirements.txt
	$(PIP) --requirement benchmarks/requirements.txt
	@touch $@

$(VENV)/lint.stamp: $(VENV)/project.stamp
	$(PIP) --editable '.[lint]'
	@touch $@

# A driver that does not build costs the MariaDB tests, and nothing else, unless all servers are required.
$(VENV)/mysql.stamp: $(VENV)/project.stamp
	@$(PIP) --editable '.[mysql]' && touch $@ || { \
		echo "The MariaDB driver could not be built, so the MariaDB tests are left out." >&2; \
		[ "$$REQUIRE_SERVERS" != 1 ]; }
