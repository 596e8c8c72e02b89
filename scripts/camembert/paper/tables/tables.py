"""Every table by its name: how it is made from the material of an experiment, given the stem of its path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from camembert.core.files import write_text
from camembert.paper import published
from camembert.paper.intervals import coverage
from camembert.paper.material import Material
from camembert.paper.statistics import BASELINES, PROBE, RETRIEVAL, Model, name_of_languages
from camembert.paper.tables import (
    ablation,
    budgets,
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


def accuracy_of(material: Material) -> pd.DataFrame:
    """The tidy table: one row a classifier or encoder, reading and language."""
    by_path = {(model.recipe, model.chain): model for model in [*material.models, *BASELINES]}
    found = material.results.accuracy
    whose = [by_path[key] for key in zip(found["recipe"], found["chain"], strict=True)]
    found.insert(0, "experiment", material.experiment)
    found.insert(5, "label", [model.label for model in whose])
    found.insert(6, "layers", pd.Series([model.layers for model in whose], dtype="Int64"))
    return found


def summary_of(material: Material) -> pd.DataFrame:
    """What is left of the teacher's accuracy, on average."""
    return summary.summary(material.results, material.models)


def comparisons_of(material: Material) -> pd.DataFrame:
    """How far one model is above another."""
    return comparisons.compare(material.results, material.models, material.planned)


def efficiency_of(material: Material) -> pd.DataFrame:
    """What every model costs to keep, to run and to train."""
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


def budgets_of(material: Material) -> pd.DataFrame:
    """What more training brings."""
    return budgets.budgets(summary_of(material), efficiency_of(material), material.models)


def ablation_of(material: Material) -> pd.DataFrame:
    """What the recipe changes."""
    return ablation.ablation(material.results, material.models, material.recipes)


def languages_of(material: Material) -> pd.DataFrame:
    """Where compression hurts."""
    task = material.results.evaluations[0]
    return languages.languages(task.accuracy, material.of_stage("encoders"), material.models)


def _write_summary(material: Material, stem: Path) -> None:
    numbers = summary_of(material)
    note, labelled = summary.note_of_summary(numbers, material.results), name_of_languages(material.trained_on)
    shown = summary.format_summary(numbers, labelled)
    if labelled != "English":
        numbers = numbers.rename(columns=lambda column: column.replace("english", "labelled"))
    write_table(numbers, shown, stem, summary.SUMMARY_CAPTION + material.learned_from, note)


def _write_by_language(task: str, caption: str) -> Callable[[Material, Path], None]:
    """What writes the accuracies of one evaluation, by default the first; those on the task beside published ones."""

    def write(material: Material, stem: Path) -> None:
        answers = material.results.get(task) if task else material.results.evaluations[0]
        assert answers is not None, "the rule plans this table only where the evaluation is"
        others = None if task else material.published
        numbers = summary.by_language(answers.accuracy, material.models, others)
        note = summary.BY_LANGUAGE_NOTE + summary.note_of_baselines(numbers)
        note += "" if others is None else published.note_of(others)
        title = caption.format(task=material.task) + ("" if task else material.learned_from)
        write_table(numbers, summary.format_by_language(numbers), stem, title, note)

    return write


def _write_retrieval_readings(material: Material, stem: Path) -> None:
    numbers = readings.retrieval_readings(material.results, material.models)
    write_table(numbers, readings.format_readings(numbers), stem, readings.CAPTION, readings.NOTE)


def _write_comparisons(material: Material, stem: Path) -> None:
    numbers = comparisons_of(material)
    shown = comparisons.format_comparisons(numbers, material.margin)
    note = f"{coverage(numbers['covers'], numbers['runs'])} {comparisons.NOTE.format(margin=material.margin)}"
    write_table(numbers, shown, stem, comparisons.CAPTION + material.learned_from, note)


def _write_conclusion(material: Material, stem: Path) -> None:
    improving, encoders = convergence.convergence(material.curves, material.models), material.of_stage("encoders")
    labelled = name_of_languages(material.trained_on)
    said = conclusion.conclusion(comparisons_of(material), material.margin, improving, encoders, labelled)
    learned = f"\n{material.learned_from.strip()}\n" if material.learned_from else ""
    write_text(stem.with_suffix(".md"), said + learned)


def _write_budgets(material: Material, stem: Path) -> None:
    numbers = budgets_of(material)
    write_table(numbers, budgets.format_budgets(numbers), stem, budgets.CAPTION, budgets.note(numbers))


def _write_ablation(material: Material, stem: Path) -> None:
    numbers = ablation_of(material)
    note = ablation.note(numbers, name_of_languages(material.trained_on))
    write_table(numbers, ablation.format_ablation(numbers), stem, ablation.CAPTION + material.learned_from, note)


def _write_convergence(material: Material, stem: Path) -> None:
    numbers = convergence.convergence(material.curves, material.models)
    caption = convergence.CAPTION.format(labelled=name_of_languages(material.trained_on))
    write_table(numbers, convergence.format_convergence(numbers), stem, caption, convergence.NOTE)


def _write_cost(material: Material, stem: Path) -> None:
    numbers = cost.cost_of(material.metrics)
    write_table(numbers, cost.format_cost(numbers), stem, cost.CAPTION, cost.NOTE)


def _write_efficiency(material: Material, stem: Path) -> None:
    measured, numbers = efficiency.by_depth(material.of_stage("efficiency")), efficiency_of(material)
    shown = efficiency.format_efficiency(numbers, material.lengths, summary_of(material))
    write_table(numbers, shown, stem, efficiency.CAPTION, efficiency.note(measured, numbers))


TABLES: Mapping[str, Callable[[Material, Path], None]] = {
    "accuracy": lambda material, stem: write_csv(accuracy_of(material), stem.with_suffix(".csv")),
    "summary": _write_summary,
    "accuracy_by_language": _write_by_language("", summary.BY_LANGUAGE_CAPTION),
    "probe_by_language": _write_by_language(PROBE, summary.PROBE_BY_LANGUAGE_CAPTION),
    "retrieval_by_language": _write_by_language(RETRIEVAL, summary.RETRIEVAL_BY_LANGUAGE_CAPTION),
    "retrieval_readings": _write_retrieval_readings,
    "comparisons": _write_comparisons,
    "conclusion": _write_conclusion,
    "budgets": _write_budgets,
    "ablation": _write_ablation,
    "convergence": _write_convergence,
    "languages": lambda material, stem: write_csv(languages_of(material), stem.with_suffix(".csv")),
    "cost": _write_cost,
    "efficiency": _write_efficiency,
}
