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
from camembert.paper.answers import PROBE, RETRIEVAL, read_answers
from camembert.paper.figures.style import drawing
from camembert.paper.intervals import LEVEL, Interval, ResultsError
from camembert.paper.tables.comparisons import format_verdicts
from camembert.paper.tables.writing import format_difference
from camembert.plan.readings import AS_IS, choose_headline

TASK = "task"
OVER_ALL = "all"
"""Stands for the number of the replication in the rows of the mean over all."""
RECORD = "record"
"""Stands for it in the rows of the experiment that is replicated, on which settings were chosen: it is in no mean."""


class Question(NamedTuple):
    """How far is the first of two models (recipe and chain: ``toplayer/6-4-3``) above the second?"""

    title: str
    first: str
    second: str


def read_accuracies(folder: Path) -> pd.Series:
    """The accuracy of every model of a record: the mean over its runs of the average over languages (shares).

    Returns:
        Accuracies by evaluation (`TASK`, `RETRIEVAL`), reading, and the model's recipe and chain.
    """
    found: dict[tuple[str, str, str], float] = {}
    for table in read_answers(folder / "answers.parquet"):
        if table.task != PROBE:
            evaluation = RETRIEVAL if table.task == RETRIEVAL else TASK
            means = table.by_run["average"].groupby(level=["recipe", "chain"], sort=False).mean().reset_index()
            for recipe, chain, mean in means.itertuples(index=False):
                found[evaluation, table.reading, f"{recipe}/{chain}"] = mean
    return pd.Series(found).rename_axis(["evaluation", "reading", "model"])


def compute_differences(replications: Mapping[str, Path], questions: Iterable[Question], record: Path) -> pd.DataFrame:
    """One row a question, evaluation, reading that all have, and replication, then one for all replications (shares).

    Columns: question, evaluation, reading, leads, first, second, replication (its name, `RECORD` or `OVER_ALL`),
    difference and, over all, the ends low and high of its 95 % interval.

    Args:
        replications: the record of each, by its name. The first one's config says which reading leads.
        questions: asked of each.
        record: that of the experiment that is replicated, shown beside.

    Raises:
        ResultsError: a replication lacks a model that a question names.
    """
    by_name = {name: read_accuracies(folder) for name, folder in ({RECORD: record} | dict(replications)).items()}
    config = read_json(next(iter(replications.values())) / "config.json")
    leading = {TASK: AS_IS, RETRIEVAL: choose_headline(config["retrieval"]).name}
    rows = []
    for title, first, second in questions:
        for name, model in ((name, model) for name in by_name for model in (first, second)):
            if model not in by_name[name].index.get_level_values("model"):
                raise ResultsError(f"replication {name} has no accuracy of {model}")
        found = {name: own.xs(first, level="model") - own.xs(second, level="model") for name, own in by_name.items()}
        for row in pd.concat(found, axis=1).dropna().reset_index().to_dict("records"):
            facts = {"question": title, "evaluation": row["evaluation"], "reading": row["reading"]}
            facts |= {"leads": row["reading"] == leading[row["evaluation"]], "first": first, "second": second}
            rows += [facts | {"replication": name, "difference": row[name]} for name in by_name]
            mean, low, high = compute_t_interval([row[name] for name in replications])
            rows.append(facts | {"replication": OVER_ALL, "difference": mean, "low": low, "high": high})
    return pd.DataFrame(rows)


def compute_t_interval(found: Sequence[float]) -> Interval:
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
        leading = own[own["leads"]].set_index("replication")
        points = leading["difference"].drop(OVER_ALL).map(lambda share: f"{100 * share:+.1f}")
        shown = {"Difference": question, "Evaluation": evaluation} | points.rename(str.capitalize).to_dict()
        shown["Mean (95 % interval)"] = format_difference(*leading.loc[OVER_ALL, ["difference", "low", "high"]])
        shown["Readings"] = format_verdicts(own[own["replication"] == OVER_ALL].to_dict("records"))
        lines.append(shown)
    return pd.DataFrame(lines)


def draw_differences(rows: pd.DataFrame, stem: Path) -> None:
    """Draws every replication as a ring, the record as a cross, and the mean as a dot with its 95 % interval.

    A panel an evaluation, in the reading that leads; a grey bar spans the means in all readings.
    """
    questions, evaluations = list(rows["question"].unique()), list(rows["evaluation"].unique())
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
            axes.tick_params(axis="y", length=0)
        grid[0].set_yticks(range(len(questions)), questions)
        grid[0].set_ylim(len(questions) - 0.5, -0.5)
