"""Makes tables and figures, in the workflow or again from a record:

    python scripts/make_paper.py docs/results/NAME FOLDER

Trains nothing and needs neither the data nor torch.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from camembert.core.files import read_json
from camembert.paper.contents import FIGURE_WRITERS, TABLE_WRITERS
from camembert.paper.record import ExperimentRecord
from camembert.plan import paper
from snakemake_job import logged_job

WRITERS = {"tables": TABLE_WRITERS, "figures": FIGURE_WRITERS}
PUBLISHED = Path(__file__).parents[1] / "docs" / "published.csv"


def make_paper(record: ExperimentRecord, stems: Iterable[Path]) -> None:
    """Writes tables and figures, each in all its forms, given the stems of their paths: ``FOLDER/tables/summary``."""
    for stem in stems:
        WRITERS[stem.parent.name][stem.name](record, stem)


def remake_paper(folder: Path, output: Path) -> None:
    """Writes output/tables and output/figures from answers, metrics, curves and config of a record's folder."""
    config, record = read_json(folder / "config.json"), ExperimentRecord.read(folder, PUBLISHED)
    make_paper(record, [output / "tables" / name for name in [*paper.list_tables(config), paper.CONCLUSION]])
    make_paper(record, [output / "figures" / name for name in paper.list_figures(config)])


if __name__ == "__main__" and "snakemake" in globals():
    with logged_job() as job:
        record = ExperimentRecord.read(Path(job.input.config).parent, PUBLISHED)
        make_paper(record, dict.fromkeys(Path(path).with_suffix("") for path in job.output))
elif __name__ == "__main__":
    remake_paper(*map(Path, sys.argv[1:]))
