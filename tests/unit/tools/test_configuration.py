"""The page of all keys says what the keys are."""

import re
from pathlib import Path

from camembert.plan.config import load_yaml
from tools.configuration import configuration_page

ROOT = Path(__file__).parents[3]
PAGE = configuration_page()
ROWS = dict(re.findall(r"^- `([^`]+)` \((.*?)\)(?::|$)", PAGE, flags=re.MULTILINE))
"""What a value may be, by its key."""


def leaves(value, path=""):
    """Paths of everything in a config that is no mapping, or an empty one; NAME stands for that of a recipe."""
    if not isinstance(value, dict) or not value:
        return {path}
    below = "NAME" if path == "distillation.recipes" else None
    return set().union(*(leaves(each, f"{path}.{below or key}".lstrip(".")) for key, each in value.items()))


def test_the_page_is_up_to_date():
    committed = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert committed == PAGE, "run python scripts/write_configuration.py"


def test_the_page_has_every_key_of_the_config_and_says_what_it_means():
    rows = set()
    for row in ROWS:  # a.{b,c}.d is a.b.d and a.c.d
        before, names, after = re.fullmatch(r"([^{]*)\{?([^}]*)\}?(.*)", row).groups()
        rows |= {f"{before}{name}{after}" for name in names.split(",")}
    wanted = {re.sub(r"(weights)\..+", r"\1", path) for path in leaves(load_yaml(ROOT / "config.yaml"))}
    wanted |= {"data.text[].name", "data.text[].hub.files", "data.retrieval.files.text"}
    assert wanted - rows == {"data.retrieval.files"}  # null in config.yaml
    undescribed = re.findall(r"^- `([^`]+)` \([^:]*\)$", PAGE, flags=re.MULTILINE)
    assert [key.partition(".")[0] for key in undescribed] == ["threads"]  # said above its lines


def test_what_a_value_may_be_is_said_in_words():
    assert ROWS["data.task.train_limit"] == "integer ≥ 1, null"
    assert ROWS["retrieval.layer"] == "`top`, integer ≥ 1"
    assert ROWS["distillation.recipes.NAME.initialisation"] == "`bottom` `strided`, list"
    assert ROWS["data.text[].share"] == "number ≥ 0, else 1.0"


def test_what_markdown_would_take_for_its_own_is_marked_as_code():
    assert not re.search(r"<\w|\*", re.sub(r"`[^`]*`", "", PAGE))
