"""Budgets: students that went one way, at the compute that each took."""

import numpy as np
import pandas as pd
import pytest

from camembert.paper.statistics import Model
from camembert.paper.tables.budgets import budgets, format_budgets, note
from camembert.plan.chain import Method
from camembert.plan.config import load_yaml
from camembert.plan.experiment import experiment_of
from camembert.plan.paper import figures_of, tables_of, way_of

# chain, method, TFLOP of its own way after the teacher, retrieval in percent
PLANTED = [
    ("12", Method.TEACHER, 0, 99),
    ("12-3x0", Method.COPIED, 0, 80),
    ("12-3x0.536", Method.DIRECT, 5, 90),
    ("12-3x2.14", Method.DIRECT_LONGER, 20, 96),
    ("12-6x0.25", Method.ASSISTANT, 3, 93),
    ("12-6", Method.ASSISTANT, 12, 97),
    ("12-6-3", Method.CASCADE, 20, 95),
    ("12-6x0.25-3x0.25", Method.CASCADE, 5, 91),
]
MODELS = [Model("sentence", chain, f"{method} {chain}", method) for chain, method, _, _ in PLANTED]


@pytest.fixture
def found():
    """A function that makes the table of some of the models."""
    index = {"recipe": "sentence", "chain": [model.chain for model in MODELS]}
    shares = np.array([percent for *_, percent in PLANTED]) / 100
    efficiency = pd.DataFrame(index | {"training_flops": [1e12 * tera for _, _, tera, _ in PLANTED]})
    facts = {"label": [m.label for m in MODELS], "layers": [m.layers for m in MODELS], "retrieval_runs": 3}
    facts |= {"retrieval": shares, "retrieval_low": shares - 0.01, "retrieval_high": shares + 0.01}
    summary = pd.DataFrame(index | facts | {"retrieval_covers": "runs, test items"})
    return lambda *chains: budgets(summary, efficiency, [model for model in MODELS if model.chain in chains])


def test_a_chain_without_its_budgets_is_its_way():
    assert way_of("12-6x0.25-3x0.25") == way_of("12-6-3") == "12-6-3"


def test_each_way_is_in_the_order_of_its_compute_with_what_it_came_to(found):
    numbers = found(*(model.chain for model in MODELS))
    assert numbers[["way", "chain", "cascade", "training_flops", "retrieval"]].to_numpy().tolist() == [
        ["12-3", "12-3x0.536", False, 5e12, 0.90],
        ["12-3", "12-3x2.14", False, 20e12, 0.96],
        ["12-6-3", "12-6x0.25-3x0.25", True, 5e12, 0.91],
        ["12-6-3", "12-6-3", True, 20e12, 0.95],
    ]
    assert "draw of the runs (3)" in note(numbers)
    shown = format_budgets(numbers).iloc[0].tolist()
    assert shown == ["direct 12-3x0.536", "5.00", "90.0", "89.0 to 91.0"]


def test_one_way_at_two_budgets_brings_the_others_of_its_depth(found):
    assert found("12-3x0.536", "12-3x2.14", "12-6-3")["chain"].tolist() == ["12-3x0.536", "12-3x2.14", "12-6-3"]
    assert found("12-3x2.14", "12-6-3", "12-6", "12-6x0.25").empty


@pytest.mark.parametrize(
    ("chains", "matched", "has"),
    [
        (["6", "6-4-3"], ["6-4-3"], False),
        (["6", "6-3", "6-4-3"], ["6-4-3"], True),
        (["6", "6-4-3", "6-4x0.25-3x0.25"], ["6-4-3", "6-4x0.25-3x0.25"], True),
        (["6", "6-4x4-3", "6-4"], [], False),
    ],
)
def test_budgets_are_shown_where_an_experiment_has_several(chains, matched, has):
    config = load_yaml("config.yaml") | {"chains": chains, "compute_matched": matched}
    assert experiment_of(config)
    assert ("budgets" in tables_of(config)) is ("budgets" in figures_of(config)) is has


def test_no_figure_has_one_point_or_more_models_than_one_can_tell_apart():
    config = load_yaml("config.yaml")
    assert {"finding", "pareto"} <= set(figures_of(config))
    assert set(figures_of(config | {"chains": ["6"], "compute_matched": []})) & {"finding", "pareto"} == set()
    assert "pareto" not in figures_of(config | {"recipes": list("abcde")})
