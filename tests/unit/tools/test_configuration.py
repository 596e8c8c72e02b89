"""The page of all keys says what schema and config.yaml say."""

import re
from pathlib import Path

from camembert.plan.config import load_yaml
from tools.configuration import configuration_page

ROOT = Path(__file__).parents[3]
SCHEMA, CONFIG = (load_yaml(ROOT / name) for name in ("schemas/config.schema.yaml", "config.yaml"))


def leaves(value, path=""):
    """Paths of everything in a config that is no mapping, or an empty one; NAME stands for that of a recipe."""
    if not isinstance(value, dict) or not value:
        return {path}
    below = "NAME" if path == "distillation.recipes" else None
    return set().union(*(leaves(each, f"{path}.{below or key}".lstrip(".")) for key, each in value.items()))


def test_the_page_is_up_to_date():
    committed = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert configuration_page(SCHEMA, CONFIG) == committed, "run python scripts/write_configuration.py"


def test_the_page_has_every_key_of_the_config_with_its_value():
    rows = dict(re.findall(r"^\| `([^`]+)` +\| (.*?) +\|", configuration_page(SCHEMA, CONFIG), flags=re.MULTILINE))
    wanted = {re.sub(r"(weights)\..+", r"\1", path) for path in leaves(CONFIG) - {"data.text"}}
    wanted |= {"data.text[].name", "data.text[].hub.files"}
    assert wanted <= set(rows)
    assert rows["pretraining.mask"] == "`0.35`"
    assert rows["resources.finetuning.runtime"] == "`30`"


def test_what_a_value_may_be_is_said_in_words():
    rows = [[cell.strip() for cell in line.split("|")] for line in configuration_page(SCHEMA, CONFIG).splitlines()]
    cells = {row[1]: row[2:4] for row in rows if len(row) == 6}
    assert cells["`data.task.train_limit`"] == ["`null`", "integer ≥ 1, null"]
    assert cells["`retrieval.layer`"] == ["`top`", "string, integer ≥ 1"]
    assert cells["`distillation.recipes.NAME.initialisation`"] == ["", "`bottom` `strided`, list"]
    assert cells["`data.text[]`"][0] != ""


def test_what_markdown_would_take_for_its_own_is_marked_as_code():
    text = re.sub(r"`[^`]*`", "", configuration_page(SCHEMA, CONFIG))
    assert not re.search(r"<\w|\*", text)
