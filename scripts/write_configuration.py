"""Writes docs/configuration.md from the schema and config.yaml: python scripts/write_configuration.py"""

from pathlib import Path

from camembert.core.files import write_text
from camembert.plan.config import load_yaml
from tools.configuration import configuration_page

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    schema, config = (load_yaml(ROOT / name) for name in ("schemas/config.schema.yaml", "config.yaml"))
    write_text(ROOT / "docs" / "configuration.md", configuration_page(schema, config))
