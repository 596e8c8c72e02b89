"""Baselines that take no encoder: they know the English words of training and nothing else."""

import numpy as np
import pytest

from camembert.data.tasks import Example
from camembert.evaluation.task_baselines import fit, log_probabilities, task_baselines

TRAIN = [
    Example("1", "wake me up", None, 0),
    Example("2", "wake me at nine", None, 0),
    Example("3", "play some jazz", None, 2),
]
TEST = [Example("a", "Wake me", None, 0), Example("b", "some jazz", None, 2), Example("c", "réveille-moi", None, 2)]


@pytest.fixture(params=["majority", "naive-bayes"])
def named(request):
    return request.param, log_probabilities(fit(task_baselines()[request.param], TRAIN), 4, TEST)


def test_they_give_a_finite_logarithm_of_a_probability_for_every_label_in_order(named):
    _, logits = named
    assert (logits.shape, logits.dtype) == ((3, 4), np.float32)
    assert np.isfinite(logits).all()
    assert np.exp(logits).sum(axis=1) == pytest.approx(1)
    assert np.exp(logits[:, [1, 3]]).max() < 1e-30  # labels that training has not


def test_words_decide_where_they_are_known_and_the_most_frequent_label_elsewhere(named):
    name, logits = named
    assert logits.argmax(axis=1).tolist() == ([0, 2, 0] if name == "naive-bayes" else [0, 0, 0])


def test_of_a_pair_both_sentences_are_read():
    pairs = [Example("1", "a", "wake", 0), Example("2", "a", "play", 1)]
    baseline = fit(task_baselines()["naive-bayes"], pairs)
    assert log_probabilities(baseline, 2, [Example("3", "a", "play", 1)]).argmax() == 1
