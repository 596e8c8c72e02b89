"""Every figure by its name: how it is drawn from the material of an experiment, given the stem of its path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from camembert.paper.figures.ablation import ablation
from camembert.paper.figures.accuracy import accuracy_by_language
from camembert.paper.figures.budgets import draw_budgets
from camembert.paper.figures.finding import draw_finding
from camembert.paper.figures.languages import languages
from camembert.paper.figures.pareto import draw_pareto
from camembert.paper.figures.training import training_curves
from camembert.paper.material import Material
from camembert.paper.statistics import RETRIEVAL
from camembert.paper.tables import tables


def _accuracy_by_language(material: Material, stem: Path) -> None:
    task = material.results.evaluations[0]
    accuracy_by_language(task.accuracy, material.models, stem, task.chance, material.published)


def _retrieval_by_language(material: Material, stem: Path) -> None:
    found = material.results.get(RETRIEVAL)
    assert found is not None, "the rule plans this figure only where there is retrieval"
    accuracy_by_language(found.accuracy, material.models, stem, found.chance)


def _pareto(material: Material, stem: Path) -> None:
    worth, costs = tables.summary_of(material), tables.efficiency_of(material)
    draw_pareto(worth, costs, material.models, material.lengths[-1], stem)


FIGURES: Mapping[str, Callable[[Material, Path], None]] = {
    "finding": lambda material, stem: draw_finding(tables.comparisons_of(material), stem),
    "pareto": _pareto,
    "budgets": lambda material, stem: draw_budgets(tables.budgets_of(material), stem),
    "accuracy_by_language": _accuracy_by_language,
    "retrieval_by_language": _retrieval_by_language,
    "training_curves": lambda material, stem: training_curves(material.curves, material.models, stem),
    "languages": lambda material, stem: languages(tables.languages_of(material), material.models, stem),
    "ablation": lambda material, stem: ablation(tables.ablation_of(material), stem),
}
