"""Every figure by its name: how it is drawn from the material of an experiment, given the stem of its path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from camembert.paper.figures import ablation, accuracy, languages, pareto, readings, training
from camembert.paper.material import Material
from camembert.paper.statistics import RETRIEVAL
from camembert.paper.tables import ablation as ablation_table
from camembert.paper.tables.comparisons import compare
from camembert.paper.tables.summary import summary
from camembert.paper.tables.tables import efficiency_of, languages_of


def draw_accuracy_by_language(material: Material, stem: Path) -> None:
    """Draws the accuracies on the task, with what others published."""
    task = material.results.evaluations[0]
    accuracy.accuracy_by_language(task.accuracy, material.models, stem, task.chance, material.published)


def draw_retrieval_by_language(material: Material, stem: Path) -> None:
    """Draws the accuracies in retrieval."""
    found = material.results.get(RETRIEVAL)
    assert found is not None, "the rule plans this figure only where there is retrieval"
    accuracy.accuracy_by_language(found.accuracy, material.models, stem, found.chance)


def draw_retrieval_readings(material: Material, stem: Path) -> None:
    """Draws how differences depend on the reading."""
    readings.retrieval_readings(compare(material.results, material.models, material.planned), stem)


def draw_accuracy_along_cascade(material: Material, stem: Path) -> None:
    """Draws accuracy against depth."""
    accuracy.accuracy_along_cascade(material.results, material.models, stem)


def draw_pareto(material: Material, stem: Path) -> None:
    """Draws accuracy against cost."""
    worth = summary(material.results, material.models)
    pareto.draw_pareto(worth, efficiency_of(material), material.models, material.lengths[-1], stem)


def draw_training_curves(material: Material, stem: Path) -> None:
    """Draws the training curves."""
    training.training_curves(material.curves, material.models, stem)


def draw_languages(material: Material, stem: Path) -> None:
    """Draws where compression hurts."""
    languages.languages(languages_of(material), material.models, stem)


def draw_ablation(material: Material, stem: Path) -> None:
    """Draws what the recipe changes."""
    numbers = ablation_table.ablation(material.results, material.models, material.recipes)
    ablation.ablation(numbers, stem)


FIGURES: Mapping[str, Callable[[Material, Path], None]] = {
    "accuracy_by_language": draw_accuracy_by_language,
    "accuracy_along_cascade": draw_accuracy_along_cascade,
    "retrieval_by_language": draw_retrieval_by_language,
    "retrieval_readings": draw_retrieval_readings,
    "pareto": draw_pareto,
    "training_curves": draw_training_curves,
    "languages": draw_languages,
    "ablation": draw_ablation,
}
