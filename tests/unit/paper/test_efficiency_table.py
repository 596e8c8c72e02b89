"""The efficiency table adds up a chain's training and averages over its seeds."""

import json

import pandas as pd
import pytest

from camembert.paper.efficiency_table import NO_ENERGY, efficiency, efficiency_in_print, note, read_efficiency
from camembert.paper.statistics import Model, ResultsError
from camembert.plan.chain import Method

ORDER = [
    Model("teacher", "6", "Teacher (6 layers)", Method.TEACHER),
    Model("toplayer", "6-4", "Teacher assistant 6-4", Method.ASSISTANT),
    Model("toplayer", "6-4-3", "Cascade 6-4-3", Method.CASCADE),
]
TRAINED = [("teacher", "6", 0, 50.0), ("toplayer", "6-4", 1, 3.0), ("toplayer", "6-4-3", 1, 2.0)]
TRAINED += [("toplayer", "6-4", 2, 3.0), ("toplayer", "6-4-3", 2, 2.0)]


def measured(latency, **changes):
    at = {"tokens": 8, "latency_ms": latency, "rows_per_second": 1000 / latency, "joules_per_row": None}
    facts = {"parameters": 300, "embedding_parameters": 100, "bytes": 1200, "speed": [at]}
    facts |= {"forward_flops_per_token": {"8": 7.0}, "batch": 4, "threads": 1, "precision": "float32"}
    facts |= {"device": "cpu", "processor": "P", "peak_memory_mib": 90, "memory_before_mib": 80}
    return facts | {"peak_gpu_memory_mib": None} | changes


@pytest.fixture
def paths(tmp_path):
    """Metrics of trainings, and of measurements, of a teacher and of a cascade under two seeds of distillation."""
    found = {"encoders": [], "efficiency": []}
    for i, (recipe, chain, seed, flops) in enumerate(TRAINED):
        which = {"recipe": recipe, "chain": chain, "distill_seed": seed}
        for stage, facts in (("encoders", {"training_flops": flops}), ("efficiency", measured(i + 1))):
            found[stage].append(tmp_path / f"{stage}-{i}.json")
            found[stage][-1].write_text(json.dumps(which | facts))
    return found


def test_training_is_that_of_the_whole_chain_below_the_teacher(paths):
    table = efficiency(read_efficiency(paths["efficiency"]), paths["encoders"], ORDER)
    assert table["training_flops"].tolist() == [0.0, 3.0, 5.0]


def test_a_model_is_the_mean_of_its_encoders_in_the_order_of_the_plan(paths):
    table = efficiency(read_efficiency(paths["efficiency"]), paths["encoders"], ORDER)
    assert table["chain"].tolist() == ["6", "6-4", "6-4-3"]
    assert table["latency_ms_8"].tolist() == [1.0, 3.0, 4.0]
    assert table["layers"].tolist() == [6, 4, 3]


def test_a_cluster_with_several_processors_is_named_as_such(paths):
    other = json.loads(paths["efficiency"][0].read_text()) | {"processor": "Q"}
    paths["efficiency"][0].write_text(json.dumps(other))
    assert "P or Q, whose times do not compare" in note(read_efficiency(paths["efficiency"]))


def test_times_under_two_settings_do_not_stand_in_one_table(paths):
    other = json.loads(paths["efficiency"][0].read_text()) | {"threads": 2}
    paths["efficiency"][0].write_text(json.dumps(other))
    with pytest.raises(ResultsError, match="measured with threads 1 and 2, which do not compare"):
        read_efficiency(paths["efficiency"])


def test_a_model_that_was_not_measured_is_named(paths):
    with pytest.raises(ResultsError, match="Cascade 6-4-3"):
        efficiency(read_efficiency(paths["efficiency"][:2]), paths["encoders"], ORDER)


def test_columns_that_the_machine_cannot_fill_are_left_out_and_the_note_says_so(paths):
    facts = read_efficiency(paths["efficiency"])
    numbers = efficiency(facts, paths["encoders"], ORDER)
    shown = efficiency_in_print(numbers, [8])
    assert not any("Energy" in column or "GPU" in column for column in shown)
    assert NO_ENERGY.strip() in note(facts)
    assert "1 thread," in note(facts)
    numbers["joules_per_row_8"] = [0.5, 0.25, float("nan")]
    assert efficiency_in_print(numbers, [8])["Energy, 8 tokens (mJ)"].tolist() == ["500.00", "250.00", "–"]
    assert pd.isna(numbers["peak_gpu_memory_mib"]).all()
