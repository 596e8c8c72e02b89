"""Costs: a chain's training adds up, models of one depth share what running them costs, and budgets are in order."""

import numpy as np
import pandas as pd
import pytest
from small_case import record_of, results_of, retrieval_rows

from camembert.paper.answers import ComparedModel
from camembert.paper.intervals import ResultsError
from camembert.paper.tables.costs import (
    compute_budgets,
    compute_efficiency,
    compute_job_costs,
    format_budgets,
    format_efficiency,
    format_job_costs,
    sum_finetuning_flops,
    write_budgets,
    write_efficiency,
)
from camembert.plan.chain import Method
from camembert.plan.config import load_yaml
from camembert.plan.paper import drop_budgets, list_figures, list_tables

MODELS = [
    ComparedModel("teacher", "6", "Teacher (6 layers)", Method.TEACHER),
    ComparedModel("mlm", "0-3x2", "From scratch 0-3x2", Method.SCRATCH),
    ComparedModel("toplayer", "6-3", "Direct 6-3", Method.DIRECT),
    ComparedModel("toplayer", "6-4", "Teacher assistant 6-4", Method.ASSISTANT),
    ComparedModel("toplayer", "6-4-3", "Cascade 6-4-3", Method.CASCADE),
]
FLOPS = [50.0, 7.0, 4.0, 3.0, 2.0]


def measurement(layers, **changes):
    """Metrics of the efficiency of a depth."""
    at = {"tokens": 8, "latency_ms": float(layers), "rows_per_second": 1000 / layers, "joules_per_row": None}
    at |= {"latency_spread": 0.01, "rows_per_second_spread": 0.02}
    at |= {key: changes.pop(key) for key in list(changes) if key in at}
    facts = {"layers": layers, "parameters": 300, "embedding_parameters": 100, "bytes": 1200, "speed": [at]}
    facts |= {"forward_flops_per_token": {"8": 7.0}, "batch": 4, "threads": 1, "precision": "float32"}
    facts |= {"device": "cpu", "processor": "P", "peak_memory_mib": 90, "memory_before_mib": 80, "steady_within": 0.1}
    return facts | {"peak_gpu_memory_mib": None, "stage": "efficiency"} | changes


def record(models=MODELS, flops=FLOPS, **depths):
    """A record of models that were trained with some FLOPs each; changes of the measurement of a depth by ``of_3``."""
    trained = [
        {"stage": "encoders", "recipe": model.recipe, "chain": model.chain, "training_flops": own}
        for model, own in zip(models, flops, strict=True)
        for _ in range(2)
    ]
    measured = [measurement(n, **depths.get(f"of_{n}", {})) for n in sorted({model.layers for model in models})]
    right = {model: np.arange(20)[None, None] < 8 for model in models}
    results = results_of([table for model in models for table in retrieval_rows(model, right[model], runs=[1])])
    return record_of(results, models, metrics=[*trained, *measured])


def note(record, path, write=write_efficiency):
    write(record, path / "table")
    return (path / "table.md").read_text().split("\n\n")[-1]


def test_training_is_that_of_the_whole_chain_without_the_teacher_and_with_it():
    numbers = compute_efficiency(record())
    assert numbers["training_flops"].tolist() == [0.0, 7.0, 4.0, 3.0, 5.0]
    assert numbers["training_flops_with_teacher"].tolist() == [50.0, 7.0, 54.0, 53.0, 55.0]
    assert "With the teacher's (TFLOP)" in format_efficiency(record())


def test_the_compute_of_a_given_teacher_is_unknown_and_not_zero(tmp_path):
    given = record(flops=[0.0, *FLOPS[1:]])
    unknown = compute_efficiency(given)["training_flops_with_teacher"].isna()
    assert unknown.tolist() == [True, False, True, True, True]
    assert "With the teacher's (TFLOP)" not in format_efficiency(given)
    assert "teacher, which was given and whose compute is not known, is in none" in note(given, tmp_path)


def test_models_of_one_depth_share_its_measurement_and_what_they_are_worth_stands_beside():
    numbers, shown = compute_efficiency(record()), format_efficiency(record())
    assert numbers["chain"].tolist() == [model.chain for model in MODELS]
    assert numbers["latency_ms_8"].tolist() == [6.0, 3.0, 3.0, 4.0, 3.0]
    assert shown["Retrieval (%)"].tolist() == ["40.0"] * len(MODELS)
    assert "Accuracy (%)" not in shown, "nothing was fine-tuned"


def test_what_is_unsteady_is_marked_and_the_note_says_what_that_means(tmp_path):
    unsteady = record(of_3={"latency_spread": 0.3})
    shown = format_efficiency(unsteady)
    assert shown["Latency, 8 tokens (ms)"].tolist() == [
        "6.00", "3.00 (unsteady)", "3.00 (unsteady)", "4.00", "3.00 (unsteady)"
    ]  # fmt: skip
    assert not any("unsteady" in cell for cell in shown["Sentences/s, 8 tokens"])
    assert "within 10% of the median, it is marked unsteady" in note(unsteady, tmp_path)


