"""Sentences to be quoted, built from the numbers: what the planned comparisons found and how sure it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from camembert.paper.intervals import coverage
from camembert.paper.statistics import PROBE, RETRIEVAL
from camembert.paper.tables.comparisons import Verdict, equivalence_in_all, format_readings, verdict
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
WHERE = {RETRIEVAL: "in retrieval", PROBE: "with a linear probe"}


def conclusion(
    comparisons: pd.DataFrame,
    margin: float,
    convergence: pd.DataFrame | None = None,
    encoders: Iterable[Mapping[str, Any]] = (),
    labelled: str = "English",
) -> str:
    """A list with a sentence a comparison and evaluation, then what intervals cover and what classifiers lacked.

    A difference is stated as a result only if every reading of the evaluation gives the same verdict; otherwise the
    sentence says that it depends on the reading, and how far the readings are apart. Sentences are about the cascades
    and the pairs that the config names; where there are none, about all pairs.

    Args:
        comparisons: what `compare` returned.
        margin: of equivalence, in points.
        convergence: what `convergence` returned, if classifiers that were still improving are to be named.
        encoders: their metrics, if students that ended worse than the layers they were copied from are to be named.
        labelled: what the languages of the labels are called.
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
        counts = languages.groupby("task")["language"].nunique().to_dict()
        pairs = averages.groupby(["task", "contrast", *SIDES], sort=False)
        sentences = (f"- {_sentence(own.to_dict('records'), counts, margin, several)}" for _, own in pairs)
        paragraphs += ["\n".join(sentences), coverage(averages["covers"], averages["runs"])]
    improving = "" if convergence is None else still_improving(convergence, labelled)
    worse = worse_than_copied(encoders)
    return "\n\n".join([*paragraphs, *(said for said in (improving, worse) if said)]) + "\n"


def worse_than_copied(encoders: Iterable[Mapping[str, Any]]) -> str:
    """A sentence that names students whose held-out loss ended above that of the layers they were copied from."""
    ends = [(facts, facts.get("held_out_end") or {}, facts.get("held_out_copied") or {}) for facts in encoders]
    worse = Counter(
        f"{facts['recipe']}/{facts['chain']}"
        for facts, end, copied in ends
        if end and copied and end["loss"] > copied["loss"]
    )
    if not worse:
        return ""
    named = ", ".join(f"{model} ({count})" for model, count in worse.items())
    return (
        "Students that ended with a higher held-out loss than the layers they were copied from, so that training did"
        f" harm: {named}."
    )


SIDES = ["first_recipe", "first_chain", "second_recipe", "second_chain"]


def _sentence(
    readings: Sequence[Mapping[Any, Any]], languages: Mapping[Any, int], margin: float, several_recipes: bool
) -> str:
    """How far one model is above another, in words: the verdict that all readings share, or that they share none."""
    row = next(each for each in readings if each["leads"])
    first, second = (f"{NAMES[row[f'{side}_method']]} {row[f'{side}_chain']}" for side in ("first", "second"))
    recipe = f" with recipe {row['first_recipe']}" if several_recipes else ""
    where, count = WHERE.get(row["task"], f"on {row['task']}"), languages[row["task"]]
    scope = f"{recipe} {where}, on average over {count} language{'s' if count > 1 else ''}"
    points, ends = 100 * row["difference"], f"95 % interval {100 * row['low']:.1f} to {100 * row['high']:.1f}"
    if "runs" in row["covers"] and row["runs"] < FEW_RUNS:
        ends += f"; indicative, with fewer than {FEW_RUNS} runs"
    far = f"{first} is {abs(points):.1f} points {'above' if points > 0 else 'below'} {second}{scope}"
    verdicts = {verdict(each) for each in readings}
    all_points = [100 * each["difference"] for each in readings]
    reach = f"{min(all_points):+.1f} to {max(all_points):+.1f}"
    agreed = f", in all {len(readings)} readings ({reach})" if len(readings) > 1 else ""
    if row["task"] == RETRIEVAL and len(readings) == 1:
        agreed = ", by one reading alone"
    if None in verdicts:
        claim = f"{far}, in the one run that both have, which gives no interval"
    elif len(verdicts) > 1:
        said = format_readings(readings).partition(";")[0]
        claim = (
            f"how {first} compares with {second}{scope}, depends on the reading: the difference is {reach} points,"
            f" {said} of {len(readings)} readings; in the one that leads it is {points:+.1f} ({ends})"
        )
    elif Verdict.UNDECIDED in verdicts:
        claim = f"{first} and {second} cannot be told apart{scope}: difference {points:+.1f} points ({ends}){agreed}"
    else:
        claim = f"{far} ({ends}){agreed}"
    if equivalence_in_all(readings, margin):
        claim += f"; they are equal within {margin:g} points"
    claim = f"At equal compute {claim}" if row["contrast"] in EQUAL_COMPUTE else claim[0].upper() + claim[1:]
    return f"{claim}."
