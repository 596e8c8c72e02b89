"""Losses against plain loops in double precision."""

import numpy as np
import pytest
import torch

from camembert.models.losses import (
    TEMPERATURE,
    attention_map_loss,
    cosine_loss,
    hidden_state_loss,
    relation_loss,
    sentence_loss,
    soft_target_loss,
)

ROWS, HEADS, TOKENS, HIDDEN = 2, 3, 6, 4
DOCUMENT = torch.tensor([[0, 0, 0, 1, 1, -1], [0, 0, 0, 0, -1, -1]])
REAL = DOCUMENT >= 0
PAIRS = ((DOCUMENT[:, :, None] == DOCUMENT[:, None, :]) & REAL[:, :, None])[:, None]
N, M = int(REAL.sum()), int(PAIRS.sum())
FIRST = torch.tensor([[True, False, False, True, False, False], [True, False, False, False, False, False]])


@pytest.fixture
def hidden():
    draw = torch.Generator().manual_seed(0)
    return [torch.randn(ROWS, TOKENS, HIDDEN, generator=draw) for _ in range(2)]


@pytest.fixture
def maps():
    draw = torch.Generator().manual_seed(0)
    return [torch.randn(ROWS, HEADS, TOKENS, TOKENS, generator=draw).softmax(-1) for _ in range(2)]


@pytest.fixture
def scores():
    """Relations before the softmax, the lowest number where a token is not looked at."""
    draw = torch.Generator().manual_seed(0)
    seen = DOCUMENT[:, None, :, None] == DOCUMENT[:, None, None, :]
    lowest = torch.finfo(torch.float32).min
    return [torch.randn(ROWS, HEADS, TOKENS, TOKENS, generator=draw).masked_fill(~seen, lowest) for _ in range(2)]


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
    assert hidden_state_loss(*hidden, REAL, N).item() == pytest.approx(total / count, rel=1e-6)


def test_the_sentence_loss_is_the_mean_square_of_the_difference_of_every_document_s_means(hidden):
    student, teacher = (h.numpy().astype(np.float64) for h in hidden)
    documents = [(0, slice(0, 3)), (0, slice(3, 5)), (1, slice(0, 4))]
    squares = [(student[row, of].mean(0) - teacher[row, of].mean(0)) ** 2 for row, of in documents]
    assert sentence_loss(*hidden, PAIRS, FIRST, 3).item() == pytest.approx(np.mean(squares), rel=1e-6)


@pytest.mark.parametrize("whose", [0, 1])
def test_padding_never_counts_in_the_sentence_loss(hidden, whose):
    before = sentence_loss(*hidden, PAIRS, FIRST, 3)
    hidden[whose][~REAL] += 1000.0
    hidden[0].requires_grad_()
    after = sentence_loss(*hidden, PAIRS, FIRST, 3)
    after.backward()
    assert after.item() == before.item()
    assert not hidden[0].grad[~REAL].any()


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
    assert attention_map_loss(*maps, PAIRS, M).item() == pytest.approx(total / count, rel=1e-6)


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def test_the_relation_loss_is_the_mean_divergence_over_heads_and_real_tokens(scores):
    student, teacher = (a.numpy().astype(np.float64) for a in scores)
    total = 0.0
    for row in range(ROWS):
        for i in range(TOKENS):
            own = [j for j in range(TOKENS) if REAL[row, i] and DOCUMENT[row, i] == DOCUMENT[row, j]]
            for head in range(HEADS) if own else ():
                s, t = softmax(student[row, head, i, own]), softmax(teacher[row, head, i, own])
                total += (t * np.log(t / s)).sum()
    assert relation_loss(*scores, PAIRS, N).item() == pytest.approx(total / N / HEADS, rel=1e-5)


def test_the_soft_target_loss_is_the_mean_divergence_of_softened_words(hidden):
    student, teacher = (h[REAL].numpy().astype(np.float64) for h in hidden)
    total = 0.0
    for s, t in zip(student, teacher, strict=True):
        soft_s, soft_t = softmax(s / 2), softmax(t / 2)
        total += 4 * (soft_t * np.log(soft_t / soft_s)).sum()
    assert TEMPERATURE == 2
    assert soft_target_loss(*(h[REAL] for h in hidden), N).item() == pytest.approx(total / N, rel=1e-5)


