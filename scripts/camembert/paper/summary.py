"""The two tables of accuracy: what is left of it on average, and where, language by language.

``order`` is the experiment's plan, the lines of a comparison in display order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from camembert.paper.intervals import Interval, interval
from camembert.paper.predictions import Answers, covered, depends_on_distill_seed
from camembert.paper.statistics import Model, averages, by_classifier, languages_of, runs_of, spread, teacher_of
from camembert.paper.tables import NOTHING, mean_and_sd, percent, range_of
from camembert.plan.chain import Method

SUMMARY_CAPTION = "Accuracy and what is left of the teacher's, in percent."
SUMMARY_NOTE = (
    "English is the language of fine-tuning; zero-shot is the average of all other languages, average that of all. "
    "Each is taken within a classifier, then averaged over the runs (standard deviation in parentheses). The "
    "interval is that of the average, a t-interval with Satterthwaite's degrees of freedom in which a test pair and "
    "its translations count as one. Retention is the average divided by the teacher's; guessing is right for a third "
    "of balanced pairs, so retention does not start at zero."
)
PUBLISHED = "published"  # stands for the method of a model of others

BY_LANGUAGE_CAPTION = "Accuracy by language, in percent."
BY_LANGUAGE_NOTE = (
    "Means over the runs; the average over languages is taken within a classifier first, its standard deviation over "
    "the runs is in parentheses. **Bold**: the best of the students with the same number of layers, in each column; "
    "the teacher does not take part."
)


def summary(accuracy: pd.DataFrame, answers: Answers, order: Sequence[Model]) -> pd.DataFrame:
    """One row a model: runs and seeds, mean, standard deviation and interval, retention (shares, 0 to 1).

    Distillation seeds are 0 for an encoder that does not depend on one. Retention is the average over all languages
    divided by the teacher's. The column covers names what the intervals cover; it is empty where one run has none.
    """
    scores = averages(accuracy)
    rows = []
    for model in order:
        runs = runs_of(scores, model)
        distill_seeds, seeds = answers.seeds(model)
        row: dict[str, Any] = {
            "recipe": model.recipe,
            "chain": model.chain,
            "label": model.label,
            "layers": model.layers,
            "runs": len(runs),
            "seeds": len(seeds),
            "distill_seeds": len(distill_seeds) if depends_on_distill_seed(model) else 0,
        }
        for column, languages in languages_of(answers.languages).items():
            found = spread(runs[column])
            ends = interval(answers.scores(model, languages)) if languages else Interval(np.nan, np.nan, np.nan)
            row |= {
                column: found.mean,
                f"{column}_sd": found.sd,
                f"{column}_low": ends.low,
                f"{column}_high": ends.high,
            }
        teacher = spread(runs_of(scores, teacher_of(model, order))["average"])
        rows.append(row | {"retention": row["average"] / teacher.mean, "covers": ", ".join(covered(answers, model))})
    return pd.DataFrame(rows)


def summary_in_print(numbers: pd.DataFrame) -> pd.DataFrame:
    """The summary as people read it: percent with one decimal, spread in parentheses."""
    return pd.DataFrame(
        {
            "Model": numbers["label"],
            "Layers": numbers["layers"].astype(str),
            "Runs": numbers["runs"].astype(str),
            "Fine-tuning seeds": numbers["seeds"].astype(str),
            "Distillation seeds": numbers["distill_seeds"].astype(str).replace("0", NOTHING),
            "English": mean_and_sd(numbers["english"], numbers["english_sd"]),
            "Zero-shot": mean_and_sd(numbers["zero_shot"], numbers["zero_shot_sd"]),
            "Average": mean_and_sd(numbers["average"], numbers["average_sd"]),
            "95 % interval": list(map(range_of, numbers["average_low"], numbers["average_high"])),
            "Retention": percent(numbers["retention"]),
        }
    )


def coverage(numbers: pd.DataFrame) -> str:
    """One sentence: what the intervals of a table cover and what they do not.

    Args:
        numbers: a table with the columns covers and distill_seeds.
    """
    *most, last = max(numbers["covers"], key=len).split(", ")
    if not last:
        return "With one run of a model there is no interval."
    students = numbers[numbers["distill_seeds"] > 0]
    left_out = [
        seeds
        for seeds, rows in (("distillation seeds", students), ("fine-tuning seeds", numbers))
        if len(rows) and not rows["covers"].str.contains(seeds).any()
    ]
    but = f", but not {' nor '.join(left_out)}, of which there is one" if left_out else ""
    return f"Intervals cover {', '.join(most)} and {last}{but}."


def accuracy_by_language(accuracy: pd.DataFrame, order: Sequence[Model], published: pd.DataFrame) -> pd.DataFrame:
    """Models by languages (means over the runs, shares), then the average over languages and its deviation.

    The rows of ``published`` (see `read_published`) follow, with their source in a last column where there are any.
    """
    wide, scores = by_classifier(accuracy), averages(accuracy)
    rows = []
    for model in order:
        average = spread(runs_of(scores, model)["average"])
        rows.append(
            {
                "recipe": model.recipe,
                "chain": model.chain,
                "label": model.label,
                "method": model.method.value,
                "layers": model.layers,
                **runs_of(wide, model).mean(),
                "average": average.mean,
                "average_sd": average.sd,
            }
        )
    numbers = pd.DataFrame(rows).astype({"layers": "Int64"})
    return numbers if published.empty else pd.concat([numbers, published.assign(method=PUBLISHED)], ignore_index=True)


def accuracy_by_language_in_print(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table by language as people read it: percent, the best student of each depth bold in each column.

    What is compared is what is printed: students that tie at one decimal are all bold. A student that is alone at
    its depth has nobody to beat and stays plain, and so does what others published.
    """
    columns = list(numbers.columns)
    shown = pd.DataFrame({"Model": numbers["label"], "Layers": numbers["layers"].astype("string").fillna(NOTHING)})
    students = numbers[~numbers["method"].isin([Method.TEACHER.value, PUBLISHED])]
    for column in columns[columns.index("layers") + 1 : columns.index("average_sd")]:  # the languages, then average
        means = percent(numbers[column])
        cells = mean_and_sd(numbers[column], numbers["average_sd"]) if column == "average" else means.copy()
        for _, rivals in students.groupby("layers"):
            printed = means[rivals.index].astype(float)
            if len(rivals) > 1:
                best = rivals.index[printed == printed.max()]
                cells[best] = "**" + cells[best] + "**"
        shown["Average" if column == "average" else column] = cells
    return shown
