"""CAMeMBERT: multilingual BERT distilled again and again through teacher assistants.

snakemake --cores all            the whole experiment: models, predictions, tables, figures
snakemake --cores all tables     (or figures, metrics) a part of it
snakemake --cores all release    the best student as files to use: see docs/release.md
snakemake --cores all compress   the same, for an encoder of your own task: see docs/compress.md
snakemake --cores all layers     which layers of each encoder hold what, before any fine-tuning
snakemake -n                     what would run; scripts/estimate.py says what it costs

Of another experiment:
snakemake --cores all --configfile tests/config/tiny.yaml -- release                              a part of it
snakemake --cores all --configfile tests/config/tiny.yaml -- results/tiny/encoders/teacher/3/r0   one file or folder
snakemake --cores all --configfile tests/config/tiny.yaml --until distill                         teacher and students
snakemake --configfile tests/config/tiny.yaml --report results/tiny/report.html                   a page of what it made
"""

import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.0")
if sys.version_info < (3, 11):
    raise WorkflowError(f"Python {sys.version.split()[0]} is too old; CAMeMBERT needs Python 3.11 or newer")

if Path(sys.executable).is_file():
    sys.executable = shlex.quote(sys.executable)  # Snakemake puts it into shell commands as it is, spaces and all

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))


configfile: str(Path(workflow.basedir) / "config.yaml")


report: str(Path(workflow.basedir) / "captions" / "workflow.rst")


include: "rules/common.smk"
include: "rules/sources.smk"
include: "rules/jobs.smk"
include: "rules/data.smk"
include: "rules/text.smk"
include: "rules/cascade.smk"
include: "rules/evaluate.smk"
include: "rules/retrieval.smk"
include: "rules/probe.smk"
include: "rules/efficiency.smk"
include: "rules/paper.smk"
include: "rules/release.smk"
include: "rules/layers.smk"


rule all:
    default_target: True
    input:
        rules.metrics.input,
        rules.tables.input,
        rules.figures.input,
        PROBE_METRICS,


if {"-n", "-np", "-nq", "--dry-run", "--dryrun"} & set(sys.argv):
    show_plan(asked_cores())


onstart:
    show_plan(workflow.cores if workflow.local_exec else None)


onsuccess:
    show_results()
