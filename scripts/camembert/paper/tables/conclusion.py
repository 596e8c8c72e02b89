"""Sentences to be quoted, built from the numbers: what the planned comparisons found and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from camembert.paper.intervals import coverage
from camembert.paper.statistics import RETRIEVAL
from camembert.paper.tables.comparisons import equivalence
from camembert.paper.tables.convergence import still_improving
from camembert.plan.chain import Method
from camembert.plan.comparisons import Contrast

FEW_RUNS = 3  # fewer are indicative at most

NAMES = {
    Method.TEACHER: "the teacher",
    Method.RANDOM: "the encoder of random weights",
    Method.SCRATCH: "the encoder from scratch",
    Method.COPIED: "the encoder of copied layers",
    Method.DIRECT: "the direct student",
    Method.DIRECT_LONGER: "the direct student",
    Method.ASSISTANT: "the teacher assistant",
    Method.CASCADE: "the cascade",
}
EQUAL_COMPUTE = (Contrast.DIRECT_EQUAL_COMPUTE, Contrast.SCRATCH_EQUAL_COMPUTE)


def conclusion(comparisons: pd.DataFrame, margin: float, convergence: pd.DataFrame | None = None) -> str:
    """A list with a sentence a comparison and evaluation, then what intervals cover and what classifiers lacked.

    Sentences are about the cascades and the pairs that the config names; where there are none, about all pairs.

    Args:
        comparisons: what `compare` returned.
        margin: of equivalence, in points.
        convergence: what `convergence` returned, if classifiers that were still improving are to be named.
    """
    averages = comparisons[comparisons["language"] == "average"]
    chosen = averages[(averages["first_method"] == Method.CASCADE) | (averages["contrast"] == Contrast.OTHER)]
    averages = averages if chosen.empty else chosen
    paragraphs = []
    if averages.empty:
        paragraphs.append("The config plans no comparison.")
    else:
        several = averages["first_recipe"].nunique() > 1
        languages = comparisons[~comparisons["language"].isin(["average", "zero_shot"])]
        counts = languages.groupby("task")["language"].nunique()
        sentences = (f"- {_sentence(row, counts[row['task']], margin, several)}" for row in averages.to_dict("records"))
        paragraphs += ["\n".join(sentences), coverage(averages["covers"], averages["runs"])]
    improving = "" if convergence is None else still_improving(convergence)
    return "\n\n".join([*paragraphs, *([improving] if improving else [])]) + "\n"


def _sentence(row: Mapping[Any, Any], languages: int, margin: float, several_recipes: bool) -> str:
    """How far one model is above another, in words."""
    first, second = (f"{NAMES[row[f'{side}_method']]} {row[f'{side}_chain']}" for side in ("first", "second"))
    recipe = f" with recipe {row['first_recipe']}" if several_recipes else ""
    where = "in retrieval" if row["task"] == RETRIEVAL else f"on {row['task']}"
    scope = f"{recipe} {where}, on average over {languages} language{'s' if languages > 1 else ''}"
    points = 100 * row["difference"]
    far = f"{first} is {abs(points):.1f} points {'above' if points > 0 else 'below'} {second}{scope}"
    ends = f"95 % interval {100 * row['low']:.1f} to {100 * row['high']:.1f}"
    few = f"; indicative, with fewer than {FEW_RUNS} runs" if "runs" in row["covers"] and row["runs"] < FEW_RUNS else ""
    if math.isnan(row["low"]):
        claim = f"{far}; with one run no interval can be given"
    elif row["low"] <= 0 <= row["high"]:
        claim = f"{first} and {second} cannot be distinguished{scope}: difference {points:+.1f} points, {ends}{few}"
    else:
        claim = f"{far} (difference {points:+.1f}, {ends}{few})"
    if equivalence(row, margin):
        claim += (
            f"; the two are equivalent within {margin:g} points (90 % interval {100 * row['low_90']:.1f} to"
            f" {100 * row['high_90']:.1f})"
        )
    claim = f"At equal compute {claim}" if row["contrast"] in EQUAL_COMPUTE else claim[0].upper() + claim[1:]
    return f"{claim}."
