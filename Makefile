PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DOOR := dynamic
# Test suites that do not know which plugin serves their stacks.
DOORS := tests/engine tests/test_miniature.py tests/test_sweep.py tests/test_random_programs.py
READY := $(VENV)/.ready

.DEFAULT_GOAL := check

check: lint types test  ## everything a merge needs (the default)

demo: $(READY) engine  ## preview, up, a change, drift and repair, destroy: the real pulumi against an emulated cloud
	$(BIN)/python tools/demo.py

test: $(READY) engine  ## every test, with the real Pulumi engine
	$(BIN)/python -m pytest -n 3 --dist loadgroup

quick: $(READY)  ## the tests that need neither the Pulumi CLI nor much time (under a minute)
	$(BIN)/python -m pytest -n 4 --dist loadgroup -m "not engine and not slow"

coverage: $(READY)  ## the share of the package that the tests without the Pulumi CLI execute
	$(BIN)/python -m coverage run -m pytest -q -n 3 --dist loadgroup -m "not engine"
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage report --sort=cover

doors: $(READY) engine  ## the tests that run stacks, through the native plugin (about 10 minutes)
	$(BIN)/python -m pytest -n 3 --dist loadgroup --door native $(DOORS)

sweep: $(READY)  ## fail every request of a run in every way; is anything lost or created twice? (about an hour)
	$(BIN)/python -m tests.sweep --door $(DOOR)

kill: $(READY) engine  ## kill the CLI or its plugin at 20 random moments of an up; is anything lost or created twice?
	$(BIN)/python -m tests.kill --door $(DOOR)

random: $(READY)  ## 10,000 steps of random programs, drift and faults
	JOVIAM_EXAMPLES=480 $(BIN)/python -m pytest -q -s --door $(DOOR) tests/test_random_programs.py

bench: $(READY) engine  ## measure against other providers, as Markdown (about an hour; NAMES="disks web" for a part)
	$(BIN)/python -m bench $(NAMES)

matrix: $(READY) engine  ## the wheel on each installed CPython, with the lowest and the newest dependencies (about 5 minutes)
	$(BIN)/python -m tests.matrix

lint: $(READY)  ## ruff: style and likely mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## mypy and basedpyright, both strict; every public type must be known
	$(BIN)/mypy
	PATH="$$PWD/$(BIN):$$PATH" $(BIN)/basedpyright
	cd $(BIN) && PATH="$$PWD:$$PATH" ./basedpyright --verifytypes pulumi_joviam --ignoreexternal

docs: $(READY)  ## build the docs site in build/docs; warnings are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

engine:  ## find, download or build the Pulumi CLI
	@echo "engine: $$($(PYTHON) tools/engine/install.py)"

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' Makefile

# Pulumi looks for pulumi-plugin.json in site-packages, but an editable install puts no files there. Without the link, every
# run would try to download a plugin named joviam.
$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	ln -sfn "$(CURDIR)/pulumi_joviam" "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/pulumi_joviam"
	@touch $@

.PHONY: check demo test quick coverage doors sweep kill random bench matrix lint types docs engine help
