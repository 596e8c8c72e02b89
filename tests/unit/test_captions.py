"""What the report says of tables and figures can be filled in from the config as it is."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import Environment, StrictUndefined

from camembert.plan.config import load_yaml
from camembert.plan.paper import FIGURES, TABLES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", sorted((ROOT / "captions").glob("*.rst")), ids=lambda path: path.stem)
def test_a_caption_names_only_keys_that_the_config_has(path):
    job = SimpleNamespace(config=load_yaml(ROOT / "config.yaml"))
    Environment(undefined=StrictUndefined).from_string(path.read_text(encoding="utf-8")).render(snakemake=job)


@pytest.mark.parametrize("name", sorted({*TABLES, *FIGURES}))
def test_every_table_and_figure_has_a_caption(name):
    assert (ROOT / "captions" / f"{name}.rst").is_file()
