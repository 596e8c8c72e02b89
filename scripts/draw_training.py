"""Draws the training curves of pre-training, distillation and fine-tuning."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camembert.paper.figures.training import read_curves, training_curves
from camembert.paper.statistics import models_of
from camembert.runtime.job import logged


def draw_training(curves: Iterable[Path], lines: Iterable[Mapping[str, Any]], figure: Path) -> None:
    """Draws the figure of training curves as .pdf and .png, given the stem of its path."""
    training_curves(read_curves(curves), models_of(lines), figure)


if __name__ == "__main__":
    job = snakemake  # type: ignore[name-defined]  # noqa: F821
    with logged(job.log[0]):
        draw_training(
            curves=job.input.curves,
            lines=job.params.models,
            figure=Path(job.output.figure[0]).with_suffix(""),
        )
