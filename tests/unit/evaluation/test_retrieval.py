"""Retrieval: vectors are a sentence's own, whatever stands beside it, and the nearest one is found."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from scipy.sparse import csr_matrix

from camembert.data.retrieval import numbered
from camembert.evaluation.retrieval import (
    accuracy,
    accuracy_by_layer,
    layer_number,
    nearest,
    nearest_by_characters,
    nearest_by_encoder,
    write_answers,
)
from camembert.evaluation.sentence_vectors import embed


@pytest.fixture(scope="module")
def encoder(make_encoder):
    return make_encoder(3)


@pytest.fixture(scope="module")
def distinct(lines):
    return list(dict.fromkeys(lines["en"]))[:40]


# --- vectors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_vector_is_that_of_the_sentence_alone_without_padding(encoder, words, distinct, pooling):
    vectors = embed(encoder, words, distinct, [0, 1, 3], pooling, batch_tokens=4096)
    assert words.truncation is None, "as it was before"
    for number, sentence in enumerate(distinct):
        tokens = torch.tensor([words.encode(sentence).ids])
        with torch.inference_mode():
            states = encoder(tokens, output_hidden_states=True).hidden_states
        for row, layer in enumerate([0, 1, 3]):
            expected = states[layer][0].mean(0) if pooling == "mean" else states[layer][0, 0]
            np.testing.assert_allclose(vectors[row, number], expected, atol=1e-5)
    assert np.ptp(vectors[1:], axis=1).max() > 0.1, "sentences differ, so an exchange would show"


def test_the_size_of_batches_does_not_change_vectors(encoder, words, distinct):
    small, large = (embed(encoder, words, distinct, [3], "mean", batch_tokens=size) for size in (12, 4096))
    np.testing.assert_allclose(small, large, atol=1e-5)


def test_a_sentence_is_cut_to_the_longest_input(encoder, words):
    long = "red " * 500
    vectors = embed(encoder, words, [long, long + "big old cats"], [3], "mean", batch_tokens=64)
    np.testing.assert_array_equal(vectors[0, 0], vectors[0, 1])


def test_dropout_is_off(make_encoder, words, distinct):
    encoder = make_encoder(1).train()
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    np.testing.assert_array_equal(*(embed(encoder, words, distinct, [1], "mean", 4096) for _ in range(2)))


# --- the nearest ----------------------------------------------------------------------------------------------


def test_the_nearest_is_by_cosine_and_not_by_length():
    candidates = np.array([[10.0, 9.0], [1.0, 0.0], [0.0, 2.0]], dtype=np.float32)
    assert nearest(np.array([[3.0, 0.1], [0.1, 0.5], [2.0, 2.0]], dtype=np.float32), candidates).tolist() == [1, 2, 0]


def test_of_equal_ones_the_first_is_taken_though_last_digits_differ():
    candidates = np.array([[0.0, 1.0], [1.0, 1.0], [3.0, 3.0000003]], dtype=np.float32)
    assert nearest(np.array([[2.0, 2.0000005]], dtype=np.float32), candidates).tolist() == [1]
    assert nearest(np.zeros((1, 2), dtype=np.float32), candidates).tolist() == [0], "a vector of length 0 is no error"


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
def test_how_many_are_compared_at_once_changes_nothing(kind):
    rng = np.random.default_rng(0)
    queries, candidates = (rng.normal(size=(37, 8)).astype(np.float32) for _ in range(2))
    queries, candidates = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, candidates))
    expected = (queries @ candidates.T).argmax(1).tolist()
    assert [nearest(kind(queries), kind(candidates), at_once).tolist() for at_once in (1, 100, 2**24)] == [expected] * 3


def test_accuracy_counts_the_same_place():
    assert accuracy(np.array([0, 1, 1, 3])) == 0.75


# --- whole evaluations ----------------------------------------------------------------------------------------


def test_an_encoder_finds_its_own_sentences_and_not_shuffled_ones(encoder, words, distinct):
    sentences = numbered(distinct)
    moved = numbered([*distinct[1:], distinct[0]])
    found = nearest_by_encoder(encoder, words, {"en": sentences, "xx": sentences, "yy": moved}, [1, 3], "mean", 256)
    assert {language: [accuracy(rows) for rows in found[language]] for language in found} == {
        "xx": [1.0, 1.0],
        "yy": [0.0, 0.0],
    }


def test_layers_of_one_pass_are_those_of_passes_of_their_own(encoder, words, lines):
    sentences = {language: numbered(lines[language][:30]) for language in ("en", "fr")}
    together = nearest_by_encoder(encoder, words, sentences, [0, 1, 2, 3], "mean", 256)["fr"]
    alone = [nearest_by_encoder(encoder, words, sentences, [layer], "mean", 256)["fr"][0] for layer in range(4)]
    np.testing.assert_array_equal(together, alone)


def test_character_ngrams_find_names_but_not_translations():
    sentences = {
        "en": numbered(["Gambia and Dalasi in May", "Japan or Peru", "five cats"]),
        "de": numbered(["Gambia und Dalasi im Mai", "Japan oder Peru", "fünf Katzen"]),
        "zh": numbered(["冈比亚", "日本", "猫"]),
    }
    found = nearest_by_characters(sentences)
    assert found["de"].tolist() == [0, 1, 2]
    assert found["zh"].tolist() == [0, 0, 0], "nothing in common: the first"


@pytest.mark.parametrize(("layer", "number"), [("top", 6), (2, 2)])
def test_top_is_the_last_layer_of_whichever_encoder(layer, number):
    assert layer_number(layer, 6) == number


def test_answers_name_the_nearest_by_its_id(tmp_path):
    sentences = [sentence for sentence in numbered(list("abcd")) if sentence.text != "b"]  # as after a repeated line
    write_answers(tmp_path / "x.parquet", sentences, np.array([0, 2, 2]))
    assert pq.read_table(tmp_path / "x.parquet").to_pydict() == {
        "id": ["line-000001", "line-000003", "line-000004"],
        "nearest": ["line-000001", "line-000004", "line-000004"],
    }


def test_every_layer_is_scored_as_it_is_alone(encoder, words, distinct):
    english, french = numbered(distinct), numbered(distinct[:-2] + distinct[-1:-3:-1])
    shares = accuracy_by_layer(encoder, words, {"en": english, "fr": french}, "mean", 256)
    assert list(shares) == ["fr"]
    for layer in range(4):
        alone = nearest_by_encoder(encoder, words, {"en": english, "fr": french}, [layer], "mean", 256)
        assert shares["fr"][layer] == accuracy(alone["fr"][0])
    assert shares["fr"][1] == pytest.approx(1 - 2 / len(distinct))