def test_a_cluster_with_several_processors_is_named_as_such(tmp_path):
    assert "P or Q, whose times do not compare)" in note(record(of_3={"processor": "Q"}), tmp_path)


def test_times_under_two_settings_do_not_stand_in_one_table():
    with pytest.raises(ResultsError, match="measured with threads 1 and 2, which do not compare"):
        compute_efficiency(record(of_3={"threads": 2}))


def test_columns_that_the_machine_cannot_fill_are_left_out_and_the_note_says_so(tmp_path):
    assert not any("Energy" in column or "GPU" in column for column in format_efficiency(record()))
    text = note(record(), tmp_path)
    assert "Energy is left out" in text
    assert "(1 thread, float32, P)" in text
    some = record(of_6={"joules_per_row": 0.5}, of_3={"joules_per_row": 0.25})
    assert format_efficiency(some)["Energy, 8 tokens (mJ)"].tolist() == ["500.00", "250.00", "250.00", "–", "250.00"]
    assert "Energy" not in note(some, tmp_path)


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
    finetuned = {("teacher", "6"): 100.0, ("toplayer", "6-2"): 3.0, ("toplayer", "6-4"): 20.0}
    finetuned |= {("toplayer", "6-4-2"): 4.0, ("untrained", "0-2"): 7.0}
    taught = {("teacher", "6"): 1000.0, ("toplayer", "6-4"): 500.0}
    model = ComparedModel(recipe, chain, chain, Method.CASCADE)
    assert sum_finetuning_flops(model, which, finetuned, taught) == expected


# --- budgets --------------------------------------------------------------------------------------------------

PLANTED = {  # TFLOP of the last hop
    ComparedModel("untrained", "12-3x0", "Copied layers 12-3x0", Method.COPIED): 0,
    ComparedModel("sentence", "12-3x0.536", "Direct 12-3x0.536", Method.DIRECT): 5,
    ComparedModel("sentence", "12-3x2.14", "Direct 12-3x2.14", Method.DIRECT_LONGER): 20,
    ComparedModel("sentence", "12-6x0.25", "Assistant 12-6x0.25", Method.ASSISTANT): 3,
    ComparedModel("sentence", "12-6", "Assistant 12-6", Method.ASSISTANT): 12,
    ComparedModel("sentence", "12-6-3", "Cascade 12-6-3", Method.CASCADE): 8,
    ComparedModel("sentence", "12-6x0.25-3x0.25", "Cascade 12-6x0.25-3x0.25", Method.CASCADE): 2,
}


def budgets(*chains):
    """The record of some of these models and their teacher."""
    own = {model: 1e12 * tera for model, tera in PLANTED.items() if not chains or model.chain in chains}
    teacher = ComparedModel("teacher", "12", "Teacher", Method.TEACHER)
    return record([teacher, *own], [1e15, *own.values()])


def test_each_way_is_in_the_order_of_its_compute_with_what_it_came_to(tmp_path):
    numbers = compute_budgets(budgets())
    assert numbers[["way", "chain", "cascade", "training_flops", "retrieval"]].to_numpy().tolist() == [
        ["12-3", "12-3x0.536", False, 5e12, 0.4],
        ["12-3", "12-3x2.14", False, 20e12, 0.4],
        ["12-6-3", "12-6x0.25-3x0.25", True, 5e12, 0.4],
        ["12-6-3", "12-6-3", True, 20e12, 0.4],
    ]
    assert "With one run" in note(budgets(), tmp_path, write_budgets)
    assert format_budgets(numbers).iloc[0].tolist() == ["Direct 12-3x0.536", "5.00", "40.0", "–"]


def test_one_way_at_two_budgets_brings_the_others_of_its_depth():
    chains = ["12-3x0.536", "12-3x2.14", "12-6-3", "12-6"]
    assert compute_budgets(budgets(*chains))["chain"].tolist() == chains[:3]
    assert compute_budgets(budgets("12-3x2.14", "12-6-3", "12-6")).empty


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
    assert ("budgets" in list_tables(config)) is ("budgets" in list_figures(config)) is has
    assert drop_budgets("12-6x0.25-3x0.25") == drop_budgets("12-6-3") == "12-6-3"


def test_no_figure_has_one_point_or_more_models_than_one_can_tell_apart():
    config = load_yaml("config.yaml")
    assert {"finding", "pareto"} <= set(list_figures(config))
    assert set(list_figures(config | {"chains": ["6"], "compute_matched": []})) & {"finding", "pareto"} == set()
    assert "pareto" not in list_figures(config | {"recipes": list("abcde")})


def test_stages_and_all_jobs_are_added_up():
    rows = [("encoders", 20, 10.4, 50), ("encoders", 25, 10.4, 70), ("data", 6, 0, 20)]
    metrics = pd.DataFrame(rows, columns=["stage", "job_seconds", "job_cpu_seconds", "peak_memory_mib"])
    assert format_job_costs(compute_job_costs(metrics.to_dict("records"))).to_numpy().tolist() == [
        ["Encoders", "2", "45", "21", "70"],
        ["Data", "1", "6", "0", "20"],
        ["All", "3", "51", "21", "70"],
    ]
