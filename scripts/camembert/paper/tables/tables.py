"""Every table by its name: how it is made from the material of an experiment, given the stem of its path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from camembert.core.files import write_text
from camembert.paper import published
from camembert.paper.answers import Answers
from camembert.paper.intervals import coverage
from camembert.paper.material import Material
from camembert.paper.statistics import BASELINES, PROBE, RETRIEVAL, Model, name_of_languages
from camembert.paper.tables import (
    ablation,
    comparisons,
    conclusion,
    convergence,
    cost,
    efficiency,
    languages,
    readings,
    summary,
)
from camembert.paper.tables.writing import write_csv, write_table


def efficiency_of(material: Material) -> pd.DataFrame:
    """What every model costs; see `efficiency.efficiency`."""
    measured = efficiency.by_depth(material.of_stage("efficiency"))
    spent = efficiency.spent_on(material.of_stage("encoders"))
    return efficiency.efficiency(measured, spent, material.models, _finetuning_of(material))


def _finetuning_of(material: Material) -> dict[Model, float] | None:
    """What fine-tuning cost where classifiers learn soft labels, see `efficiency.finetuning_flops`; None elsewhere."""
    if not (soft := material.of_stage("soft_labels")):
        return None
    finetuned, taught = efficiency.spent_on(material.of_stage("classifiers")), efficiency.spent_on(soft)
    return {
        model: efficiency.finetuning_flops(model, material.soft_labels, finetuned, taught) for model in material.models
    }


def languages_of(material: Material) -> pd.DataFrame:
    """Where compression hurts; see `languages.languages`."""
    task = material.results.evaluations[0]
    return languages.languages(task.accuracy, material.of_stage("encoders"), material.models)


def write_accuracy(material: Material, stem: Path) -> None:
    """Writes the tidy table: one row a classifier or encoder, reading and language."""
    by_path = {(model.recipe, model.chain): model for model in [*material.models, *BASELINES]}
    found = material.results.accuracy
    whose = [by_path[key] for key in zip(found["recipe"], found["chain"], strict=True)]
    found.insert(0, "experiment", material.experiment)
    found.insert(5, "label", [model.label for model in whose])
    found.insert(6, "layers", pd.Series([model.layers for model in whose], dtype="Int64"))
    write_csv(found, stem.with_suffix(".csv"))


def write_summary(material: Material, stem: Path) -> None:
    """Writes what is left of the teacher's accuracy, on average."""
    numbers = summary.summary(material.results, material.models)
    note, labelled = summary.note_of_summary(numbers, material.results), name_of_languages(material.trained_on)
    shown = summary.format_summary(numbers, labelled)
    if labelled != "English":
        numbers = numbers.rename(columns=lambda column: column.replace("english", "labelled"))
    write_table(numbers, shown, stem, summary.SUMMARY_CAPTION + material.learned_from, note)


def write_accuracy_by_language(material: Material, stem: Path) -> None:
    """Writes the accuracies on the task, language by language, with what others published."""
    task = material.results.evaluations[0]
    caption = summary.BY_LANGUAGE_CAPTION.format(task=task.task) + material.learned_from
    _write_by_language(material, task, stem, caption, material.published)


def write_retrieval_by_language(material: Material, stem: Path) -> None:
    """Writes the accuracies in retrieval, language by language."""
    _write_by_language(material, material.results.get(RETRIEVAL), stem, summary.RETRIEVAL_BY_LANGUAGE_CAPTION)


def write_probe_by_language(material: Material, stem: Path) -> None:
    """Writes the accuracies of linear probes, language by language."""
    caption = summary.PROBE_BY_LANGUAGE_CAPTION.format(task=material.task)
    _write_by_language(material, material.results.get(PROBE), stem, caption)


def _write_by_language(
    material: Material, answers: Answers | None, stem: Path, caption: str, others: pd.DataFrame | None = None
) -> None:
    assert answers is not None, "the rule plans this table only where the evaluation is"
    numbers = summary.by_language(answers.accuracy, material.models, others)
    note = summary.BY_LANGUAGE_NOTE + summary.note_of_baselines(numbers)
    note += "" if others is None else published.note_of(others)
    write_table(numbers, summary.format_by_language(numbers), stem, caption, note)


def write_retrieval_readings(material: Material, stem: Path) -> None:
    """Writes what every reading of retrieval says."""
    numbers = readings.retrieval_readings(material.results, material.models)
    write_table(numbers, readings.format_readings(numbers), stem, readings.CAPTION, readings.NOTE)


def write_convergence(material: Material, stem: Path) -> None:
    """Writes whether fine-tuning had converged."""
    numbers = convergence.convergence(material.curves, material.models)
    caption = convergence.CAPTION.format(labelled=name_of_languages(material.trained_on))
    write_table(numbers, convergence.format_convergence(numbers), stem, caption, convergence.note())


def write_comparisons(material: Material, stem: Path) -> None:
    """Writes how far one model is above another."""
    numbers = comparisons.compare(material.results, material.models, material.planned)
    shown = comparisons.format_comparisons(numbers, material.margin)
    note = f"{coverage(numbers['covers'], numbers['runs'])} {comparisons.NOTE.format(margin=material.margin)}"
    write_table(numbers, shown, stem, comparisons.CAPTION + material.learned_from, note)


def write_conclusion(material: Material, stem: Path) -> None:
    """Writes the sentences to be quoted."""
    numbers = comparisons.compare(material.results, material.models, material.planned)
    improving, encoders = convergence.convergence(material.curves, material.models), material.of_stage("encoders")
    labelled = name_of_languages(material.trained_on)
    said = conclusion.conclusion(numbers, material.margin, improving, encoders, labelled)
    learned = f"\n{material.learned_from.strip()}\n" if material.learned_from else ""
    write_text(stem.with_suffix(".md"), said + learned)


def write_ablation(material: Material, stem: Path) -> None:
    """Writes what the recipe changes."""
    numbers = ablation.ablation(material.results, material.models, material.recipes)
    note = ablation.note(numbers, name_of_languages(material.trained_on))
    write_table(numbers, ablation.format_ablation(numbers), stem, ablation.CAPTION + material.learned_from, note)


def write_languages(material: Material, stem: Path) -> None:
    """Writes where compression hurts."""
    write_csv(languages_of(material), stem.with_suffix(".csv"))


def write_cost(material: Material, stem: Path) -> None:
    """Writes what the run cost."""
    numbers = cost.cost_of(cost.jobs_of(material.metrics))
    write_table(numbers, cost.format_cost(numbers), stem, cost.CAPTION, cost.NOTE)


def write_efficiency(material: Material, stem: Path) -> None:
    """Writes what every model costs to keep, to run and to train, and what it is worth."""
    measured, numbers = efficiency.by_depth(material.of_stage("efficiency")), efficiency_of(material)
    worth = summary.summary(material.results, material.models)
    shown = efficiency.format_efficiency(numbers, material.lengths, worth)
    write_table(numbers, shown, stem, efficiency.CAPTION, efficiency.note(measured, numbers))


TABLES: Mapping[str, Callable[[Material, Path], None]] = {
    "accuracy": write_accuracy,
    "summary": write_summary,
    "accuracy_by_language": write_accuracy_by_language,
    "probe_by_language": write_probe_by_language,
    "retrieval_by_language": write_retrieval_by_language,
    "retrieval_readings": write_retrieval_readings,
    "comparisons": write_comparisons,
    "conclusion": write_conclusion,
    "ablation": write_ablation,
    "convergence": write_convergence,
    "languages": write_languages,
    "cost": write_cost,
    "efficiency": write_efficiency,
}
