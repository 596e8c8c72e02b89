"""Makes tables and figures, in the workflow or again from a record:

    python scripts/make_paper.py docs/results/NAME FOLDER

Trains nothing and needs neither the data nor torch.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from camembert.core.files import read_json
from camembert.paper.figures.figures import FIGURES
from camembert.paper.material import Material
from camembert.paper.tables.tables import TABLES
from camembert.plan import paper
from camembert.runtime.job import logged

MAKERS = {"tables": TABLES, "figures": FIGURES}
PUBLISHED = Path(__file__).parents[1] / "docs" / "published.csv"


def make_paper(material: Material, stems: Iterable[Path]) -> None:
    """Writes tables and figures, each in all its forms, given the stems of their paths: ``FOLDER/tables/summary``."""
    for stem in stems:
        MAKERS[stem.parent.name][stem.name](material, stem)


def remake_paper(record: Path, folder: Path) -> None:
    """Writes folder/tables and folder/figures from answers, metrics, curves and config of a record."""
    config = read_json(record / "config.json")
    material = Material.read(
        record / "answers.parquet",
        record / "metrics.jsonl",
        record / "curves.parquet",
        published_rows=PUBLISHED if paper.shows_published_rows(config) else None,
        **paper.paper_settings(config),
    )
    tables = [*paper.tables_of(config), *paper.data_tables_of(config), paper.CONCLUSION]
    make_paper(material, [folder / "tables" / name for name in tables])
    make_paper(material, [folder / "figures" / name for name in paper.figures_of(config)])


if __name__ == "__main__" and "snakemake" in globals():
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        material = Material.read(
            job.input.answers,
            job.input.metrics,
            job.input.curves,
            published_rows=Path(job.input.published[0]) if job.input.published else None,
            **job.params.settings,
        )
        make_paper(material, dict.fromkeys(Path(path).with_suffix("") for path in job.output))
elif __name__ == "__main__":
    remake_paper(*map(Path, sys.argv[1:]))
