"""Floating-point operations from the shape of an encoder."""

import pytest

from camembert.flops import Shape

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
