"""Every table and figure of the paper by its name: what writes it, given the record and the stem of its path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from camembert.paper.answers import PROBE, RETRIEVAL
from camembert.paper.figures.accuracy import draw_accuracy_by_language
from camembert.paper.figures.comparisons import draw_ablation, draw_finding
from camembert.paper.figures.costs import draw_budgets, draw_pareto
from camembert.paper.figures.training import draw_training_curves
from camembert.paper.record import ExperimentRecord
from camembert.paper.tables.accuracy import (
    compute_summary,
    write_by_language,
    write_retrieval_readings,
    write_summary,
)
from camembert.paper.tables.comparisons import compute_ablation, compute_comparisons, write_ablation, write_comparisons
from camembert.paper.tables.conclusion import write_conclusion
from camembert.paper.tables.costs import (
    compute_budgets,
    compute_efficiency,
    write_budgets,
    write_efficiency,
    write_job_costs,
)
from camembert.paper.tables.training import write_convergence

Writer = Callable[[ExperimentRecord, Path], None]
TABLE_WRITERS: Mapping[str, Writer] = {
    "summary": write_summary,
    "accuracy_by_language": write_by_language,
    "probe_by_language": partial(write_by_language, task=PROBE),
    "retrieval_by_language": partial(write_by_language, task=RETRIEVAL),
    "retrieval_readings": write_retrieval_readings,
    "comparisons": write_comparisons,
    "conclusion": write_conclusion,
    "budgets": write_budgets,
    "ablation": write_ablation,
    "convergence": write_convergence,
    "cost": write_job_costs,
    "efficiency": write_efficiency,
}
FIGURE_WRITERS: Mapping[str, Writer] = {
    "finding": lambda record, stem: draw_finding(compute_comparisons(record), stem),
    "pareto": lambda record, stem: draw_pareto(
        compute_summary(record), compute_efficiency(record), record.models, record.lengths[-1], stem
    ),
    "budgets": lambda record, stem: draw_budgets(compute_budgets(record), stem),
    "accuracy_by_language": lambda record, stem: draw_accuracy_by_language(
        record.results.task, record.models, stem, record.published
    ),
    "retrieval_by_language": lambda record, stem: draw_accuracy_by_language(
        record.results.leading[RETRIEVAL], record.models, stem
    ),
    "training_curves": lambda record, stem: draw_training_curves(record.curves, record.models, stem),
    "ablation": lambda record, stem: draw_ablation(compute_ablation(record), stem),
}
