"""Retrieval: vectors are a sentence's own, readings are what their formulas say, and the nearest one is found."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from scipy.sparse import csr_matrix
from scipy.spatial.distance import cdist

from camembert.data.retrieval import number_sentences
from camembert.evaluation import retrieval
from camembert.evaluation.retrieval import (
    SimilarityError,
    compute_similarities,
    find_nearest,
    retrieval_accuracy,
    retrieve,
    retrieve_by_characters,
    search_pair,
    write_retrieved,
)
from camembert.evaluation.sentence_vectors import embed_sentences, number_layer
from camembert.plan.readings import Direction, Reading, Similarity
from camembert.tokens.corpora import CorpusFolders
from camembert.tokens.packing import sample_framed_documents

COSINE = Reading("mean", Similarity.COSINE, Direction.INTO_ENGLISH)
ALL = set(Similarity)
PLAIN, CENTRED = (Similarity.COSINE, Similarity.MARGIN), (Similarity.CENTRED, Similarity.CENTRED_MARGIN)


@pytest.fixture(scope="module")
def encoder(teacher_folder):
    from camembert.models.encoder import load_encoder

    return load_encoder(teacher_folder)


@pytest.fixture(scope="module")
def distinct(lines):
    return list(dict.fromkeys(lines["en"]))[:40]


# --- vectors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_vector_is_that_of_the_sentence_alone_without_padding(encoder, words, distinct, pooling):
    (vectors,) = embed_sentences(encoder, words, distinct, [0, 1, 3], [pooling], batch_tokens=4096)
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
    small, large = (embed_sentences(encoder, words, distinct, [3], ["mean"], batch_tokens=size) for size in (12, 4096))
    np.testing.assert_allclose(small, large, atol=1e-5)


def test_a_sentence_is_cut_to_the_longest_input(encoder, words):
    long = "red " * 500
    vectors = embed_sentences(encoder, words, [long, long + "big old cats"], [3], ["mean"], batch_tokens=64)
    np.testing.assert_array_equal(vectors[0, 0, 0], vectors[0, 0, 1])


def test_dropout_is_off(make_encoder, words, distinct):
    encoder = make_encoder(1).train()
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    np.testing.assert_array_equal(*(embed_sentences(encoder, words, distinct, [1], ["mean"], 4096) for _ in range(2)))


def test_poolings_of_one_run_are_those_of_runs_of_their_own(encoder, words, distinct):
    both = embed_sentences(encoder, words, distinct, [1, 3], ["mean", "cls"], 256)
    for own, pooling in zip(both, ("mean", "cls"), strict=True):
        np.testing.assert_array_equal(own, embed_sentences(encoder, words, distinct, [1, 3], [pooling], 256)[0])


@pytest.mark.parametrize(("layer", "number"), [("top", 6), (2, 2)])
def test_top_is_the_last_layer_of_whichever_encoder(layer, number):
    assert number_layer(layer, 6) == number


# --- similarities ---------------------------------------------------------------------------------------------


@pytest.fixture
def pair():
    """Vectors of twelve sentences in two languages, each with an offset, and means of training text."""
    draw = np.random.default_rng(0)
    meaning = draw.normal(size=(12, 5))
    one, other = (meaning + draw.normal(size=(12, 5)) + draw.normal(size=5) for _ in range(2))
    return one, other, (draw.normal(size=5), draw.normal(size=5))


def test_similarities_are_what_their_formulas_say(pair):
    one, other, means = pair
    found = compute_similarities(one, other, ALL, 3, means)
    cosine = 1 - cdist(one, other, "cosine")
    centred = 1 - cdist(one - one.mean(axis=0), other - other.mean(axis=0), "cosine")
    np.testing.assert_allclose(found[Similarity.COSINE], cosine, atol=1e-6)
    np.testing.assert_allclose(found[Similarity.CENTRED], centred, atol=1e-6)
    on_training = 1 - cdist(one - means[0], other - means[1], "cosine")
    np.testing.assert_allclose(found[Similarity.CENTRED_ON_TRAINING], on_training, atol=1e-6)
    for margin, plain in ((Similarity.MARGIN, cosine), (Similarity.CENTRED_MARGIN, centred)):
        for i, j in ((0, 0), (3, 7), (11, 2)):
            around = sum(sorted(plain[i])[-3:]) / 6 + sum(sorted(plain[:, j])[-3:]) / 6
            assert found[margin][i, j] == pytest.approx(plain[i, j] / around, abs=1e-4)


def test_an_offset_of_a_language_changes_what_is_nearest_where_it_is_not_taken_off(pair):
    one, other, _ = pair
    readings = [Reading("mean", each, direction) for each in PLAIN + CENTRED for direction in Direction]
    before, after = (search_pair(own, other, readings, 3) for own in (one, one + np.eye(5)[0] * 9))
    changed = {reading for reading in readings if not np.array_equal(before[reading], after[reading])}
    assert changed == {reading for reading in readings if reading.similarity in PLAIN}


def test_sparse_vectors_are_compared_as_dense_ones(pair):
    one, other, means = pair
    dense = compute_similarities(one, other, ALL, 3, means)
    sparse = compute_similarities(csr_matrix(one), csr_matrix(other), ALL, 3, means)
    assert all(np.array_equal(dense[each], sparse[each]) for each in ALL)


def test_the_nearest_is_a_column_into_english_and_a_row_out_of_it():
    similar = np.array([[0.1, 0.9], [0.8, 0.95], [0.3, 0.2]])  # three sentences of a language, two in English
    assert find_nearest(similar, Direction.INTO_ENGLISH).tolist() == [1, 1, 0]
    assert find_nearest(similar, Direction.FROM_ENGLISH).tolist() == [1, 1]


def test_of_equal_ones_the_first_is_taken_though_last_digits_differ():
    english = np.array([[0.0, 1.0], [1.0, 1.0], [3.0, 3.0000003]])
    found = compute_similarities(np.array([[2.0, 2.0000005], [0.0, 0.0]]), english, {Similarity.COSINE}, 1)[
        Similarity.COSINE
    ]
    assert find_nearest(found, Direction.INTO_ENGLISH).tolist() == [1, 0], "a vector of length 0 is no error"


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e4])
def test_vectors_that_are_all_equal_are_refused_where_their_mean_is_taken_off(pair, kind, value):
    equal = kind(np.full((12, 5), value))
    with pytest.raises(SimilarityError, match="the vectors of all sentences of a language are equal, so that centring"):
        compute_similarities(equal, kind(pair[1]), {Similarity.CENTRED}, 3)


def test_a_margin_needs_more_sentences_than_neighbours(pair):
    compute_similarities(*pair[:2], {Similarity.MARGIN}, 11)
    compute_similarities(*pair[:2], {Similarity.COSINE}, 12)
    with pytest.raises(SimilarityError, match=r"retrieval\.neighbours is 12, but there are 12 sentences to be nearest"):
        compute_similarities(*pair[:2], {Similarity.MARGIN}, 12)


def test_more_sentences_than_can_be_compared_at_once_are_refused(pair, monkeypatch):
    monkeypatch.setattr(retrieval, "MOST_SENTENCES", 11)
    with pytest.raises(
        SimilarityError, match=r"12 sentences a language, expected at most 11 .* lower data\.retrieval\.limit"
    ):
        compute_similarities(*pair[:2], {Similarity.COSINE}, 3)


# --- whole evaluations ----------------------------------------------------------------------------------------


def sides_of(sentences):
    """Every language with the English sentences that all share."""
    return {language: (own, sentences["en"]) for language, own in sentences.items() if language != "en"}


@pytest.fixture(scope="module")
def found(encoder, teacher_folder):
    """What the encoder retrieves, by language."""

    def search(sides, layers=(3,), readings=(COSINE,), corpora=()):
        return dict(retrieve(encoder, teacher_folder, sides, layers, readings, 4, 256, corpora))

    return search


def test_an_encoder_finds_its_own_sentences_and_not_shuffled_ones(found, distinct):
    sentences = number_sentences(distinct)
    moved = number_sentences([*distinct[1:], distinct[0]])
    by_language = found(sides_of({"en": sentences, "xx": sentences, "yy": moved}), [1, 3])
    shares = {language: [retrieval_accuracy(each[COSINE]) for each in own] for language, own in by_language.items()}
    assert shares == {"xx": [1.0, 1.0], "yy": [0.0, 0.0]}
    assert retrieval_accuracy(np.array([0, 1, 1, 3])) == 0.75, "it counts the same place"


def test_layers_and_readings_of_one_run_are_those_of_runs_of_their_own(found, lines):
    sides = sides_of({language: number_sentences(lines[language][:30]) for language in ("en", "fr")})
    readings = [
        Reading(pooling, similarity, direction)
        for pooling in ("mean", "cls")
        for similarity in (Similarity.COSINE, Similarity.CENTRED_MARGIN)
        for direction in Direction
    ]
    together = found(sides, [1, 2, 3], readings)["fr"]
    assert [list(of_layer) for of_layer in together] == [readings] * 3
    for layer, of_layer in zip((1, 2, 3), together, strict=True):
        for reading in readings:
            alone = found(sides, [layer], [reading])["fr"][0]
            np.testing.assert_array_equal(of_layer[reading], alone[reading])


def test_means_of_training_text_are_of_each_language_and_change_that_reading_alone(
    found, encoder, words, lines, corpus, tokenizer_folder
):
    sentences = {language: number_sentences(lines[language][:30]) for language in ("en", "fr")}
    on_training = COSINE._replace(similarity=Similarity.CENTRED_ON_TRAINING)
    (both,) = found(sides_of(sentences), [3], [COSINE, on_training], [CorpusFolders(corpus)])["fr"]
    np.testing.assert_array_equal(both[COSINE], found(sides_of(sentences))["fr"][0][COSINE])

    def embed(text):
        return embed_sentences(encoder, words, text, [3], ["mean"], 256)[0, 0]

    whole = 10**6  # tokens, more than any document has
    documents = sample_framed_documents([CorpusFolders(corpus)], tokenizer_folder, retrieval.TRAINING_SENTENCES, whole)
    means = [
        embed([words.decode(each[1:-1]) for each in documents[language]]).mean(axis=0) for language in ("fr", "en")
    ]
    vectors = [embed(lines[language][:30]) for language in ("fr", "en")]
    expected = search_pair(*vectors, [on_training], 4, means)[on_training]
    np.testing.assert_array_equal(both[on_training], expected)
    assert not np.array_equal(expected, search_pair(*vectors, [on_training], 4, means[::-1])[on_training])


def test_languages_may_have_english_sentences_of_their_own(found, distinct):
    first, second = number_sentences(distinct[:12]), number_sentences(distinct[12:30])
    by_language = found({"xx": (first, first), "yy": (second, second)})
    assert {language: own[0][COSINE].tolist() for language, own in by_language.items()} == {
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


def test_answers_name_the_nearest_by_its_id(tmp_path):
    sentences = [
        sentence for sentence in number_sentences(list("abcd")) if sentence.text != "b"
    ]  # as after a repeated line
    write_retrieved(tmp_path / "x.parquet", sentences, {COSINE: np.array([0, 2, 2])})
    assert pq.read_table(tmp_path / "x.parquet").to_pydict() == {
        "id": ["line-000001", "line-000003", "line-000004"],
        "mean/cosine/into_english": ["line-000001", "line-000004", "line-000004"],
    }
