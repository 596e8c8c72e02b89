"""Budgets: what more training brings to direct students and to cascades, at the compute that each took."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from camembert.paper.statistics import Model
from camembert.paper.tables.summary import coverage_of
from camembert.paper.tables.writing import format_interval, format_percent
from camembert.plan.paper import STUDENTS_BY_BUDGET, way_of

CAPTION = "What more training brings, in percent."
NOTE = (
    "Averages over the languages (probe: all but English), with 95 % intervals. Training is the compute after the "
    "teacher was there, on every hop of the chain. A cascade and a direct student of equal compute are a fair pair."
)
SCORES = {"retrieval": "Retrieval", "average": "Task", "probe": "Probe, zero-shot"}


def budgets(summary: pd.DataFrame, efficiency: pd.DataFrame, models: Sequence[Model]) -> pd.DataFrame:
    """One row a student, by depth, way and compute, of depths that one way leads to at several budgets.

    Args:
        summary: the summary table (shares).
        efficiency: the efficiency table, which has training_flops.
        models: of the experiment.

    Returns:
        The rows of the summary, with way (``12-6-3``, the chain without its budgets), cascade (whether it goes through
        an assistant) and training_flops after the teacher.
    """
    students = [model for model in models if model.method in STUDENTS_BY_BUDGET]
    ways = pd.DataFrame(
        [(model.recipe, model.chain, way_of(model.chain), way_of(model.chain).count("-") > 1) for model in students],
        columns=["recipe", "chain", "way", "cascade"],
    )
    costs = efficiency[["recipe", "chain", "training_flops"]]
    rows = ways.merge(costs, on=["recipe", "chain"]).merge(summary, on=["recipe", "chain"], validate="one_to_one")
    of_way = rows.groupby(["recipe", "way"])["chain"].transform("size")
    kept = rows[of_way.groupby([rows["recipe"], rows["layers"]]).transform("max") > 1]
    return kept.sort_values(["recipe", "layers", "cascade", "way", "training_flops"], ignore_index=True)


def format_budgets(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it."""
    shown = {"Model": numbers["label"], "Training (TFLOP)": numbers["training_flops"].map(lambda x: f"{1e-12 * x:.2f}")}
    for column, title in SCORES.items():
        if column in numbers and numbers[column].notna().any():
            shown[title] = format_percent(numbers[column])
            ends = map(format_interval, numbers[f"{column}_low"], numbers[f"{column}_high"])
            shown[f"{title}, 95 % interval"] = pd.Series(list(ends))
    return pd.DataFrame(shown)


def note(numbers: pd.DataFrame) -> str:
    """What the table's readers should know, with what its intervals cover."""
    return f"{NOTE} {coverage_of(numbers)}"
