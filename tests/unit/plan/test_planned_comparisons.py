"""The comparisons that an experiment plans."""

from pathlib import Path

import pytest

from camembert.plan.comparisons import comparisons_of
from camembert.plan.config import ConfigError, load_yaml
from camembert.plan.experiment import experiment_of

CONFIG = load_yaml(Path(__file__).parents[3] / "config.yaml")
PLANNED = ["direct_equal_compute", "direct", "scratch_equal_compute", "copied_layers", "teacher"]


def pairs_of(**changes):
    config = CONFIG | {"chains": ["6", "6-3x0", "6-3", "6-4-3"], "compute_matched": ["6-4-3"], "scratch_runs": 1}
    config |= {"comparisons": {"planned": PLANNED, "pairs": []}} | changes
    return [
        (str(pair.contrast), "/".join(pair.first), "/".join(pair.second))
        for pair in comparisons_of(config, experiment_of(config))
    ]


def test_every_contrast_finds_its_pairs():
    pairs = pairs_of()
    assert pairs[:3] == [
        ("direct_equal_compute", "toplayer/6-4-3", "toplayer/6-3x2.07"),
        ("direct", "toplayer/6-4-3", "toplayer/6-3"),
        ("scratch_equal_compute", "toplayer/6-4-3", "mlm/0-3x2.41"),
    ]
    copied = [first for contrast, first, second in pairs if (contrast, second) == ("copied_layers", "untrained/6-3x0")]
    assert copied == ["toplayer/6-3", "toplayer/6-3x2.07", "toplayer/6-4-3"]  # not 6-4: four layers were never copied
    teacher = [first for contrast, first, second in pairs if (contrast, second) == ("teacher", "teacher/6")]
    assert teacher == ["toplayer/6-3", "toplayer/6-3x2.07", "toplayer/6-4", "toplayer/6-4-3"]
    assert len(pairs) == 3 + 3 + 4


def test_what_the_experiment_does_not_hold_is_not_compared():
    assert pairs_of(chains=["6", "6-4-3"], compute_matched=[]) == [
        ("teacher", "toplayer/6-4", "teacher/6"),
        ("teacher", "toplayer/6-4-3", "teacher/6"),
    ]


def test_a_contrast_that_is_not_planned_is_not_compared():
    assert {pair[0] for pair in pairs_of(comparisons={"planned": ["direct"], "pairs": []})} == {"direct"}


def test_every_recipe_has_its_own_pairs():
    pairs = pairs_of(recipes=["toplayer", "minilm"], comparisons={"planned": ["direct"], "pairs": []})
    assert pairs == [
        ("direct", "toplayer/6-4-3", "toplayer/6-3"),
        ("direct", "minilm/6-4-3", "minilm/6-3"),
    ]


def test_pairs_of_ones_own_come_last():
    pairs = pairs_of(comparisons={"planned": [], "pairs": [["6-4-3", "6-4"], ["6-3x0", 6]]})
    assert pairs == [("other", "toplayer/6-4-3", "toplayer/6-4"), ("other", "untrained/6-3x0", "teacher/6")]


def test_a_pair_with_a_chain_that_is_not_built_is_refused():
    with pytest.raises(
        ConfigError, match=r"comparisons\.pairs names chain '6-5-3', but the experiment does not build it"
    ):
        pairs_of(comparisons={"planned": [], "pairs": [["6-4-3", "6-5-3"]]})
