"""Tables: predictions to one tidy file of accuracies, and that file to the tables people read.

Numbers stay shares (0 to 1) at full precision in every ``.csv``; the ``.md`` and ``.tex`` forms show percent with one
decimal. ``order`` is the experiment's plan, the lines of a comparison in display order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from camembert.chain import Method, parse_chain
from camembert.files import write_text
from camembert.statistics import (
    LOGITS,
    Model,
    ResultsError,
    accuracy_of,
    averages,
    by_classifier,
    runs_of,
    spread,
    teacher_of,
)

ACCURACY_COLUMNS = [
    "experiment", "recipe", "chain", "label", "layers", "distill_seed", "seed", "language", "n", "accuracy"
]  # fmt: skip
PREDICTIONS_PATH = re.compile(
    r"(?P<recipe>[^/]+)/(?P<chain>[^/]+)/d(?P<d>\d+)-s(?P<s>\d+)/(?P<language>[^/]+)\.parquet"
)
NOTHING = "\N{EN DASH}"  # stands for a number that does not exist

SUMMARY_CAPTION = "Accuracy and what is left of the teacher's, in percent."
SUMMARY_NOTE = (
    "English is the language of fine-tuning; zero-shot is the average of all other languages, average that of all. "
    "Each is taken within a classifier, then averaged over the runs (standard deviation in parentheses). The interval "
    "is the 95 % t-interval of the average over the runs; it covers the seeds that vary in the two columns of seeds, "
    "not the draw of the test pairs. Retention is the average divided by the "
    "teacher's; guessing is right for a third of balanced pairs, so retention does not start at zero."
)
BY_LANGUAGE_CAPTION = "Accuracy by language, in percent."
BY_LANGUAGE_NOTE = (
    "Means over the runs; the average over languages is taken within a classifier first, its standard deviation over "
    "the runs is in parentheses. **Bold**: the best of the students with the same number of layers, in each column; "
    "the teacher does not take part."
)


def accuracy_rows(experiment: str, order: Sequence[Model], paths: Iterable[Path]) -> pd.DataFrame:
    """Counts predictions: one row a classifier and language, no averages.

    Args:
        experiment: name of the experiment, repeated in each row.
        order: the plan, for display names.
        paths: files ``.../{recipe}/{chain}/d{distill_seed}-s{seed}/{language}.parquet``.

    Returns:
        The columns of ACCURACY_COLUMNS; n in pairs, accuracy as a share (0 to 1).

    Raises:
        ResultsError: a file that is empty or misnamed, lacks a column, repeats an id, holds logits that are not
            finite, or was made on other pairs or labels than the first file of its language.
    """
    labels = {(model.recipe, model.chain): model.label for model in order}
    references: dict[str, tuple[Path, pd.Series]] = {}
    rows = []
    for path in map(Path, paths):
        named = PREDICTIONS_PATH.fullmatch("/".join(path.parts[-4:]))
        if not named or (named["recipe"], named["chain"]) not in labels:
            raise ResultsError(f"{path}: not RECIPE/CHAIN/dN-sN/LANGUAGE.parquet of a chain in the plan")
        predictions = read_predictions(path)
        pairs = predictions.set_index("id")["label"].sort_index()
        first, expected = references.setdefault(named["language"], (path, pairs))
        if not pairs.index.equals(expected.index):
            raise ResultsError(f"{path}: its ids differ from those in {first}; evaluate both on the same pairs")
        if not pairs.equals(expected):
            raise ResultsError(f"{path}: its labels differ from those in {first}; evaluate both on the same pairs")
        rows.append(
            {
                "experiment": experiment,
                "recipe": named["recipe"],
                "chain": named["chain"],
                "label": labels[named["recipe"], named["chain"]],
                "layers": parse_chain(named["chain"]).layers,
                "distill_seed": int(named["d"]),
                "seed": int(named["s"]),
                "language": named["language"],
                "n": len(predictions),
                "accuracy": accuracy_of(predictions),
            }
        )
    return pd.DataFrame(rows, columns=ACCURACY_COLUMNS)


def read_predictions(path: Path) -> pd.DataFrame:
    """Reads the predictions of one classifier in one language.

    Raises:
        ResultsError: a column is missing, there are no rows, an id occurs twice or a logit is not finite.
    """
    predictions = pd.read_parquet(path)
    missing = {"id", "label", *LOGITS} - set(predictions.columns)
    if missing:
        raise ResultsError(f"{path}: no column {', '.join(sorted(missing))}")
    if predictions.empty:
        raise ResultsError(f"{path}: no predictions")
    repeated = predictions.loc[predictions["id"].duplicated(), "id"]
    if len(repeated):
        raise ResultsError(f"{path}: id {repeated.iloc[0]} occurs twice")
    if not np.isfinite(predictions[LOGITS].to_numpy()).all():
        raise ResultsError(f"{path}: logits that are not finite; the classifier diverged")
    return predictions


def read_accuracy(path: Path) -> pd.DataFrame:
    """Reads ``accuracy.csv`` (a chain such as ``6`` stays text)."""
    text = dict.fromkeys(["experiment", "recipe", "chain", "label", "language"], str)
    return pd.read_csv(path, dtype=text, keep_default_na=False)


def summary(accuracy: pd.DataFrame, order: Sequence[Model]) -> pd.DataFrame:
    """One row a model: runs and seeds, mean and standard deviation, interval, retention (shares, 0 to 1).

    Distillation seeds are 0 for an encoder that does not depend on one. Retention is the average over all languages
    divided by the teacher's.
    """
    scores = averages(accuracy)
    rows = []
    for model in order:
        runs = runs_of(scores, model)
        english, average, zero_shot = (spread(runs[column]) for column in ("english", "average", "zero_shot"))
        teacher = spread(runs_of(scores, teacher_of(model, order))["average"])
        seeded = parse_chain(model.chain).depends_on_distill_seed
        rows.append(
            {
                "recipe": model.recipe,
                "chain": model.chain,
                "label": model.label,
                "layers": model.layers,
                "runs": average.runs,
                "seeds": runs.index.get_level_values("seed").nunique(),
                "distill_seeds": runs.index.get_level_values("distill_seed").nunique() if seeded else 0,
                "english": english.mean,
                "english_sd": english.sd,
                "average": average.mean,
                "average_sd": average.sd,
                "average_low": average.low,
                "average_high": average.high,
                "zero_shot": zero_shot.mean,
                "zero_shot_sd": zero_shot.sd,
                "retention": average.mean / teacher.mean,
            }
        )
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
            "English": _mean_and_sd(numbers["english"], numbers["english_sd"]),
            "Zero-shot": _mean_and_sd(numbers["zero_shot"], numbers["zero_shot_sd"]),
            "Average": _mean_and_sd(numbers["average"], numbers["average_sd"]),
            "95 % interval": [
                NOTHING if np.isnan(low) else f"{100 * low:.1f} to {100 * high:.1f}"
                for low, high in zip(numbers["average_low"], numbers["average_high"], strict=True)
            ],
            "Retention": _percent(numbers["retention"]),
        }
    )


def accuracy_by_language(accuracy: pd.DataFrame, order: Sequence[Model]) -> pd.DataFrame:
    """Models by languages (means over the runs, shares), then the average over languages and its deviation."""
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
    return pd.DataFrame(rows)


def accuracy_by_language_in_print(numbers: pd.DataFrame) -> pd.DataFrame:
    """The table by language as people read it: percent, the best student of each depth bold in each column.

    What is compared is what is printed: students that tie at one decimal are all bold. A student that is alone at
    its depth has nobody to beat and stays plain.
    """
    columns = list(numbers.columns)
    shown = pd.DataFrame({"Model": numbers["label"], "Layers": numbers["layers"].astype(str)})
    students = numbers[numbers["method"] != Method.TEACHER]
    for column in columns[columns.index("layers") + 1 : columns.index("average_sd")]:  # the languages, then average
        percent = _percent(numbers[column])
        cells = _mean_and_sd(numbers[column], numbers["average_sd"]) if column == "average" else percent.copy()
        for _, rivals in students.groupby("layers"):
            printed = percent[rivals.index].astype(float)
            if len(rivals) > 1:
                best = rivals.index[printed == printed.max()]
                cells[best] = "**" + cells[best] + "**"
        shown["Average" if column == "average" else column] = cells
    return shown


def write_table(numbers: pd.DataFrame, shown: pd.DataFrame, stem: Path, caption: str, note: str) -> None:
    """Writes one table as ``stem.csv`` (numbers), ``stem.md`` and ``stem.tex`` (as shown, a whole document).

    The cells of ``shown``, the caption and the note are plain text in which ``**`` marks bold, as in Markdown.
    """
    write_csv(numbers, stem.with_suffix(".csv"))
    align = ["left", *["right"] * (shown.shape[1] - 1)]
    body = shown.to_markdown(index=False, disable_numparse=True, colalign=align)
    write_text(stem.with_suffix(".md"), f"{caption}\n\n{body}\n\n{note}\n")
    cells = shown.map(latex).rename(columns=latex)
    tabular = cells.to_latex(index=False, escape=False, column_format="l" + "r" * (shown.shape[1] - 1))
    document = LATEX.format(caption=latex(caption), tabular=tabular.strip(), note=latex(note))
    write_text(stem.with_suffix(".tex"), document)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Writes a table for programs: full precision, the same bytes on every platform."""
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))


LATEX = r"""\documentclass{{article}}
\usepackage[a4paper,landscape,margin=15mm]{{geometry}}
\usepackage{{booktabs}}
\pagestyle{{empty}}
\begin{{document}}
\begin{{table}}[h]
\centering
\footnotesize
\setlength{{\tabcolsep}}{{4pt}}
\caption{{{caption}}}
{tabular}

\medskip
\parbox{{0.9\linewidth}}{{{note}}}
\end{{table}}
\end{{document}}
"""

LATEX_SPECIALS = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{character: "\\" + character for character in "&%$#_{}"},
    }
)


def latex(text: str) -> str:
    """Plain text with ``**bold**`` to LaTeX, its special characters escaped."""
    return re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", text.translate(LATEX_SPECIALS))


def _percent(shares: pd.Series) -> pd.Series:
    return shares.map(lambda share: NOTHING if np.isnan(share) else f"{100 * share:.1f}")


def _mean_and_sd(means: pd.Series, sds: pd.Series) -> pd.Series:
    spreads = sds.map(lambda sd: "" if np.isnan(sd) else f" ({100 * sd:.1f})")
    return _percent(means) + spreads
