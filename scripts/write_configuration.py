"""Writes docs/configuration.md from the keys of the config: python scripts/write_configuration.py"""

from pathlib import Path

from camembert.core.files import write_text
from tools.configuration import configuration_page

if __name__ == "__main__":
    write_text(Path(__file__).parents[1] / "docs" / "configuration.md", configuration_page())
