"""What a finished run says in the terminal: a short table, one plain sentence, and where the rest is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from camembert.paper.statistics import PROBE, RETRIEVAL
from camembert.paper.tables.comparisons import Verdict, verdict
from camembert.paper.tables.conclusion import NAMES
from camembert.paper.tables.writing import format_mean_and_sd
from camembert.plan.comparisons import Contrast

SHOWN = {"average": "Task", "probe": "Zero-shot probe", "retrieval": "Retrieval"}
CAPTION = "Percent right, mean over the runs (standard deviation)."
ASKED = [
    Contrast.DIRECT_EQUAL_COMPUTE, Contrast.OTHER, Contrast.DIRECT, Contrast.COPIED_LAYERS, Contrast.TEACHER
]  # fmt: skip
"""What the sentence is about: the first of these that was compared."""


def closing(folder: Path) -> str:
    """The summary in few columns with a sentence, the table of a release, whichever there are, and where the rest is.

    Args:
        folder: results of an experiment.
    """
    said = _summary(folder / "tables") if (folder / "tables" / "summary.csv").is_file() else []
    release = folder / "tables" / "release.md"
    said += [release.read_text(encoding="utf-8").strip()] if release.is_file() else []
    if not said:
        return ""
    if released := sorted(str(path) for path in (folder / "release").glob("*") if path.is_dir()):
        said.append(f"Models to take: {', '.join(released)}.")
    made = [str(folder / name) for name in ("tables", "figures") if (folder / name).is_dir()]
    conclusion = folder / "tables" / "conclusion.md"
    found = "; tables/conclusion.md says in sentences what was found" if conclusion.is_file() else ""
    return "\n\n".join([*said, f"More is in {', '.join(made)}{found}."])


def _summary(tables: Path) -> list[str]:
    """A caption, the table of the summary in few columns and, where anything was compared, a sentence."""
    numbers = pd.read_csv(tables / "summary.csv")
    shown = {"Model": numbers["label"], "Layers": numbers["layers"]}
    for column, title in SHOWN.items():
        if column in numbers and numbers[column].notna().any():
            shown[title] = format_mean_and_sd(numbers[column], numbers[f"{column}_sd"])
    align = ["left", *["right"] * (len(shown) - 1)]
    table = pd.DataFrame(shown).to_markdown(index=False, disable_numparse=True, colalign=align)
    said = sentence(pd.read_csv(tables / "comparisons.csv", keep_default_na=False, na_values=[""]))
    return [CAPTION, table, *filter(None, [said])]


def sentence(comparisons: pd.DataFrame) -> str:
    """One plain sentence on the first question that was asked; nothing where none was.

    Args:
        comparisons: the table of that name.
    """
    rows = comparisons[(comparisons["language"] == "average") & comparisons["leads"]]
    for contrast in ASKED:
        asked = rows[rows["contrast"] == contrast]
        if not asked.empty:
            return _sentence(asked.iloc[0].to_dict())
    return ""


def _sentence(row: Mapping[Any, Any]) -> str:
    first, second = (f"{NAMES[row[f'{side}_method']]} {row[f'{side}_chain']}" for side in ("first", "second"))
    does = {RETRIEVAL: "finds the translation of", PROBE: "lets a linear probe get right"}
    of, what = does.get(row["task"], "gets right"), "sentences" if row["task"] == RETRIEVAL else "examples"
    equal = "With the same training compute, " if row["contrast"] == Contrast.DIRECT_EQUAL_COMPUTE else ""
    ends = {
        None: "both are of one run, which cannot tell whether that is more than chance",
        Verdict.UNDECIDED: "chance alone can make such a difference",
    }
    sure = ends.get(verdict(row), "that is more than chance makes")
    said = (
        f"{equal}{first} {of} {100 * row['first_accuracy']:.1f} % of the test {what} and {second}"
        f" {100 * row['second_accuracy']:.1f} %; {sure}."
    )
    return said[0].upper() + said[1:]
