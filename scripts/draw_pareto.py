"""Draws accuracy against parameters, latency and training compute."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from camembert.paper.figures import pareto
from camembert.paper.statistics import models_of
from camembert.runtime.job import logged


def draw_pareto(summary: Path, efficiency: Path, lines: Iterable[Mapping[str, Any]], tokens: int, stem: Path) -> None:
    """Draws the figure as .pdf and .png, given the stem of its path."""
    accuracies, costs = (pd.read_csv(path, dtype={"recipe": str, "chain": str}) for path in (summary, efficiency))
    pareto.draw_pareto(accuracies, costs, models_of(lines), tokens, stem)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        draw_pareto(
            summary=Path(job.input.summary),
            efficiency=Path(job.input.efficiency[0]),
            lines=job.params.models,
            tokens=job.params.tokens,
            stem=Path(job.output.figure[0]).with_suffix(""),
        )
