"""What is counted of an encoder is what its folder holds."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from camembert.evaluation.efficiency import measure_encoder
from camembert.plan.flops import Shape

SETTINGS = {"lengths": [4, 32], "batch_size": 2, "repeats": 1, "seconds": 0.0}


@pytest.fixture(scope="module")
def facts(teacher_folder):
    return measure_encoder(teacher_folder, torch.device("cpu"), SETTINGS)


def test_parameters_and_bytes_are_those_of_the_weights_file(facts, teacher_folder):
    weights = load_file(teacher_folder / "model.safetensors")
    assert facts["parameters"] == sum(array.size for array in weights.values())
    of_embeddings = sum(array.size for name, array in weights.items() if name.startswith("embeddings."))
    assert facts["embedding_parameters"] == of_embeddings
    assert facts["bytes"] > 4 * facts["parameters"]


def test_flops_follow_the_shape(facts, words):
    shape = Shape(hidden=16, intermediate=32, vocabulary=words.get_vocab_size())
    expected = {str(tokens): shape.encoder_forward(3, tokens) for tokens in (4, 32)}
    assert facts["forward_flops_per_token"] == expected


def test_every_length_has_its_times(facts):
    assert [at["tokens"] for at in facts["speed"]] == [4, 32]
    assert all(at["latency_ms"] > 0 and np.isfinite(at["rows_per_second"]) for at in facts["speed"])
    assert all(at["latency_spread"] >= 0 for at in facts["speed"])
    assert facts["layers"] == 3
    assert facts["processor"]
    assert facts["peak_gpu_memory_mib"] is None
