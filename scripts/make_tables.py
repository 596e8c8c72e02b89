"""Makes all tables."""

from pathlib import Path

from camembert.paper.material import Material
from camembert.paper.tables.tables import TABLES
from camembert.runtime.job import logged

if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        material = Material.read(
            job.input.answers,
            job.input.metrics,
            job.input.curves,
            published_rows=Path(job.input.published[0]) if job.input.published else None,
            **job.params.settings,
        )
        for stem in dict.fromkeys(Path(path).with_suffix("") for path in job.output):
            TABLES[stem.name](material, stem)
