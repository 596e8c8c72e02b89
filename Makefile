# make run      the embedded experiment: from nothing to tables and figures
# make test     all tests
# make setup    only the environment, in .venv
.PHONY: setup run test check record lock

PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

setup: $(BIN)/.installed

$(BIN)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed; name one with make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --requirement requirements.txt
	@touch $@

run: setup
	snakemake --cores all

test: setup
	pytest

# What a change must pass beside the tests
check: setup
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	mypy
	snakemake --lint

# Keeps the predictions, metrics, tables and figures of the embedded experiment as results of record
record: run
	rm -rf docs/results/embedded
	mkdir -p docs/results/embedded/figures
	cd results/embedded && cp -r predictions metrics tables config.json ../../docs/results/embedded/
	cp results/embedded/figures/*.png docs/results/embedded/figures/

# Pins every package again; run it where only the CPU build of torch is offered, or the lock names CUDA packages
lock: setup
	pip-compile --quiet --upgrade --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links \
		--no-header --output-file requirements.txt requirements.in
	sed -i 's/^torch==\([0-9.]*\)+cpu/torch==\1/' requirements.txt
