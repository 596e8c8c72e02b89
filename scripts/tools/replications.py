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

import pandas as pd
from scipy import stats

from camembert.core.files import read_json
from camembert.paper.answers import read_answers
from camembert.paper.figures.style import drawing
from camembert.paper.intervals import LEVEL, Interval
from camembert.paper.statistics import PROBE, RETRIEVAL, ResultsError, averages
from camembert.paper.tables.comparisons import format_readings
from camembert.paper.tables.writing import NOTHING, format_difference
from camembert.plan.readings import AS_IS, headline_of

TASK = "task"
OVER_ALL = "all"
"""Stands for the number of the replication in the rows of the mean over all."""
RECORD = "record"
"""Stands for it in the rows of the experiment that is replicated, on which settings were chosen: it is in no mean."""


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


def read_accuracies(records: Iterable[Path]) -> pd.Series:
    """The accuracy of every model of a replication: the mean over its runs of the average over languages (shares).

    Args:
        records: of the replication's experiments, which are read together.

    Returns:
        Accuracies by evaluation (`TASK`, `RETRIEVAL`), reading, and the model's recipe and chain, ``toplayer/6-4-3``.
    """
    found: dict[tuple[str, str, str], float] = {}
    for record in records:
        for answers in read_answers(record / "answers.parquet"):
            if answers.task == PROBE:
                continue
            means = averages(answers.accuracy)["average"].groupby(level=["recipe", "chain"], sort=False).mean()
            evaluation = RETRIEVAL if answers.is_retrieval else TASK
            found |= {
                (evaluation, answers.reading, "/".join(model)): mean
                for model, mean in zip(means.index, means.tolist(), strict=True)
            }
    return pd.Series(found).rename_axis(["evaluation", "reading", "model"])


def differences(
    replications: Mapping[str, Sequence[Path]], questions: Iterable[Question], record: Sequence[Path] = ()
) -> pd.DataFrame:
    """One row a question, evaluation, reading and replication, then one for all replications (shares).

    Columns: question, evaluation, reading, leads, first, second, replication (its name, `RECORD` or `OVER_ALL`),
    difference and, over all, the ends low and high of its 95 % interval.

    Args:
        replications: records of each replication, by its name. The first one's config says which reading leads; where
            another lacks it, the first that all have does.
        record: those of the experiment that is replicated, shown beside.
        questions: asked of each.

    Raises:
        ResultsError: a replication lacks a model that a question names.
    """
    shown = ({RECORD: record} if record else {}) | dict(replications)
    accuracies = {name: read_accuracies(records) for name, records in shown.items()}
    first_record = next(iter(replications.values()))[0]
    leading = {TASK: AS_IS, RETRIEVAL: headline_of(read_json(first_record / "config.json")["retrieval"]).name}
    rows = []
    for question in questions:
        for evaluation in question.evaluations:
            common = _common_readings(accuracies.values(), evaluation)
            lead = leading[evaluation] if leading[evaluation] in common else common[0]
            for reading in common:
                facts = {
                    "question": question.title,
                    "evaluation": evaluation,
                    "reading": reading,
                    "leads": reading == lead,
                    "first": question.first,
                    "second": question.second,
                }
                found = {
                    name: _difference(own, name, evaluation, reading, question) for name, own in accuracies.items()
                }
                rows += [facts | {"replication": name, "difference": each} for name, each in found.items()]
                mean, low, high = over_all([found[name] for name in replications])
                rows.append(facts | {"replication": OVER_ALL, "difference": mean, "low": low, "high": high})
    return pd.DataFrame(rows)


def _common_readings(accuracies: Iterable[pd.Series], evaluation: str) -> list[str]:
    """The readings that all replications have; an older record has the answers of one alone."""
    first, *others = (list(own.xs(evaluation).index.unique("reading")) for own in accuracies)
    return [reading for reading in first if all(reading in other for other in others)]


def _difference(accuracies: pd.Series, name: str, evaluation: str, reading: str, question: Question) -> float:
    for model in (question.first, question.second):
        if (evaluation, reading, model) not in accuracies.index:
            raise ResultsError(f"replication {name} has no {evaluation} accuracy of {model} read by {reading}")
    return float(accuracies[evaluation, reading, question.first] - accuracies[evaluation, reading, question.second])


def over_all(found: Sequence[float]) -> Interval:
    """The mean of replications with Student's t interval; both ends NaN for one replication."""
    mean = fmean(found)
    if len(found) == 1:
        return Interval(mean, math.nan, math.nan)
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(found) - 1) * stats.sem(found))
    return Interval(mean, mean - half, mean + half)


def format_differences(rows: pd.DataFrame) -> pd.DataFrame:
    """One line a question and evaluation: points in every replication and over all, and what all readings say."""
    lines = []
    for (question, evaluation), own in rows.groupby(["question", "evaluation"], sort=False):
        leading = own[own["leads"]]
        of_all = leading[leading["replication"] == OVER_ALL].iloc[0]
        each = leading[leading["replication"] != OVER_ALL].set_index("replication")["difference"]
        shown = {str(name).capitalize(): f"{100 * share:+.1f}" for name, share in each.items()}
        mean = Interval(*of_all[["difference", "low", "high"]].astype(float))
        shown["Mean (95 % interval)"] = format_difference(mean)
        shown["Readings"] = format_readings(own[own["replication"] == OVER_ALL].to_dict("records"))
        lines.append({"Difference": question, "Evaluation": evaluation} | shown)
    return pd.DataFrame(lines).fillna(NOTHING)


def draw_differences(rows: pd.DataFrame, stem: Path) -> None:
    """Draws every replication as a ring, the record as a cross, and the mean as a dot with its 95 % interval.

    A panel an evaluation, in the reading that leads; a grey bar spans the means in all readings.

    Args:
        rows: of `differences`.
        stem: path of the figure without its ending.
    """
    questions = list(rows["question"].unique())
    evaluations = list(rows["evaluation"].unique())
    with drawing(stem, 0.8 + 0.36 * len(questions), 1, len(evaluations), sharey=True) as (grid,):
        for axes, evaluation in zip(grid, evaluations, strict=True):
            axes.axvline(0, color="0.5", linewidth=0.8, zorder=1)
            own = rows[rows["evaluation"] == evaluation]
            spans = own[own["replication"] == OVER_ALL].groupby("question")["difference"].agg(["min", "max"])
            for question, (least, most) in zip(spans.index, spans.to_numpy(), strict=True):
                y = questions.index(question) + 0.18
                axes.plot([100 * least, 100 * most], [y, y], color="0.8", linewidth=6, solid_capstyle="butt", zorder=2)
            for row in own[own["leads"]].to_dict("records"):
                y, points = questions.index(row["question"]), 100 * row["difference"]
                if row["replication"] == OVER_ALL:
                    reach = [[points - 100 * row["low"]], [100 * row["high"] - points]]
                    axes.errorbar(points, y + 0.18, xerr=reach, fmt="o", color="#000000", markersize=4.2, zorder=4)
                else:
                    sign = "x" if row["replication"] == RECORD else "o"
                    axes.plot(points, y - 0.18, sign, color="0.35", fillstyle="none", markersize=4.2, zorder=3)
            axes.set_title({TASK: "Task", RETRIEVAL: "Retrieval"}[evaluation])
            axes.set_xlabel("Points of accuracy")
        grid[0].set_yticks(range(len(questions)), questions)
        grid[0].set_ylim(len(questions) - 0.5, -0.5)
        for axes in grid:
            axes.tick_params(axis="y", length=0)
