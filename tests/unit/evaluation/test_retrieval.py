"""Retrieval: vectors are a sentence's own, whatever stands beside it, and the nearest one is found."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from camembert.data.retrieval import number_sentences
from camembert.evaluation.retrieval import (
    accuracy,
    embed_sides,
    layer_number,
    retrieve,
    retrieve_by_characters,
    write_answers,
)
from camembert.evaluation.sentence_vectors import embed, embed_ids, token_ids
from camembert.plan.readings import Direction, Reading, Similarity

COSINE = Reading("mean", Similarity.COSINE, Direction.INTO_ENGLISH)


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


def test_accuracy_counts_the_same_place():
    assert accuracy(np.array([0, 1, 1, 3])) == 0.75


def test_poolings_of_one_pass_are_those_of_passes_of_their_own(encoder, words, distinct):
    both = embed_ids(encoder, token_ids(distinct, words, encoder), [1, 3], ["mean", "cls"], 256)
    for own, pooling in zip(both, ("mean", "cls"), strict=True):
        np.testing.assert_array_equal(own, embed(encoder, words, distinct, [1, 3], pooling, 256))


# --- whole evaluations ----------------------------------------------------------------------------------------


def sides_of(sentences):
    """Every language with the English sentences that all share."""
    return {language: (own, sentences["en"]) for language, own in sentences.items() if language != "en"}


def shares(encoder, words, sentences, layers, readings=(COSINE,), training_ids=None):
    """What an encoder retrieves: by language and layer the accuracy of each reading."""
    poolings = list(dict.fromkeys(reading.pooling for reading in readings))
    vectors = embed_sides(encoder, words, sides_of(sentences), layers, poolings, 256, training_ids)
    return {
        language: [{reading: accuracy(places) for reading, places in found.items()} for found in by_layer]
        for language, by_layer in retrieve(vectors, readings, 4)
    }


def test_an_encoder_finds_its_own_sentences_and_not_shuffled_ones(encoder, words, distinct):
    sentences = number_sentences(distinct)
    moved = number_sentences([*distinct[1:], distinct[0]])
    found = shares(encoder, words, {"en": sentences, "xx": sentences, "yy": moved}, [1, 3])
    assert found == {"xx": [{COSINE: 1.0}] * 2, "yy": [{COSINE: 0.0}] * 2}


def test_layers_and_readings_of_one_pass_are_those_of_passes_of_their_own(encoder, words, lines):
    sentences = {language: number_sentences(lines[language][:30]) for language in ("en", "fr")}
    readings = [
        Reading(pooling, similarity, direction)
        for pooling in ("mean", "cls")
        for similarity in (Similarity.COSINE, Similarity.CENTRED_MARGIN)
        for direction in Direction
    ]
    together = shares(encoder, words, sentences, [1, 2, 3], readings)["fr"]
    for place, layer in enumerate((1, 2, 3)):
        for reading in readings:
            assert shares(encoder, words, sentences, [layer], [reading])["fr"][0][reading] == together[place][reading]


def test_means_of_training_text_are_of_each_language_and_change_that_reading_alone(encoder, words, lines):
    sentences = {language: number_sentences(lines[language][:30]) for language in ("en", "fr")}
    ids = {language: token_ids(lines[language][:20], words, encoder) for language in sentences}
    ((_, french, english),) = embed_sides(encoder, words, sides_of(sentences), [3], ["mean"], 256, ids)
    expected = embed(encoder, words, lines["fr"][:20], [3], "mean", 256).mean(axis=1)
    np.testing.assert_allclose(french.training_mean[0], expected, atol=1e-5)
    assert not np.allclose(english.training_mean, french.training_mean)


def test_languages_may_have_english_sentences_of_their_own(encoder, words, distinct):
    first, second = number_sentences(distinct[:12]), number_sentences(distinct[12:30])
    vectors = embed_sides(encoder, words, {"xx": (first, first), "yy": (second, second)}, [3], ["mean"], 256)
    found = {language: by_layer[0][COSINE] for language, by_layer in retrieve(vectors, [COSINE], 4)}
    assert {language: places.tolist() for language, places in found.items()} == {
        "xx": list(range(12)),
        "yy": list(range(18)),
    }


def test_character_ngrams_find_names_but_not_translations():
    sentences = {
        "en": number_sentences(["Gambia and Dalasi in May", "Japan or Peru", "five cats"]),
        "de": number_sentences(["Gambia und Dalasi im Mai", "Japan oder Peru", "fünf Katzen"]),
        "zh": number_sentences(["冈比亚", "日本", "猫"]),
    }
    on_training = COSINE._replace(similarity=Similarity.CENTRED_ON_TRAINING)
    found = dict(retrieve_by_characters(sides_of(sentences), [COSINE, on_training], 2))
    assert found["de"].keys() == {COSINE}, "it reads no training text"
    assert found["de"][COSINE].tolist() == [0, 1, 2]
    assert found["zh"][COSINE].tolist() == [0, 0, 0], "nothing in common: the first"


@pytest.mark.parametrize(("layer", "number"), [("top", 6), (2, 2)])
def test_top_is_the_last_layer_of_whichever_encoder(layer, number):
    assert layer_number(layer, 6) == number


def test_answers_name_the_nearest_by_its_id(tmp_path):
    sentences = [
        sentence for sentence in number_sentences(list("abcd")) if sentence.text != "b"
    ]  # as after a repeated line
    write_answers(tmp_path / "x.parquet", sentences, {COSINE: np.array([0, 2, 2])})
    assert pq.read_table(tmp_path / "x.parquet").to_pydict() == {
        "id": ["line-000001", "line-000003", "line-000004"],
        "mean/cosine/into_english": ["line-000001", "line-000004", "line-000004"],
    }
