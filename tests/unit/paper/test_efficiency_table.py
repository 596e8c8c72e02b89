"""The efficiency table adds up a chain's training, and models of one depth share what running it costs."""

import numpy as np
import pandas as pd
import pytest

from camembert.paper.statistics import Model, ResultsError
from camembert.paper.tables.efficiency import (
    GIVEN_TEACHER,
    NO_ENERGY,
    by_depth,
    efficiency,
    finetuning_flops,
    format_efficiency,
    note,
    spent_on,
)
from camembert.plan.chain import Method

ORDER = [
    Model("teacher", "6", "Teacher (6 layers)", Method.TEACHER),
    Model("mlm", "0-3x2", "From scratch 0-3x2", Method.SCRATCH),
    Model("toplayer", "6-3", "Direct 6-3", Method.DIRECT),
    Model("toplayer", "6-4", "Teacher assistant 6-4", Method.ASSISTANT),
    Model("toplayer", "6-4-3", "Cascade 6-4-3", Method.CASCADE),
]
SUMMARY = pd.DataFrame(
    [(m.recipe, m.chain, 0.7, 0.4) for m in ORDER], columns=["recipe", "chain", "average", "retrieval"]
)
TRAINED = [("teacher", "6", 50.0), ("mlm", "0-3x2", 7.0)]
TRAINED += 2 * [("toplayer", "6-3", 4.0), ("toplayer", "6-4", 3.0), ("toplayer", "6-4-3", 2.0)]


def measured(layers, **changes):
    at = {"tokens": 8, "latency_ms": float(layers), "rows_per_second": 1000 / layers, "joules_per_row": None}
    at |= {"latency_spread": 0.01, "rows_per_second_spread": 0.02}
    facts = {"layers": layers, "parameters": 300, "embedding_parameters": 100, "bytes": 1200, "speed": [at]}
    facts |= {"forward_flops_per_token": {"8": 7.0}, "batch": 4, "threads": 1, "precision": "float32"}
    facts |= {"device": "cpu", "processor": "P", "peak_memory_mib": 90, "memory_before_mib": 80, "steady_within": 0.1}
    return facts | {"peak_gpu_memory_mib": None} | changes


SPENT = spent_on({"recipe": recipe, "chain": chain, "training_flops": flops} for recipe, chain, flops in TRAINED)


@pytest.fixture
def facts():
    """Measurements of each depth."""
    return by_depth([measured(layers) for layers in (3, 4, 6)])


@pytest.fixture
def table(facts):
    """A function that makes the table, with another teacher where one is given."""
    return lambda teacher=50.0: efficiency(facts, SPENT | {("teacher", "6"): teacher}, ORDER)


def test_training_is_that_of_the_whole_chain_without_the_teacher_and_with_it(table):
    assert table()["training_flops"].tolist() == [0.0, 7.0, 4.0, 3.0, 5.0]
    assert table()["training_flops_with_teacher"].tolist() == [50.0, 7.0, 54.0, 53.0, 55.0]
    assert "With the teacher's (TFLOP)" in format_efficiency(table(), [8], SUMMARY)


def test_the_compute_of_a_given_teacher_is_unknown_and_not_zero(table, facts):
    numbers = table(teacher=0.0)
    assert numbers["training_flops_with_teacher"].isna().tolist() == [True, False, True, True, True]
    assert "With the teacher's (TFLOP)" not in format_efficiency(numbers, [8], SUMMARY)
    assert GIVEN_TEACHER in note(facts, numbers)


def test_models_of_one_depth_share_its_measurement_in_the_order_of_the_plan(table):
    assert table()["chain"].tolist() == [model.chain for model in ORDER]
    assert table()["latency_ms_8"].tolist() == [6.0, 3.0, 3.0, 4.0, 3.0]
    assert table()["layers"].tolist() == [6, 3, 3, 4, 3]


def test_what_is_unsteady_is_marked_and_the_note_says_what_that_means(table, facts):
    facts[3]["speed"][0]["latency_spread"] = 0.3
    shown = format_efficiency(table(), [8], SUMMARY)
    assert shown["Latency, 8 tokens (ms)"].tolist() == [
        "6.00", "3.00 (unsteady)", "3.00 (unsteady)", "4.00", "3.00 (unsteady)"
    ]  # fmt: skip
    assert not any("unsteady" in cell for cell in shown["Sentences/s, 8 tokens"])
    assert "within 10% of the median, it is marked unsteady" in note(facts, table())


def test_a_cluster_with_several_processors_is_named_as_such(table, facts):
    facts[3]["processor"] = "Q"
    assert "P or Q, whose times do not compare" in note(facts, table())


def test_times_under_two_settings_do_not_stand_in_one_table():
    with pytest.raises(ResultsError, match="measured with threads 1 and 2, which do not compare"):
        by_depth([measured(3, threads=2), measured(4)])


def test_a_depth_that_was_not_measured_is_named(facts):
    del facts[6]
    with pytest.raises(ResultsError, match=r"Teacher \(6 layers\) has 6 layers, and encoders of 3, 4 layers were"):
        efficiency(facts, SPENT, ORDER)


def test_columns_that_the_machine_cannot_fill_are_left_out_and_the_note_says_so(table, facts):
    numbers = table()
    shown = format_efficiency(numbers, [8], SUMMARY)
    assert not any("Energy" in column or "GPU" in column for column in shown)
    text = note(facts, numbers)
    assert NO_ENERGY.strip() in text
    assert "1 thread," in text
    numbers["joules_per_row_8"] = [0.5, 0.25, np.nan, 0.1, 0.1]
    assert format_efficiency(numbers, [8], SUMMARY)["Energy, 8 tokens (mJ)"].tolist()[:3] == ["500.00", "250.00", "–"]
    assert pd.isna(numbers["peak_gpu_memory_mib"]).all()


def test_what_a_model_is_worth_stands_beside_what_it_costs(table):
    shown = format_efficiency(table(), [8], SUMMARY)
    assert shown["Accuracy (%)"].tolist() == ["70.0"] * len(ORDER)
    assert shown["Retrieval (%)"].tolist() == ["40.0"] * len(ORDER)
    assert "Retrieval (%)" not in format_efficiency(table(), [8], SUMMARY.drop(columns="retrieval"))


@pytest.mark.parametrize(
    ("recipe", "chain", "which", "expected"),
    [
        ("teacher", "6", "root", 100),
        ("toplayer", "6-2", "root", 3 + 1000),
        ("toplayer", "6-4-2", "root", 4 + 1000),
        ("toplayer", "6-4-2", "parent", 4 + 20 + 1000 + 500),
        ("untrained", "0-2", "parent", 7),
    ],
)
def test_fine_tuning_counts_the_classifiers_below_the_teacher_and_all_forward_passes(recipe, chain, which, expected):
    finetuned = {
        ("teacher", "6"): 100.0,
        ("toplayer", "6-2"): 3.0,
        ("toplayer", "6-4"): 20.0,
        ("toplayer", "6-4-2"): 4.0,
    }
    finetuned |= {("untrained", "0-2"): 7.0}
    taught = {("teacher", "6"): 1000.0, ("toplayer", "6-4"): 500.0}
    model = Model(recipe, chain, chain, Method.CASCADE)
    assert finetuning_flops(model, which, finetuned, taught) == expected
