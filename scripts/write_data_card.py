"""Writes docs/cldr-nli.md from config.yaml: python scripts/write_data_card.py"""

from pathlib import Path

from camembert.config import load_yaml
from camembert.datacard import data_card
from camembert.files import write_text

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    config = load_yaml(ROOT / "config.yaml")
    settings = config["data"]["cldr"]
    sizes = {split: settings[split] for split in ("train", "dev", "test")}
    write_text(
        ROOT / "docs" / "cldr-nli.md", data_card(sizes, settings["documents"], settings["seed"], config["languages"])
    )
