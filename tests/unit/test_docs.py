"""Links of the documentation, and pages that other files name, are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMING = [
    "Snakefile",
    "*.yaml",
    "*/*.yaml",
    "*/*/*.yaml",
    "rules/*.smk",
    "scripts/**/*.py",
    "tests/**/*.py",
    "benchmarks/*.*",
]
"""Files that may name a page."""


def anchors(page):
    """The anchors that GitHub gives the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_nowhere(target, page):
    """Whether a link of a page names a file or a heading that does not exist."""
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    return not file.exists() or (bool(anchor) and anchor not in anchors(file))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if leads_nowhere(link, page)] == []


def test_every_page_that_other_files_name_is_there():
    files = [path for pattern in NAMING for path in ROOT.glob(pattern)]
    named = {name for path in files for name in re.findall(r"docs/[a-z-]+\.md(?:#[a-z-]+)?", path.read_text())}
    assert "docs/method.md" in named
    assert [name for name in sorted(named) if leads_nowhere(name, ROOT / "README.md")] == []