def test_the_cosine_loss_is_one_minus_the_mean_cosine_over_real_tokens(hidden):
    student, teacher = (h[REAL].numpy().astype(np.float64) for h in hidden)
    norms = np.linalg.norm(student, axis=1) * np.linalg.norm(teacher, axis=1)
    expected = (1 - (student * teacher).sum(axis=1) / norms).mean()
    assert cosine_loss(*hidden, REAL, N).item() == pytest.approx(expected, rel=1e-5)


def test_a_student_equal_to_its_teacher_has_no_loss(hidden, maps):
    assert hidden_state_loss(hidden[0], hidden[0].clone(), REAL, N).item() == 0.0
    assert attention_map_loss(maps[0], maps[0].clone(), PAIRS, M).item() == 0.0
    assert relation_loss(maps[0], maps[0].clone(), PAIRS, N).item() == 0.0
    assert soft_target_loss(hidden[0][REAL], hidden[0][REAL].clone(), N).item() == 0.0
    assert cosine_loss(hidden[0], hidden[0].clone(), REAL, N).item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("whose", [0, 1])
def test_padding_never_counts_in_the_hidden_state_loss(hidden, whose):
    before = hidden_state_loss(*hidden, REAL, N)
    hidden[whose][~REAL] += 1000.0
    hidden[0].requires_grad_()
    after = hidden_state_loss(*hidden, REAL, N)
    after.backward()
    assert after.item() == before.item()
    assert not hidden[0].grad[~REAL].any()
    assert hidden[0].grad[REAL].all()


@pytest.mark.parametrize("whose", [0, 1])
def test_padding_never_counts_in_the_cosine_loss(hidden, whose):
    before = cosine_loss(*hidden, REAL, N)
    hidden[whose][~REAL] += 1000.0
    assert cosine_loss(*hidden, REAL, N).item() == before.item()


@pytest.mark.parametrize("whose", [0, 1])
def test_padding_never_counts_in_the_relation_loss(scores, whose):
    before = relation_loss(*scores, PAIRS, N)
    scores[whose][:, :, 5, 5] += 3.0  # the first row's padding
    scores[whose][1, :, 4:, 4:] += torch.tensor([[0.0, 3.0], [1.0, 2.0]])
    scores[0].requires_grad_()
    after = relation_loss(*scores, PAIRS, N)
    after.backward()
    assert after.item() == before.item()
    assert not scores[0].grad[~PAIRS.expand_as(scores[0])].any()


@pytest.mark.parametrize("whose", [0, 1])
def test_padding_and_pairs_of_different_documents_never_count_in_the_attention_loss(maps, whose):
    counted = PAIRS.expand_as(maps[0])
    before = attention_map_loss(*maps, PAIRS, M)
    maps[whose][~counted] += 1000.0
    maps[0].requires_grad_()
    after = attention_map_loss(*maps, PAIRS, M)
    after.backward()
    assert after.item() == before.item()
    assert not maps[0].grad[~counted].any()
    assert maps[0].grad[counted].all()


def test_more_padding_does_not_change_a_loss(hidden, maps):
    wider = [torch.nn.functional.pad(h, (0, 0, 0, 5), value=7.0) for h in hidden]
    assert hidden_state_loss(*wider, torch.nn.functional.pad(REAL, (0, 5)), N).item() == pytest.approx(
        hidden_state_loss(*hidden, REAL, N).item(), rel=1e-6
    )
    wider = [torch.nn.functional.pad(a, (0, 5, 0, 5), value=7.0) for a in maps]
    assert attention_map_loss(*wider, torch.nn.functional.pad(PAIRS, (0, 5, 0, 5)), M).item() == pytest.approx(
        attention_map_loss(*maps, PAIRS, M).item(), rel=1e-6
    )


def test_half_precision_is_compared_in_single_precision(hidden, maps):
    """Squares of small differences vanish in bfloat16 sums."""
    cases = (
        (hidden_state_loss, hidden, (REAL, N)),
        (attention_map_loss, maps, (PAIRS, M)),
        (relation_loss, maps, (PAIRS, N)),
        (cosine_loss, hidden, (REAL, N)),
        (sentence_loss, hidden, (PAIRS, FIRST, 3)),
        (soft_target_loss, [h[REAL] for h in hidden], (N,)),
    )
    for loss, values, rest in cases:
        rounded = [value.bfloat16() for value in values]
        result = loss(*rounded, *rest)
        assert result.dtype == torch.float32
        assert result.item() == pytest.approx(loss(*(value.float() for value in rounded), *rest).item(), rel=1e-6)
