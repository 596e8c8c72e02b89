"""Losses against plain loops in double precision."""

import numpy as np
import pytest
import torch

from camembert.losses import attention_map_loss, hidden_state_loss

ROWS, HEADS, TOKENS, HIDDEN = 2, 3, 6, 4
DOCUMENT = torch.tensor([[0, 0, 0, 1, 1, -1], [0, 0, 0, 0, -1, -1]])
REAL = DOCUMENT >= 0
PAIRS = ((DOCUMENT[:, :, None] == DOCUMENT[:, None, :]) & REAL[:, :, None])[:, None]


@pytest.fixture
def hidden():
    draw = torch.Generator().manual_seed(0)
    return [torch.randn(ROWS, TOKENS, HIDDEN, generator=draw) for _ in range(2)]


@pytest.fixture
def maps():
    draw = torch.Generator().manual_seed(0)
    return [torch.randn(ROWS, HEADS, TOKENS, TOKENS, generator=draw).softmax(-1) for _ in range(2)]


def test_the_hidden_state_loss_is_the_mean_square_over_real_tokens_and_units(hidden):
    student, teacher = (h.numpy().astype(np.float64) for h in hidden)
    total, count = 0.0, 0
    for row in range(ROWS):
        for token in range(TOKENS):
            if REAL[row, token]:
                for unit in range(HIDDEN):
                    total += (student[row, token, unit] - teacher[row, token, unit]) ** 2
                    count += 1
    assert count == 9 * HIDDEN
    assert hidden_state_loss(*hidden, REAL).item() == pytest.approx(total / count, rel=1e-6)


def test_the_attention_loss_is_the_mean_square_over_heads_and_pairs_of_one_document(maps):
    student, teacher = (a.numpy().astype(np.float64) for a in maps)
    total, count = 0.0, 0
    for row in range(ROWS):
        for i in range(TOKENS):
            for j in range(TOKENS):
                if DOCUMENT[row, i] == DOCUMENT[row, j] and DOCUMENT[row, i] >= 0:
                    for head in range(HEADS):
                        total += (student[row, head, i, j] - teacher[row, head, i, j]) ** 2
                        count += 1
    assert count == (3**2 + 2**2 + 4**2) * HEADS
    assert attention_map_loss(*maps, PAIRS).item() == pytest.approx(total / count, rel=1e-6)


def test_a_student_equal_to_its_teacher_has_no_loss(hidden, maps):
    assert hidden_state_loss(hidden[0], hidden[0].clone(), REAL).item() == 0.0
    assert attention_map_loss(maps[0], maps[0].clone(), PAIRS).item() == 0.0


@pytest.mark.parametrize("whose", [0, 1])
def test_padding_never_counts_in_the_hidden_state_loss(hidden, whose):
    before = hidden_state_loss(*hidden, REAL)
    hidden[whose][~REAL] += 1000.0
    hidden[0].requires_grad_()
    after = hidden_state_loss(*hidden, REAL)
    after.backward()
    assert after.item() == before.item()
    assert not hidden[0].grad[~REAL].any()
    assert hidden[0].grad[REAL].all()


@pytest.mark.parametrize("whose", [0, 1])
def test_padding_and_pairs_of_different_documents_never_count_in_the_attention_loss(maps, whose):
    counted = PAIRS.expand_as(maps[0])
    before = attention_map_loss(*maps, PAIRS)
    maps[whose][~counted] += 1000.0
    maps[0].requires_grad_()
    after = attention_map_loss(*maps, PAIRS)
    after.backward()
    assert after.item() == before.item()
    assert not maps[0].grad[~counted].any()
    assert maps[0].grad[counted].all()


def test_more_padding_does_not_change_a_loss(hidden, maps):
    wider = [torch.nn.functional.pad(h, (0, 0, 0, 5), value=7.0) for h in hidden]
    assert hidden_state_loss(*wider, torch.nn.functional.pad(REAL, (0, 5))).item() == pytest.approx(
        hidden_state_loss(*hidden, REAL).item(), rel=1e-6
    )
    wider = [torch.nn.functional.pad(a, (0, 5, 0, 5), value=7.0) for a in maps]
    assert attention_map_loss(*wider, torch.nn.functional.pad(PAIRS, (0, 5, 0, 5))).item() == pytest.approx(
        attention_map_loss(*maps, PAIRS).item(), rel=1e-6
    )


def test_half_precision_is_compared_in_single_precision(hidden, maps):
    """Squares of small differences vanish in bfloat16 sums."""
    for loss, values, mask in ((hidden_state_loss, hidden, REAL), (attention_map_loss, maps, PAIRS)):
        rounded = [value.bfloat16() for value in values]
        result = loss(*rounded, mask)
        assert result.dtype == torch.float32
        assert result.item() == pytest.approx(loss(*(value.float() for value in rounded), mask).item(), rel=1e-6)
