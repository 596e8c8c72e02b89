"""The linear probe: what it reads, what decides its strength."""

import logging

import numpy as np
import pytest

from camembert.data.tasks import Example
from camembert.evaluation.classification import accuracy
from camembert.evaluation.probe import Vectors, check_labels, evenly, fit_probe, vectors_of

STRENGTHS = [0.01, 1.0]
CENTRES = np.random.default_rng(0).normal(size=(3, 6))


def drawn(count, seed, offset=0.0, noise=0.1, labels=3):
    """Vectors about a centre a label."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(count) % labels
    return Vectors((CENTRES[numbers] + noise * rng.normal(size=(count, 6)) + offset).astype(np.float32), None, numbers)


@pytest.fixture(scope="module")
def probe():
    return fit_probe(drawn(120, 1), drawn(60, 2), 3, STRENGTHS)


def embed(sentences):
    """A sentence's length and number of vowels."""
    return np.array([[len(text), sum(map(text.count, "aeiou"))] for text in sentences], dtype=np.float32)


def test_vectors_stand_in_the_order_of_the_examples_and_a_repeated_sentence_is_embedded_once():
    asked = []

    def counting(sentences):
        asked.extend(sentences)
        return embed(sentences)

    examples = [Example("1", "aaa", "b", 1), Example("2", "b", "cc", 0), Example("3", "aaa", "cc", 1)]
    found = vectors_of(examples, counting)
    assert asked == ["aaa", "b", "cc"]
    np.testing.assert_array_equal(found.first, embed(["aaa", "b", "aaa"]))
    np.testing.assert_array_equal(found.second, embed(["b", "cc", "cc"]))
    assert found.labels.tolist() == [1, 0, 1]


def test_of_a_pair_both_vectors_their_distance_and_product_are_read():
    pair = vectors_of([Example("1", "aa", "bcdef", 0)], embed)
    assert pair.features.tolist() == [[2, 2, 5, 1, 3, 1, 10, 2]]
    assert vectors_of([Example("1", "aa", None, 0)], embed).features.tolist() == [[2, 2]]


def test_what_is_linear_in_the_vectors_is_learnt(probe):
    test = drawn(90, 3)
    logits = probe.logits(test)
    assert (logits.shape, logits.dtype) == ((90, 3), np.float32)
    assert np.exp(logits).sum(1) == pytest.approx(1, abs=1e-5)
    assert accuracy(logits, test.labels) > 0.95


def test_english_dev_decides_the_strength_and_the_least_of_equals_is_taken(probe):
    chosen = fit_probe(drawn(24, 1, noise=2.0), drawn(600, 2, noise=1.0), 3, [1e-3, 0.1, 100.0])
    scores = chosen.dev_accuracy
    assert max(scores.values()) - min(scores.values()) > 0.02, "so a choice shows"
    assert scores[chosen.strength] == max(scores.values())
    assert (probe.dev_accuracy, probe.strength) == ({0.01: 1.0, 1.0: 1.0}, 0.01)


def test_a_fit_repeats_to_the_bit(probe):
    again = fit_probe(drawn(120, 1), drawn(60, 2), 3, STRENGTHS)
    np.testing.assert_array_equal(again.logits(drawn(90, 3)), probe.logits(drawn(90, 3)))


def test_a_label_without_training_examples_is_named_and_never_predicted(caplog):
    examples = [Example(str(number), "a", None, number % 2) for number in range(4)]
    with caplog.at_level(logging.WARNING):
        check_labels(examples, ["play", "stop", "wait"], "train.parquet")
    assert "train.parquet has no training example of wait" in caplog.text
    two = drawn(80, 1, labels=2)
    logits = fit_probe(two, drawn(40, 2), 3, STRENGTHS).logits(drawn(90, 3))
    assert np.isfinite(logits).all()
    assert set(logits.argmax(1)) == {0, 1}


def test_a_fit_that_was_cut_short_is_said(monkeypatch, caplog):
    monkeypatch.setattr("camembert.evaluation.probe.MOST_ITERATIONS", 1)
    with caplog.at_level(logging.WARNING), pytest.warns(match="failed to converge"):
        fit_probe(drawn(120, 1), drawn(60, 2), 3, [1.0])
    assert "had not converged after 1 iterations at C = 1" in caplog.text


def test_a_limit_takes_examples_evenly_spread():
    examples = [Example(str(number), "a", None, 0) for number in range(10)]
    assert [example.id for example in evenly(examples, 4)] == ["0", "2", "5", "7"]
    assert evenly(examples, None) == evenly(examples, 11) == examples
