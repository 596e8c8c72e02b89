# make run      the toy experiment, three runs: from nothing to tables and figures
# make record   the same with ten runs and its release, kept in docs/results/toy
# make test     all tests
# make report   make run, and one page with its tables, figures, rules and run times: results/toy/report.html
#               (of another run: snakemake --configfile FILE --report results/NAME/report.html)
# make paper    tables and figures again, from the committed results of record
# make setup    only the environment, in .venv; tests and checks add what they need
.PHONY: setup developer cache run report test check record keep paper lock

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

developer: $(BIN)/.installed-developer

$(BIN)/.installed-developer: $(BIN)/.installed requirements-dev.txt
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	@touch $@

# Snakemake fails without a word where it cannot keep its cache
cache:
	@mkdir -p "$${XDG_CACHE_HOME:-$$HOME/.cache}" 2>/dev/null && test -w "$${XDG_CACHE_HOME:-$$HOME/.cache}" \
		|| { echo "$${XDG_CACHE_HOME:-$$HOME/.cache} cannot be written to, where Snakemake keeps its cache; set XDG_CACHE_HOME to a folder of yours"; exit 1; }

run: setup cache
	snakemake --cores all

report: run
	snakemake --report results/toy/report.html

# Two files of tests at a time, the longest first
test: developer cache
	pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder tests/slurm tests/workflow tests/unit

# What a change must pass beside the tests
check: developer
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	mypy
	snakemake --lint

# The toy experiment with ten runs, of which the default's are the first: its release, and what is kept of both
record: setup cache
	snakemake --cores all --configfile experiments/record.yaml
	snakemake --cores all --configfile experiments/record.yaml -- release
	$(MAKE) keep

RESULTS ?= results/toy
RECORD ?= docs/results/toy
KEPT := answers.parquet metrics.jsonl curves.parquet config.json

# Keeps every answer, from which all is counted, metrics, training curves, and what was made of them
keep:
	@test $(RESULTS) = results/toy || test $(RECORD) != docs/results/toy \
		|| { echo "name the record too, such as RECORD=docs/results/NAME: docs/results/toy is that of results/toy"; exit 1; }
	@test -f $(RESULTS)/tables/conclusion.md || { echo "$(RESULTS) holds no finished run: nothing is kept"; exit 1; }
	rm -rf $(RECORD)
	mkdir -p $(RECORD)/tables $(RECORD)/figures
	cp $(addprefix $(RESULTS)/,$(KEPT)) $(RECORD)/
	cp $(RESULTS)/tables/*.md $(wildcard $(RESULTS)/tables/comparisons.csv) $(RECORD)/tables/
	cp $(RESULTS)/figures/*.png $(RECORD)/figures/

# Makes the tables and figures of a record again from what it kept; trains nothing, needs no data
PAPER ?= results/from-record

paper: setup
	@for file in $(KEPT); do test -f "$(RECORD)/$$file" \
		|| { echo "$(RECORD) has no $$file; name the folder of a record, such as RECORD=docs/results/e5"; exit 1; }; done
	rm -rf "$(PAPER)/tables" "$(PAPER)/figures"
	python scripts/make_paper.py "$(RECORD)" "$(PAPER)"
	@echo "Tables are in $(PAPER)/tables, figures in $(PAPER)/figures"
	@for made in "$(PAPER)"/tables/*.md; do cmp -s "$$made" "$(RECORD)/tables/$${made##*/}" \
		|| echo "$$made is another than the record's"; done

# Pins every package again; run it where only the CPU build of torch is offered, or the lock names CUDA packages
lock: developer
	for name in requirements requirements-dev; do \
		pip-compile --quiet --upgrade --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links \
			--no-header --output-file $$name.txt $$name.in; \
		sed -i 's/^torch==\([0-9.]*\)+cpu/torch==\1/' $$name.txt; \
	done
