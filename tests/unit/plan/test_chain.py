"""What a chain means, and what it costs."""

import pytest

from camembert.plan.chain import (
    ChainError,
    Shape,
    check_against_teacher,
    count_layer_passes,
    match_direct,
    match_scratch,
    parse_chain,
)


@pytest.mark.parametrize(
    ("text", "written", "layers", "budget", "parent"),
    [
        ("12", "12", 12, 0, None),
        ("12-6", "12-6", 6, 1, "12"),
        ("12-10-8-6", "12-10-8-6", 6, 1, "12-10-8"),
        ("12-6x0", "12-6x0", 6, 0, "12"),
        ("12-6x3.4", "12-6x3.4", 6, 3.4, "12"),
        ("0-6", "0-6", 6, 0, None),
        ("0-6x2", "0-6x2", 6, 2, None),
        ("0-6x2-4", "0-6x2-4", 4, 1, "0-6x2"),
        ("6-2x1", "6-2", 2, 1, "6"),  # a budget that goes without saying is not written
        ("6-2x2.0", "6-2x2", 2, 2, "6"),
        ("0-2x0", "0-2", 2, 0, None),
    ],
)
def test_a_chain_is_written_as_it_is_read(text, written, layers, budget, parent):
    chain = parse_chain(text)
    assert str(chain) == written
    assert chain == parse_chain(written)
    assert (chain.layers, chain.budget) == (layers, budget)
    assert chain.parent == (parse_chain(parent) if parent else None)


def test_the_ancestry_runs_from_the_root_to_the_chain():
    assert [str(link) for link in parse_chain("12-10-8").ancestry] == ["12", "12-10", "12-10-8"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("6-2-4", "grows from 2 to 4"),
        ("6-8", "grows from 6 to 8"),
        ("0-2x3-4", "grows from 2 to 4"),
        ("6-6", "repeats 6"),
        ("6-4-4x2", "repeats 4"),
        ("0", "no layers"),
        ("6-2x-1", "at least 0"),
        ("6-0", "not written as"),
        ("06", "not written as"),
        ("6-", "not written as"),
        ("6-2x", "not written as"),
        ("6-2x1e3", "not written as"),
        ("six", "not written as"),
        ("", "not written as"),
    ],
)
def test_a_chain_that_cannot_be_built_is_refused_with_the_reason(text, reason):
    with pytest.raises(ChainError, match=reason) as error:
        parse_chain(text)
    assert repr(text) in str(error.value)


def test_a_chain_starts_at_the_teacher_or_at_random_weights():
    check_against_teacher(parse_chain("6-2"), 6)
    check_against_teacher(parse_chain("0-8"), 6)
    with pytest.raises(ChainError, match="'8-2' starts with 8, but the teacher has 6 layers"):
        check_against_teacher(parse_chain("8-2"), 6)


@pytest.mark.parametrize(
    ("text", "passes"),
    [("12-6", 12 + 3 * 6), ("12-6x2", 2 * (12 + 3 * 6)), ("12-8-6", 12 + 3 * 8 + 8 + 3 * 6), ("12-6x0", 0), ("12", 0)],
)
def test_a_hop_costs_one_pass_of_its_teacher_and_three_of_its_student(text, passes):
    assert count_layer_passes(parse_chain(text)) == passes


def test_controls_get_the_compute_of_the_cascade_and_pretraining_pays_for_its_head():
    assert str(match_direct(parse_chain("6-4-2"))) == "6-2x2.33"
    cascade = parse_chain("12-10-8-6")
    assert str(match_direct(cascade)) == "12-6x3.4"
    assert str(match_scratch(cascade, head_passes=0)) == "0-6x5.67"  # 102 / (3 * 6)
    assert str(match_scratch(cascade, head_passes=4)) == "0-6x3.4"  # 102 / (3 * 10)


@pytest.mark.parametrize(
    ("text", "distilled", "seeded"),
    [
        ("6", False, False),
        ("6-2x0", False, False),
        ("6-2", True, True),
        ("6-4-2x0", True, True),
        ("0-2", False, True),
        ("0-2x3", False, True),
        ("0-4x3-2x0", False, True),
        ("0-4x3-2", True, True),
    ],
)
def test_only_what_follows_a_draw_depends_on_the_run(text, distilled, seeded):
    assert parse_chain(text).is_distilled is distilled
    assert parse_chain(text).depends_on_run is seeded


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
    from camembert.plan.losses import Recipe
    from camembert.training import distillation

    recipe = Recipe("toplayer", {"hidden": 1.0, "attention": 1.0})
    teacher = encoder_of(teacher_layers, heads, tokens, shape)
    student = encoders.init_student(teacher, range(1, student_layers + 1))
    encoders.set_dropout(student, 0.0)
    distillation.freeze(student, recipe)
    objective = distillation.distillation_objective(recipe, student, teacher)
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
