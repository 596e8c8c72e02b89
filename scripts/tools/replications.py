"""Replications of an experiment, with everything drawn anew: what differs between two models in each, and over all.

A replication has a data set, a tokenizer, a teacher and runs of its own, so a difference of two models in it is one
independent number. The interval is Student's t over these numbers: unlike those of one experiment's tables it covers
another teacher and other data of the same kind, and it takes no account of how sure each number is by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from camembert.core.files import read_json
from camembert.paper.figures.style import STYLE, WIDTH, save
from camembert.paper.intervals import LEVEL, Interval
from camembert.paper.statistics import CLASSIFIER, RETRIEVAL, ResultsError, averages
from camembert.paper.tables.writing import NOTHING, format_difference

TASK = "task"
FOLDERS = {TASK: ["evaluation"], RETRIEVAL: ["layers", "retrieval"]}
"""Where the metrics of an evaluation are, within those of an experiment: retrieval by the top layer is in both."""
OVER_ALL = "all"
"""Stands for the number of the replication in the rows of the mean over all."""


class Question(NamedTuple):
    """How far is one model above another?

    Attributes:
        title: of its line in table and figure.
        first, second: models by recipe and chain, ``toplayer/6-4-3``.
        evaluations: those it is asked of.
    """

    title: str
    first: str
    second: str
    evaluations: tuple[str, ...] = (TASK, RETRIEVAL)


def read_accuracies(folders: Iterable[Path], evaluation: str) -> pd.Series:
    """The accuracy of every model of a replication: the mean over its runs of the average over languages (shares).

    Args:
        folders: of the replication's experiments, whose metrics are read together.
        evaluation: task or retrieval.

    Returns:
        Accuracies by the model's recipe and chain, ``toplayer/6-4-3``.

    Raises:
        ResultsError: no metrics of the evaluation are there.
    """
    folders = list(folders)
    rows = {}
    for folder in folders:
        for kind in FOLDERS[evaluation]:
            for path in sorted((folder / "metrics" / kind).rglob("*.json")):
                metrics = read_json(path)
                key = (metrics["recipe"], metrics["chain"], metrics["run"], metrics.get("finetuning", 0))
                by_layer = metrics.get("accuracy_by_layer", {})
                top = {language: shares[-1] for language, shares in by_layer.items()}
                rows[key] = metrics.get("accuracy", top)
    if not rows:
        raise ResultsError(f"no metrics of {evaluation} in {', '.join(map(str, folders))}; run the experiment first")
    tidy = [(*key, language, share) for key, found in rows.items() for language, share in found.items()]
    means = (
        averages(pd.DataFrame(tidy, columns=[*CLASSIFIER, "language", "accuracy"]))["average"]
        .groupby(level=["recipe", "chain"], sort=False)
        .mean()
    )
    return means.set_axis([f"{recipe}/{chain}" for recipe, chain in means.index])


def differences(replications: Mapping[str, Sequence[Path]], questions: Iterable[Question]) -> pd.DataFrame:
    """One row a question, evaluation and replication, then one for all replications (shares).

    Columns: question, evaluation, first, second, replication (its name, or `OVER_ALL`), difference and, over all, the
    ends low and high of its 95 % interval.

    Args:
        replications: folders of each replication, by its name.
        questions: asked of each.

    Raises:
        ResultsError: a replication lacks a model that a question names.
    """
    accuracies = {
        (name, evaluation): read_accuracies(folders, evaluation)
        for name, folders in replications.items()
        for evaluation in FOLDERS
    }
    rows = []
    for question in questions:
        for evaluation in question.evaluations:
            facts = {
                "question": question.title,
                "evaluation": evaluation,
                "first": question.first,
                "second": question.second,
            }
            found = []
            for name in replications:
                of_models = accuracies[name, evaluation]
                for model in (question.first, question.second):
                    if model not in of_models:
                        raise ResultsError(f"replication {name} has no {evaluation} accuracy of {model}")
                found.append(float(of_models[question.first] - of_models[question.second]))
                rows.append(facts | {"replication": name, "difference": found[-1]})
            mean, low, high = over_all(found)
            rows.append(facts | {"replication": OVER_ALL, "difference": mean, "low": low, "high": high})
    return pd.DataFrame(rows)


def over_all(found: Sequence[float]) -> Interval:
    """The mean of replications with Student's t interval; both ends NaN for one replication."""
    mean = fmean(found)
    if len(found) == 1:
        return Interval(mean, math.nan, math.nan)
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(found) - 1) * stats.sem(found))
    return Interval(mean, mean - half, mean + half)


def format_differences(rows: pd.DataFrame) -> pd.DataFrame:
    """One line a question and evaluation: points in every replication, and over all with the interval."""
    lines = []
    for (question, evaluation), own in rows.groupby(["question", "evaluation"], sort=False):
        of_all = own[own["replication"] == OVER_ALL].iloc[0]
        each = own[own["replication"] != OVER_ALL].set_index("replication")["difference"]
        shown = {str(name): f"{100 * share:+.1f}" for name, share in each.items()}
        mean = format_difference(Interval(*of_all[["difference", "low", "high"]].astype(float)))
        lines.append({"Difference": question, "Evaluation": evaluation} | shown | {"Mean (95 % interval)": mean})
    return pd.DataFrame(lines).fillna(NOTHING)


def draw_differences(rows: pd.DataFrame, stem: Path) -> None:
    """Draws every replication as a ring and their mean as a dot with its 95 % interval, a panel an evaluation.

    Args:
        rows: of `differences`.
        stem: path of the figure without its ending.
    """
    questions = list(rows["question"].unique())
    evaluations = list(rows["evaluation"].unique())
    with mpl.rc_context(dict(STYLE)):
        figure = Figure(figsize=(WIDTH, 0.8 + 0.36 * len(questions)))
        grid = figure.subplots(1, len(evaluations), squeeze=False, sharey=True)[0]
        for axes, evaluation in zip(grid, evaluations, strict=True):
            axes.axvline(0, color="0.5", linewidth=0.8, zorder=1)
            for row in rows[rows["evaluation"] == evaluation].to_dict("records"):
                y, points = questions.index(row["question"]), 100 * row["difference"]
                if row["replication"] == OVER_ALL:
                    reach = [[points - 100 * row["low"]], [100 * row["high"] - points]]
                    axes.errorbar(points, y + 0.18, xerr=reach, fmt="o", color="#000000", markersize=4.2, zorder=3)
                else:
                    axes.plot(points, y - 0.18, "o", color="0.35", fillstyle="none", markersize=4.2, zorder=3)
            axes.set_title({TASK: "Task", RETRIEVAL: "Retrieval"}[evaluation])
            axes.set_xlabel("Points of accuracy")
        grid[0].set_yticks(range(len(questions)), questions)
        grid[0].set_ylim(len(questions) - 0.5, -0.5)
        for axes in grid:
            axes.tick_params(axis="y", length=0)
        save(figure, stem)
