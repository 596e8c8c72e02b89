"""Tables as files: for programs, for people, for LaTeX."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from camembert.paper.tables import writing as tables


def test_latex_specials_are_escaped_and_bold_is_kept():
    assert tables.latex(r"50 % of **A_1 & {B}** ~ x^2 \ #1 $") == (
        r"50 \% of \textbf{A\_1 \& \{B\}} \textasciitilde{} x\textasciicircum{}2 \textbackslash{} \#1 \$"
    )


@pytest.fixture
def written(tmp_path):
    """A function that writes a table into a folder and returns its stem."""

    def write(folder):
        numbers = pd.DataFrame({"average": [0.75, 0.575]})
        shown = pd.DataFrame({"Model": ["Teacher", "Cascade 6-4-2"], "Average": ["75.0", "**57.5 (3.5)**"]})
        tables.write_table(numbers, shown, tmp_path / folder / "table", "Half: 50 %.", "**Bold**: A_1 & B.")
        return tmp_path / folder / "table"

    return write


def test_numbers_go_to_csv_and_print_to_markdown(written):
    stem = written("tables")
    assert pd.read_csv(stem.with_suffix(".csv"))["average"].tolist() == pytest.approx([0.75, 0.575])
    markdown = stem.with_suffix(".md").read_text(encoding="utf-8")
    assert "**57.5 (3.5)** |" in markdown
    assert markdown.startswith("Half: 50 %.\n\n| Model")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex with booktabs")
def test_the_latex_compiles_without_a_line_too_wide(written):
    stem = written("tables")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", stem.with_suffix(".tex").name]
    finished = subprocess.run(command, cwd=stem.parent, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout
    assert "Overfull" not in finished.stdout
    assert stem.with_suffix(".pdf").stat().st_size > 0


def test_a_difference_has_its_sign_and_its_interval():
    assert tables.format_difference(0.0123, -0.002, 0.026) == "+1.2 (-0.2 to 2.6)"
    assert tables.format_difference(-0.0123, np.nan, np.nan) == "-1.2"


def test_the_page_of_a_table_shows_bold_and_escapes_what_is_no_mark_up(tmp_path):
    numbers = pd.DataFrame({"model": ["a < b"], "share": [0.5]})
    shown = pd.DataFrame({"Model": ["a < b & c"], "Share (%)": ["**50.0**"]})
    tables.write_table(numbers, shown, tmp_path / "table", "Shares of <all>.", "Guessing is **right** for half.")
    page = (tmp_path / "table.html").read_text(encoding="utf-8")
    assert "<td>a &lt; b &amp; c</td>" in page
    assert "<td><b>50.0</b></td>" in page
    assert "<p>Shares of &lt;all&gt;.</p>" in page
    assert "<p>Guessing is <b>right</b> for half.</p>" in page
    assert "http" not in page, "it loads nothing"
