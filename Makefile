# make run      the embedded experiment, three runs: from nothing to tables and figures
# make record   the same with ten runs and its release, kept in docs/results/embedded
# make test     all tests
# make report   one page with all tables, figures, the rules and their run times, from a finished run
# make paper    tables and figures again, from the committed results of record
# make setup    only the environment, in .venv
.PHONY: setup run report test check record keep paper lock

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

report: run
	snakemake --report results/embedded/report.html

# Two files of tests at a time, the longest first
test: setup
	pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder tests/slurm tests/workflow tests/unit

# What a change must pass beside the tests
check: setup
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	mypy
	snakemake --lint

# The embedded experiment with ten runs, of which the default's are the first: its release, and what is kept of both
record: setup
	snakemake --cores all --configfile experiments/record.yaml
	snakemake --cores all --configfile experiments/record.yaml -- release
	$(MAKE) keep

RESULTS ?= results/embedded
RECORD ?= docs/results/embedded

# Keeps predictions and retrieved sentences, from which all is counted; where predictions are many (60 labels), with
# COUNTED=1 only which answers were right
keep:
	@test -f $(RESULTS)/tables/conclusion.md || { echo "$(RESULTS) holds no finished run: nothing is kept"; exit 1; }
	rm -rf $(RECORD)
	mkdir -p $(RECORD)/figures
	cp -r $(wildcard $(addprefix $(RESULTS)/,predictions retrieval metrics benchmarks tables config.json)) $(RECORD)/
	cd $(RECORD) && if [ -n "$(COUNTED)" ]; then find predictions retrieval -mindepth 1 ! -name answers.parquet -delete; \
		else rm -f predictions/answers.parquet retrieval/answers.parquet; fi
	cp $(RESULTS)/figures/*.png $(RECORD)/figures/

# Makes the tables and figures of `make record` again from what it kept, in results/from-record; trains nothing, loads no torch
PAPER ?= results/from-record
PAPER_RULES = $(shell sed -n 's/^rule \(tabulate_.*\|draw_.*\|tables\|figures\):/\1/p' rules/*.smk)
COUNTED_HERE = $(wildcard $(RECORD)/predictions/answers.parquet)

paper: setup
	rm -rf $(PAPER)
	mkdir -p $(PAPER)/results/$(notdir $(RECORD))
	cp -r $(wildcard $(addprefix $(RECORD)/,predictions retrieval metrics benchmarks)) $(PAPER)/results/$(notdir $(RECORD))/
	if [ -d data ]; then ln -s $(CURDIR)/data $(PAPER)/data; fi
	$(if $(COUNTED_HERE),mkdir $(PAPER)/results/$(notdir $(RECORD))/tables; cp $(RECORD)/tables/accuracy.csv $(PAPER)/results/$(notdir $(RECORD))/tables/)
	snakemake --cores all --directory $(PAPER) --configfile $(RECORD)/config.json \
		--allowed-rules $(if $(COUNTED_HERE),$(filter-out tabulate_accuracy,$(PAPER_RULES)),$(PAPER_RULES)) -- tables figures

# Pins every package again; run it where only the CPU build of torch is offered, or the lock names CUDA packages
lock: setup
	pip-compile --quiet --upgrade --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links \
		--no-header --output-file requirements.txt requirements.in
	sed -i 's/^torch==\([0-9.]*\)+cpu/torch==\1/' requirements.txt
