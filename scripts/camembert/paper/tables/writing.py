"""Tables as files: numbers for programs, and the same for people.

Numbers stay shares (0 to 1) at full precision in every ``.csv``; the ``.md`` and ``.tex`` forms show percent, or
points of a difference, with one decimal.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from camembert.core.files import write_text

TABLE_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
)
TEX_TEMPLATES = TABLE_TEMPLATES.overlay(variable_start_string=r"\VAR{", variable_end_string="}")
NOTHING = "\N{EN DASH}"  # stands for a number that does not exist


def write_table(numbers: pd.DataFrame, shown: pd.DataFrame, stem: Path, caption: str, note: str) -> None:
    """Writes one table as ``stem.csv`` (numbers), and as shown ``stem.md``, ``stem.tex`` and ``stem.html``.

    The last two are whole documents.

    The cells of ``shown``, the caption and the note are plain text in which ``**`` marks bold, as in Markdown.
    """
    write_csv(numbers, stem.with_suffix(".csv"))
    write_text(stem.with_suffix(".md"), f"{caption}\n\n{to_markdown(shown)}\n\n{note}\n")
    cells = shown.map(latex).rename(columns=latex)
    tabular = cells.to_latex(index=False, escape=False, column_format="l" + "r" * (shown.shape[1] - 1))
    document = TEX_TEMPLATES.get_template("table.tex")
    text = document.render(caption=latex(caption), tabular=tabular.strip(), note=latex(note))
    write_text(stem.with_suffix(".tex"), text)
    rows = shown.map(html).rename(columns=html).to_html(index=False, escape=False, border=0)
    page = TABLE_TEMPLATES.get_template("table.html")
    write_text(stem.with_suffix(".html"), page.render(caption=html(caption), table=rows, note=html(note)))


def render_texts(name: str, **values: Any) -> tuple[str, str]:
    """Caption and note of a table, from its template: what stands before the first empty line, and after it."""
    caption, note = TABLE_TEMPLATES.get_template(f"{name}.md").render(values).split("\n\n", 1)
    return " ".join(caption.split()), " ".join(note.split())


def to_markdown(shown: pd.DataFrame) -> str:
    """A table in Markdown: the first column on the left, numbers on the right, as they are."""
    align = ["left", *["right"] * (shown.shape[1] - 1)]
    return str(shown.to_markdown(index=False, disable_numparse=True, colalign=align))


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Writes a table for programs: full precision, the same bytes on every platform."""
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))


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


def html(text: str) -> str:
    """Plain text with ``**bold**`` to HTML, its special characters escaped."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text))


def format_percent(shares: pd.Series) -> pd.Series:
    """Shares as percent with one decimal."""
    return shares.map(lambda share: NOTHING if np.isnan(share) else f"{100 * share:.1f}")


def format_mean_and_sd(means: pd.Series, sds: pd.Series) -> pd.Series:
    """Means as percent, standard deviations in parentheses where there are any."""
    spreads = sds.map(lambda sd: "" if np.isnan(sd) else f" ({100 * sd:.1f})")
    return format_percent(means) + spreads


def format_interval(low: float, high: float) -> str:
    """An interval in percent."""
    return NOTHING if np.isnan(low) else f"{100 * low:.1f} to {100 * high:.1f}"


def format_intervals(numbers: pd.DataFrame, column: str) -> pd.Series:
    """The intervals of a column, whose ends are in those with the endings _low and _high."""
    ends = zip(numbers[f"{column}_low"], numbers[f"{column}_high"], strict=True)
    return pd.Series([format_interval(low, high) for low, high in ends], numbers.index, dtype=str)


def format_difference(difference: float, low: float, high: float) -> str:
    """A difference in points with its sign, its interval in parentheses where there is one."""
    points = NOTHING if np.isnan(difference) else f"{100 * difference:+.1f}"
    return points if np.isnan(low) else f"{points} ({format_interval(low, high)})"
