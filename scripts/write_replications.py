"""Writes docs/results/replications/differences.* from the records: python scripts/write_replications.py

Each of experiments/replications/ repeats the toy experiment with everything drawn anew, so a difference of two models
in it is one independent number. The interval is Student's t over these numbers: unlike those of one experiment's tables
it covers another teacher and other data of the same kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from scipy import stats

from camembert.core.files import write_text
from camembert.paper.answers import PROBE, RETRIEVAL, read_answers
from camembert.paper.intervals import LEVEL
from camembert.paper.tables.writing import format_difference, to_markdown, write_csv
from camembert.plan.readings import AS_IS

RECORDS = Path(__file__).parents[1] / "docs" / "results"
RECORD = "record"
"""The toy experiment, on which settings were chosen: it stands beside the replications and is in no mean."""
OVER_ALL = "all"
REPLICATIONS = ("1", "2", "3", "4")
FOLDERS = {RECORD: RECORDS / "toy"} | {name: RECORDS / f"replication-{name}" for name in REPLICATIONS}
DIRECT = "toplayer/6-3x2.07"
QUESTIONS = {
    "Cascade minus direct student": ("toplayer/6-4-3", DIRECT),
    "Direct student minus copied layers": (DIRECT, "untrained/6-3x0"),
}
CAPTION = "How far one model of three layers is above another, in points of task accuracy, in four replications."
NOTE = (
    "Direct students have the cascade's compute. Average over languages and runs in each replication, which draws "
    "data, tokenizer, teacher and runs anew; the mean over replications with Student's t interval. Lines are not "
    "corrected for one another. Three runs a replication. The record, with ten, is none: settings were chosen on it."
)


def read_accuracies(folder: Path) -> pd.Series:
    """The task accuracy of every model of a record, ``RECIPE/CHAIN``: the mean over runs of that over languages."""
    tables = read_answers(folder / "answers.parquet")
    (task,) = (table for table in tables if table.task not in (PROBE, RETRIEVAL) and table.reading == AS_IS)
    means = task.by_run["average"].groupby(level=["recipe", "chain"], sort=False).mean()
    return means.set_axis(["/".join(model) for model in means.index])


def compute_differences(folders: Mapping[str, Path]) -> pd.DataFrame:
    """Of each question a row a record, then the mean of the replications with its interval (shares)."""
    accuracies = {name: read_accuracies(folder) for name, folder in folders.items()}
    rows = []
    for question, (first, second) in QUESTIONS.items():
        facts = {"question": question, "first": first, "second": second}
        found = pd.Series({name: own[first] - own[second] for name, own in accuracies.items()})
        rows += [facts | {"replication": name, "difference": difference} for name, difference in found.items()]
        drawn = found.drop(RECORD)
        half = stats.t.ppf((1 + LEVEL) / 2, len(drawn) - 1) * stats.sem(drawn)
        ends = {"low": drawn.mean() - half, "high": drawn.mean() + half}
        rows.append(facts | {"replication": OVER_ALL, "difference": drawn.mean()} | ends)
    return pd.DataFrame(rows)


def format_differences(rows: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it, in points: a line a question, a column a record."""
    cells = [format_difference(*numbers) for numbers in rows[["difference", "low", "high"]].itertuples(index=False)]
    shown = rows.assign(shown=cells).pivot(index="question", columns="replication", values="shown")
    names = {RECORD: "Record", **{name: name for name in REPLICATIONS}, OVER_ALL: "Mean (95 % interval)"}
    shown = shown.loc[list(QUESTIONS), list(names)].rename(columns=names)
    return shown.rename_axis("Difference").reset_index()


def write_differences(folder: Path) -> None:
    """Writes both forms into a folder."""
    rows = compute_differences(FOLDERS)
    write_csv(rows, folder / "differences.csv")
    write_text(folder / "differences.md", f"{CAPTION}\n\n{to_markdown(format_differences(rows))}\n\n{NOTE}\n")


if __name__ == "__main__":
    write_differences(RECORDS / "replications")
