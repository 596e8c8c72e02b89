"""Writes docs/cldr-nli.md from config.yaml: python scripts/write_data_card.py"""

from pathlib import Path

from camembert.core.files import write_text
from camembert.plan.config import load_yaml
from tools.datacard import data_card

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    config = load_yaml(ROOT / "config.yaml")
    settings = config["data"]["cldr"]
    sizes = {split: settings[split] for split in ("train", "dev", "test")}
    write_text(
        ROOT / "docs" / "cldr-nli.md", data_card(sizes, settings["documents"], settings["seed"], config["languages"])
    )
