"""The committed data card is that of the committed config."""

import re
from pathlib import Path

from camembert.plan.config import load_yaml
from tools.datacard import data_card, foreign_letters

ROOT = Path(__file__).parents[3]


def without_accuracies(card):
    """Accuracies of the baselines differ in the last digits between processors."""
    return re.sub(r"^\| (hypothesis|premise) (only|and).*$", "", card, flags=re.MULTILINE)


def test_the_data_card_is_up_to_date():
    config = load_yaml(ROOT / "config.yaml")
    settings = config["data"]["cldr"]
    sizes = {split: settings[split] for split in ("train", "dev", "test")}
    card = data_card(sizes, settings["documents"], settings["seed"], config["languages"])
    committed = (ROOT / "docs" / "cldr-nli.md").read_text(encoding="utf-8")
    assert without_accuracies(card) == without_accuracies(committed), "run python scripts/write_data_card.py"


def test_letters_of_another_script_are_found():
    assert foreign_letters("3 length-kilometer 公里", "zh") == set("length-kilometer") - {"-"}
    assert foreign_letters("3月12日", "zh") == set()
    assert foreign_letters("мая 2024 г.", "ru") == set()
    assert foreign_letters("1.º de mayo", "es") == set()
    assert foreign_letters("三月", "ur") == set("三月")
