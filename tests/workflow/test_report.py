"""The report of a run, opened in a real browser."""

import shutil

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def report(smallest_run):
    """The report of the smallest experiment."""
    smallest_run.snakemake("--report", "report.html")
    return smallest_run.directory / "report.html"


@pytest.fixture
def page(report):
    """The report in a browser, with what it complained about and what it asked the network for."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(180_000)  # milliseconds: a busy machine takes a minute over the page's scripts
        page.errors, page.requests = [], []
        page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(report.as_uri())
        page.get_by_text("Results").first.wait_for()
        yield page
        browser.close()


def shown(page):
    """Opens every entry of the category at hand and tells what it shows, by title."""
    entries = {}
    for row in page.locator("tbody tr").all():
        row.locator("a").first.click()
        content = page.locator("#app img, #app iframe").last
        content.wait_for()
        page.wait_for_timeout(300)
        if content.evaluate("element => element.tagName") == "IMG":
            entries[row.inner_text().strip()] = content.evaluate("image => image.naturalWidth")
        else:
            entries[row.inner_text().strip()] = content.content_frame.locator("body").inner_text()
    return entries


def test_every_category_opens_and_every_figure_and_table_is_shown(page, report):
    page.get_by_role("link", name="Figures").click()
    figures = shown(page)
    assert set(figures) >= {"Accuracy by language", "Finding", "Training curves"}
    assert all(width > 500 for width in figures.values())
    page.goto(report.as_uri())
    page.get_by_role("link", name="Tables").click()
    tables = shown(page)
    assert set(tables) >= {"Summary", "Accuracy by language", "Comparisons", "Cost"}
    assert "Teacher (3 layers)" in tables["Summary"]
    page.goto(report.as_uri())
    page.get_by_role("link", name="Statistics").click()
    page.locator("canvas, svg.marks").first.wait_for()
    assert page.errors == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in page.requests), page.requests


def test_an_entry_says_how_to_read_it_and_which_config_it_belongs_to(page):
    page.get_by_role("link", name="Figures").click()
    row = page.locator("tbody tr").filter(has_text="Accuracy by language")
    row.locator("a").nth(1).click()
    caption = page.locator("body")
    page.get_by_text("Experiment", exact=False).first.wait_for()
    assert "smallest" in caption.inner_text()
    assert "3-2-1" in caption.inner_text()
