"""Makes the tables and figures of a record again: python scripts/make_paper.py docs/results/NAME FOLDER

Trains nothing and needs neither the data nor torch.
"""

import sys
from pathlib import Path

from camembert.core.files import read_json
from camembert.paper.figures.figures import FIGURES
from camembert.paper.material import Material
from camembert.paper.tables.tables import TABLES
from camembert.plan import paper

PUBLISHED = Path(__file__).parents[1] / "docs" / "published.csv"


def make_paper(record: Path, folder: Path) -> None:
    """Writes folder/tables and folder/figures from answers, metrics, curves and config of a record."""
    config = read_json(record / "config.json")
    material = Material.read(
        record / "answers.parquet",
        record / "metrics.jsonl",
        record / "curves.parquet",
        published_rows=PUBLISHED if paper.shows_published_rows(config) else None,
        **paper.paper_settings(config),
    )
    for name in [*paper.tables_of(config), *paper.data_tables_of(config), paper.CONCLUSION]:
        TABLES[name](material, folder / "tables" / name)
    for name in paper.figures_of(config):
        FIGURES[name](material, folder / "figures" / name)


if __name__ == "__main__":
    make_paper(*map(Path, sys.argv[1:]))
