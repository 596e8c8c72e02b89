"""Floating-point operations from the shape of an encoder."""

import pytest

from camembert.plan.flops import Shape

SHAPE = Shape(hidden=2, intermediate=8, vocabulary=100)


def test_a_layer_and_the_head_cost_their_multiplications():
    assert SHAPE.layer_forward(tokens=4) == 2 * (4 * 2 * 2 + 2 * 2 * 8) + 4 * 4 * 2
    assert SHAPE.mlm_head_forward() == 2 * (2 * 2 + 2 * 100)
    assert SHAPE.mlm_head_passes(tokens=4, mask=0.5) == pytest.approx(204 / 128)


def test_multilingual_bert_costs_what_the_literature_counts():
    mbert = Shape(hidden=768, intermediate=3072, vocabulary=119_547)
    assert mbert.encoder_forward(12, tokens=128) == pytest.approx(175e6, rel=0.005)
    assert mbert.distillation_step(12, 6, tokens=128) == pytest.approx(436e6, rel=0.005)
    assert mbert.mlm_head_forward() == pytest.approx(185e6, rel=0.005)


# --- against the operations that PyTorch counts ---------------------------------------------------------------

ROWS, MASK = 2, 0.25
STEPS = [  # layers of teacher and student, heads, tokens a row, shape
    (6, 3, 4, 32, Shape(hidden=128, intermediate=512, vocabulary=6000)),
    (12, 6, 4, 128, Shape(hidden=192, intermediate=768, vocabulary=1000)),
]


def rows_of(tokens, vocabulary):
    """Full rows of one document each."""
    import numpy as np

    from camembert.tokens.packing import PackedRows

    rng, zeros = np.random.default_rng(1), np.zeros((ROWS, tokens), dtype=np.int64)
    position = zeros + np.arange(tokens)
    return PackedRows(rng.integers(5, vocabulary, zeros.shape), zeros, position, zeros)


def encoder_of(layers, heads, tokens, shape):
    from camembert.models.encoder import init_encoder

    return init_encoder(layers, shape.hidden, heads, shape.intermediate, tokens, shape.vocabulary, pad_id=0, seed=1)


def counted(objective, batch):
    """FLOPs per token of an objective, forward and backward; only the math kernel of sdpa is counted on a CPU."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        objective(batch)["loss"].backward()
    return counter.get_total_flops() / batch["token"].numel()


@pytest.mark.parametrize(("teacher_layers", "student_layers", "heads", "tokens", "shape"), STEPS)
def test_a_distillation_step_costs_what_pytorch_counts(teacher_layers, student_layers, heads, tokens, shape):
    from camembert.models import encoder as encoders
    from camembert.plan.recipe import Recipe
    from camembert.training import distillation

    recipe = Recipe("toplayer", {"hidden": 1.0, "attention": 1.0})
    teacher = encoder_of(teacher_layers, heads, tokens, shape)
    student = encoders.init_student(teacher, range(1, student_layers + 1))
    encoders.set_dropout(student, 0.0)
    distillation.freeze(student, recipe)
    objective = distillation.distillation_objective(recipe, student, teacher, shared_embeddings=True)
    flops = counted(objective, encoders.to_tensors(rows_of(tokens, shape.vocabulary)))
    assert shape.distillation_step(teacher_layers, student_layers, tokens) == pytest.approx(flops, rel=0.05)


@pytest.mark.parametrize(("layers", "_", "heads", "tokens", "shape"), STEPS)
def test_a_pretraining_step_costs_what_pytorch_counts(layers, _, heads, tokens, shape):
    import torch

    from camembert.models import encoder as encoders
    from camembert.training.packed_text import IGNORED, find_masked
    from camembert.training.pretraining import MaskedLanguageModel, pretraining_objective

    objective = pretraining_objective(MaskedLanguageModel(encoder_of(layers, heads, tokens, shape)), 0.0)
    batch = encoders.to_tensors(rows_of(tokens, shape.vocabulary))
    hidden = torch.arange(tokens) % round(1 / MASK) == 0
    target = torch.where(hidden, batch["token"], IGNORED)
    flops = counted(
        objective,
        batch | {"target": target, "masked": find_masked(target.numpy()), "targets": int((target != IGNORED).sum())},
    )
    assert shape.pretraining_step(layers, tokens, MASK) == pytest.approx(flops, rel=0.05)
