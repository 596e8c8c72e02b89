"""Predictions come back in the order of the pairs, whatever the batches."""

from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from camembert.data.tasks import Example
from camembert.evaluation.classification import (
    EncodedExamples,
    accuracy,
    batches_by_length,
    pad,
    predict,
    pytorch_predictor,
    write_predictions,
)
from camembert.training.finetuning import shuffled_batches

PAD = 0


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, num_labels=3
    )
    return BertForSequenceClassification(config)


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    lengths = rng.integers(4, 20, size=23)
    ids = [rng.integers(5, 40, size=length).tolist() for length in lengths]
    return EncodedExamples(ids, [[0] * len(x) for x in ids], rng.integers(0, 3, size=23))


def test_batches_hold_every_pair_once_and_keep_to_their_size():
    lengths = [5, 30, 7, 7, 12, 30, 1]
    groups = list(batches_by_length(lengths, 60))
    assert sorted(i for group in groups for i in group) == list(range(7))
    assert all(len(group) * max(lengths[i] for i in group) <= 60 for group in groups)


def test_a_pair_longer_than_a_batch_still_runs_alone():
    assert sorted(map(len, batches_by_length([100, 3], 50))) == [1, 1]


def test_logits_are_those_of_each_pair_alone(classifier, pairs):
    together = predict(pytorch_predictor(classifier), pairs, PAD, batch_tokens=64)
    with torch.inference_mode():
        alone = [classifier(input_ids=torch.tensor([ids])).logits[0].numpy() for ids in pairs.ids]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.ptp(together, axis=0).min() > 1e-3, "the pairs differ, so an exchange would show"


def test_the_size_of_batches_does_not_change_predictions(classifier, pairs):
    small, large = (predict(pytorch_predictor(classifier), pairs, PAD, batch_tokens=size) for size in (20, 4096))
    np.testing.assert_allclose(small, large, atol=1e-5)


def test_padding_is_masked_and_padded_with_the_tokenizers_token(pairs):
    batch = pad(pairs, [0, 1, 2], pad_id=7)
    for row, i in enumerate([0, 1, 2]):
        length = len(pairs.ids[i])
        assert batch["input_ids"][row, :length].tolist() == pairs.ids[i]
        assert (batch["input_ids"][row, length:] == 7).all()
        assert batch["attention_mask"][row].sum() == length


def test_every_epoch_reads_every_pair_once_in_another_order():
    pairs = EncodedExamples([[i] for i in range(12)], [[0]] * 12, np.zeros(12, dtype=int))
    batch_of = shuffled_batches(pairs, 4, PAD, seed=3)
    epochs = [
        [int(x) for step in steps for x in batch_of(step)["input_ids"][:, 0]] for steps in (range(3), range(3, 6))
    ]
    assert all(Counter(epoch) == Counter(range(12)) for epoch in epochs)
    assert epochs[0] != epochs[1]
    assert batch_of(4)["input_ids"].tolist() == shuffled_batches(pairs, 4, PAD, seed=3)(4)["input_ids"].tolist()


def test_two_processes_share_every_batch_and_pad_their_own_rows_alone():
    pairs = EncodedExamples([[i] * (i + 1) for i in range(12)], [[0] * (i + 1) for i in range(12)], np.arange(12) % 3)
    shares = [slice(None), slice(0, None, 2), slice(1, None, 2)]
    whole, *parts = (shuffled_batches(pairs, 4, PAD, 3, rows) for rows in shares)
    for step in range(3):
        batch, (first, second) = whole(step), (part(step) for part in parts)
        assert torch.stack([first["labels"], second["labels"]], dim=1).flatten().tolist() == batch["labels"].tolist()
        assert first["input_ids"][:, 0].tolist() == batch["input_ids"][::2, 0].tolist()
        for part in (first, second):
            assert part["attention_mask"].sum(dim=1).max() == part["input_ids"].shape[1]  # its longest row
            assert (part["real_tokens"], part["examples"]) == (batch["real_tokens"], 4)


def test_pairs_of_like_length_share_a_batch():
    rng = np.random.default_rng(0)
    pairs = EncodedExamples(
        [[1] * n for n in rng.integers(5, 40, size=800)], [[0] * 40] * 800, np.zeros(800, dtype=int)
    )
    pairs = EncodedExamples(pairs.ids, [[0] * len(ids) for ids in pairs.ids], pairs.labels)
    batch_of = shuffled_batches(pairs, 8, PAD, seed=0)
    batches = [batch_of(step) for step in range(100)]
    assert sum(batch["real_tokens"] for batch in batches) / sum(b["input_ids"].numel() for b in batches) > 0.9
    widths = [batch["input_ids"].shape[1] for batch in batches]
    assert np.corrcoef(widths[:-1], widths[1:])[0, 1] < 0.5, "lengths do not come in order"


def test_accuracy_counts_the_largest_logit():
    assert accuracy(np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 0]]), np.array([0, 2, 0, 1])) == 0.75


@pytest.mark.parametrize(("cluster", "column"), [(None, {}), (7, {"cluster": [7, 7]})])
def test_predictions_keep_ids_labels_clusters_and_logits(tmp_path, cluster, column):
    logits = np.array([[1.5, 0, 0], [0, -2, 1]], dtype=np.float32)
    names = ["entailment", "neutral", "contradiction"]
    examples = [Example("a", "", "", 2, cluster), Example("b", "", "", 0, cluster)]
    write_predictions(tmp_path / "x.parquet", examples, names, logits)
    table = pq.read_table(tmp_path / "x.parquet").to_pydict()
    assert table == {
        "id": ["a", "b"],
        "label": [2, 0],
        **column,
        "entailment": [1.5, 0.0],
        "neutral": [0.0, -2.0],
        "contradiction": [0.0, 1.0],
    }
