"""Sentences built from the numbers: what the comparisons found and how sure it is, to quote and in the terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from camembert.core.files import write_text
from camembert.paper.answers import PROBE, RETRIEVAL
from camembert.paper.intervals import describe_coverage
from camembert.paper.record import ExperimentRecord
from camembert.paper.tables.comparisons import (
    SIDES,
    Verdict,
    compute_comparisons,
    equivalent_in_all,
    find_verdict,
    format_verdicts,
)
from camembert.paper.tables.training import compute_convergence, name_improving
from camembert.paper.tables.writing import format_mean_and_sd, to_markdown
from camembert.plan.chain import Method
from camembert.plan.experiment import Contrast

FEW_RUNS = 3  # fewer are indicative at most
METHOD_NAMES = {
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

SHORT_CAPTION = "Percent right, mean over the runs (standard deviation)."
SHORT_COLUMNS = {"average": "Task", "probe": "Zero-shot probe", "retrieval": "Retrieval"}


def conclude(comparisons: pd.DataFrame, margin: float) -> str:
    """A list with a sentence a comparison and evaluation, then what intervals cover.

    A difference is stated as a result only if every reading of the evaluation gives the same verdict; otherwise the
    sentence says that it depends on the reading, and how far the readings are apart. Sentences are about the cascades
    and the pairs that the config names; where there are none, about all pairs.

    Args:
        comparisons: of `compare`.
        margin: of equivalence, in points.
    """
    averages = comparisons[comparisons["language"] == "average"]
    chosen = averages[(averages["first_method"] == Method.CASCADE) | (averages["contrast"] == Contrast.OTHER)]
    averages = averages if chosen.empty else chosen
    if averages.empty:
        return "The config plans no comparison."
    several = averages["first_recipe"].nunique() > 1
    languages = comparisons[~comparisons["language"].isin(["average", "zero_shot"])]
    counts = languages.groupby("task")["language"].nunique().to_dict()
    models = [f"{side}_{field}" for side in SIDES for field in ("recipe", "chain")]
    pairs = averages.groupby(["task", "contrast", *models], sort=False)
    sentences = [f"- {_state_result(own.to_dict('records'), counts, margin, several)}" for _, own in pairs]
    return "\n".join(sentences) + "\n\n" + describe_coverage(averages["covers"], averages["runs"])


def name_worse_than_copied(encoders: Iterable[Mapping[str, Any]]) -> str:
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


def _state_result(
    readings: Sequence[Mapping[Any, Any]], languages: Mapping[Any, int], margin: float, several_recipes: bool
) -> str:
    """How far one model is above another, in words: the verdict that all readings share, or that they share none."""
    row = next(each for each in readings if each["leads"])
    first, second = (f"{METHOD_NAMES[row[f'{side}_method']]} {row[f'{side}_chain']}" for side in SIDES)
    recipe = f" with recipe {row['first_recipe']}" if several_recipes else ""
    where, count = WHERE.get(row["task"], f"on {row['task']}"), languages[row["task"]]
    scope = f"{recipe} {where}, on average over {count} language{'s' if count > 1 else ''}"
    points, ends = 100 * row["difference"], f"95 % interval {100 * row['low']:.1f} to {100 * row['high']:.1f}"
    equal, within = equivalent_in_all(readings, margin), f"within {margin:g} points"
    if equal:  # by two one-sided tests: the narrower interval lies within the margin
        ends += f", 90 % {100 * row['low_90']:.1f} to {100 * row['high_90']:.1f}"
    if "runs" in row["covers"] and row["runs"] < FEW_RUNS:
        ends += f"; indicative, with fewer than {FEW_RUNS} runs"
    where_to = "above" if points > 0 else "below"
    far = f"{first} is {abs(points):.1f} points {where_to} {second}{scope}"
    if math.isclose(points, 0, abs_tol=1e-9):
        far = f"{first} and {second} are right equally often{scope}"
    verdicts = {find_verdict(each) for each in readings}
    all_points = [100 * each["difference"] for each in readings]
    reach = f"{min(all_points):+.1f} to {max(all_points):+.1f}"
    agreed = f", in all {len(readings)} readings ({reach})" if len(readings) > 1 else ""
    if row["task"] == RETRIEVAL and len(readings) == 1:
        agreed = ", by one reading alone"
    if None in verdicts:
        claim = f"{far}, in the one run that both have, which gives no interval"
    elif len(verdicts) > 1:
        counts = format_verdicts(readings).partition(";")[0]
        claim = (
            f"how {first} compares with {second}{scope}, depends on the reading: the difference is {reach} points,"
            f" {counts} of {len(readings)} readings; in the one that leads it is {points:+.1f} ({ends})"
        )
        claim += f"; they are equal {within} in all" if equal else ""
    elif Verdict.UNDECIDED in verdicts:
        verdict = f"{first} and {second} are equal {within}{scope}"
        verdict = verdict if equal else f"whether {first} is above or below {second}{scope}, is open"
        claim = f"{verdict}: difference {points:+.1f} points ({ends}){agreed}"
    elif equal:
        claim = f"{first} is slightly {where_to} {second}{scope}, by {abs(points):.1f} points ({ends}) and surely"
        claim += f" by less than {margin:g}{agreed}"
    else:
        claim = f"{far} ({ends}){agreed}"
    return f"At equal compute {claim}." if row["contrast"] in EQUAL_COMPUTE else f"{claim[0].upper()}{claim[1:]}."


def write_conclusion(record: ExperimentRecord, stem: Path) -> None:
    """Writes the sentences as ``stem.md``, with what classifiers and students lacked."""
    paragraphs = [
        conclude(compute_comparisons(record), record.margin),
        name_improving(compute_convergence(record), record.labelled),
        name_worse_than_copied(record.select_stage("encoders")),
        record.soft_label_note.strip(),
    ]
    write_text(stem.with_suffix(".md"), "\n\n".join(filter(None, paragraphs)) + "\n")


def summarise_run(folder: Path) -> str:
    """What a finished run says in the terminal: a short table, the first conclusion, and where the rest is.

    Args:
        folder: results of an experiment, with the summary, the table of a release, or both.
    """
    tables, paragraphs = folder / "tables", []
    if (tables / "summary.csv").is_file():
        numbers = pd.read_csv(tables / "summary.csv")
        shown = {"Model": numbers["label"], "Layers": numbers["layers"]}
        for column, title in SHORT_COLUMNS.items():
            if column in numbers and numbers[column].notna().any():
                shown[title] = format_mean_and_sd(numbers[column], numbers[f"{column}_sd"])
        paragraphs += [SHORT_CAPTION, to_markdown(pd.DataFrame(shown))]
        conclusions = (tables / "conclusion.md").read_text(encoding="utf-8").splitlines()
        paragraphs += [line.removeprefix("- ") for line in conclusions[:1] if line.startswith("- ")]
    if (tables / "release.md").is_file():
        paragraphs.append((tables / "release.md").read_text(encoding="utf-8").strip())
    if not paragraphs:
        return ""
    if released := sorted(str(path) for path in (folder / "release").glob("*") if path.is_dir()):
        paragraphs.append(f"Models to take: {', '.join(released)}.")
    made = [str(folder / name) for name in ("tables", "figures") if (folder / name).is_dir()]
    rest = "; tables/conclusion.md says in sentences what was found" if (tables / "conclusion.md").is_file() else ""
    rest += ", tables/ablation.md compares the recipes" if (tables / "ablation.md").is_file() else ""
    return "\n\n".join([*paragraphs, f"More is in {', '.join(made)}{rest}."])
