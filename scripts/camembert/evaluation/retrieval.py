"""Cross-lingual sentence retrieval: of every sentence the nearest one in another language, right where it translates.

The protocol is that of the Tatoeba task in XTREME (Hu et al. 2020): pooled hidden states of one layer, accuracy. It is
read in several ways (`plan.readings`). Vectors of one language share an offset, and some vectors are near to all others
(hubs). Plain cosine measures both along with what sentences say. Centring takes off the offset; the ratio margin
(Artetxe and Schwenk 2019) divides by how near a sentence is to its nearest neighbours. Nothing is trained.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from camembert.core.files import atomic_write
from camembert.data.retrieval import Sentence, Sides
from camembert.evaluation.sentence_vectors import embed_sentences, embed_tokens
from camembert.plan.readings import Direction, Reading, Similarity
from camembert.plan.sources import ENGLISH
from camembert.tokens.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from camembert.models.encoder import Encoder
    from camembert.tokens.corpora import CorpusFolders

TRAINING_SENTENCES = 100
"""Documents of a language whose mean stands for that of its training text: sure to a tenth of the spread of single
vectors, at a tenth of what a standard retrieval set costs."""
NGRAMS = (1, 4)
"""Shortest and longest character n-grams of the baseline."""
DECIMALS = 6
"""Similarities that agree to so many decimals are equal, so that last digits, which differ between processors, decide
nothing."""
MOST_SENTENCES = 20_000
"""All pairs are compared at once, in 8 bytes each, and in 4 for every similarity: 3.2 GB and more."""
SMALLEST_LENGTH = 1e-6
"""Of centred vectors, as a share of what was taken off: shorter ones say nothing."""
SMALLEST_NEIGHBOURHOOD = np.float32(1e-6)
"""Of the margin's denominator, which is negative where even the nearest neighbours point away."""

Retrieved = dict[Reading, np.ndarray]
"""Of every reading the place of the nearest sentence: (sentences,) int64."""


class SimilarityError(ValueError):
    """Vectors that cannot be compared."""


# --- whole evaluations ----------------------------------------------------------------------------------------


def retrieve(
    encoder: Encoder,
    folder: str | os.PathLike[str],
    sides: Mapping[str, Sides],
    layers: Sequence[int],
    readings: Sequence[Reading],
    neighbours: int,
    batch_tokens: int,
    corpora: Sequence[CorpusFolders] = (),
) -> Iterator[tuple[str, list[Retrieved]]]:
    """Retrieves between every language and English, by the vectors of an encoder, layer by layer.

    English sentences that several languages share are run once.

    Args:
        encoder: see `embed_tokens`, as for batch_tokens.
        folder: the encoder's, for its tokenizer.
        sides: of each language, see `read_sides`.
        layers: counted from 1; 0 is the embeddings.
        readings: what to count, pooling by pooling.
        neighbours: k of the margin.
        corpora: training text of every language, where a reading takes off its mean.

    Yields:
        Every language with what was retrieved, a layer an entry.
    """
    from camembert.models.encoder import find_longest_input
    from camembert.tokens.packing import sample_framed_documents

    tokenizer, by_pooling = load_tokenizer(folder), dict[str, list[Reading]]()
    for reading in readings:
        by_pooling.setdefault(reading.pooling, []).append(reading)
    ids = sample_framed_documents(corpora, folder, TRAINING_SENTENCES, find_longest_input(encoder)) if corpora else None
    how: tuple[Any, ...] = (layers, list(by_pooling), batch_tokens)

    def embed_side(language: str, sentences: Sequence[Sentence]) -> tuple[np.ndarray, np.ndarray | None]:
        """Vectors (poolings, layers, sentences, hidden), and their mean over training text."""
        mean = embed_tokens(encoder, ids[language], *how).mean(axis=2) if ids else None
        return embed_sentences(encoder, tokenizer, [sentence.text for sentence in sentences], *how), mean

    embedded: Sequence[Sentence] | None = None
    for language, (own, english) in sides.items():
        if english is not embedded:
            embedded = english
            english_vectors, english_mean = embed_side(ENGLISH, english)
        vectors, mean = embed_side(language, own)
        by_layer: list[Retrieved] = []
        for layer in range(len(layers)):
            found: Retrieved = {}
            for i, alike in enumerate(by_pooling.values()):
                means = None if mean is None or english_mean is None else (mean[i, layer], english_mean[i, layer])
                found |= search_pair(vectors[i, layer], english_vectors[i, layer], alike, neighbours, means)
            by_layer.append(found)
        yield language, by_layer


def retrieve_by_characters(
    sides: Mapping[str, Sides], readings: Sequence[Reading], neighbours: int
) -> Iterator[tuple[str, Retrieved]]:
    """The same by weighted counts (tf-idf) of the character n-grams within words.

    It is a baseline that knows no language and reads no training text. It has no pooling: what is retrieved is the same
    under each.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    readings = [reading for reading in readings if reading.similarity is not Similarity.CENTRED_ON_TRAINING]
    for language, both in sides.items():
        own, english = ([sentence.text for sentence in side] for side in both)
        vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=NGRAMS, dtype=np.float32).fit([*own, *english])
        yield language, search_pair(vectorizer.transform(own), vectorizer.transform(english), readings, neighbours)


def retrieval_accuracy(found: np.ndarray) -> float:
    """Share of the sentences whose nearest one is that in the same place."""
    return float((found == np.arange(len(found))).mean())


def write_retrieved(path: str | os.PathLike[str], sentences: Sequence[Sentence], found: Retrieved) -> None:
    """Writes the id of every sentence and, a column a reading, of the one nearest to it (right where equal) as parquet.

    Into English a row is a sentence of the language, from English the English sentence of that id.
    """
    ids = np.array([sentence.id for sentence in sentences])
    columns = {reading.name: ids[places] for reading, places in found.items()}
    with atomic_write(path) as partial:
        pq.write_table(pa.table({"id": ids, **columns}), partial)


# --- how vectors are compared ---------------------------------------------------------------------------------


def search_pair(
    own: Any, english: Any, readings: Sequence[Reading], neighbours: int, means: tuple[Any, Any] | None = None
) -> Retrieved:
    """Finds the nearest sentences between one language and English in several readings.

    Args:
        own: vectors of the language, an array or a sparse matrix (sentences, n).
        english: vectors of English, the same.
        readings: what to count.
        neighbours: k of the margin.
        means: of both the mean vector of training text, (n,), where a reading takes it off.
    """
    similarities = compute_similarities(own, english, {each.similarity for each in readings}, neighbours, means)
    return {each: find_nearest(similarities[each.similarity], each.direction) for each in readings}


def find_nearest(similarity: np.ndarray, direction: Direction) -> np.ndarray:
    """The most similar sentence of the other language, the first of those that are equal: (sentences,) int64.

    Args:
        similarity: of another language's sentences (rows) and English ones (columns).
        direction: into English: of each row its column; from English: of each column its row.
    """
    return similarity.argmax(axis=1 if direction is Direction.INTO_ENGLISH else 0)


def compute_similarities(
    one: Any, other: Any, wanted: set[Similarity], neighbours: int, means: tuple[Any, Any] | None = None
) -> dict[Similarity, np.ndarray]:
    """Compares all sentences of one language with all of another; for the arguments see `search_pair`.

    Returns:
        Of each similarity that is wanted, and of those it is made of, (sentences, sentences), float32, rounded to
        `DECIMALS`.

    Raises:
        SimilarityError: there are too many sentences, or too few for the margin, or a language's vectors are all equal.
    """
    sentences = one.shape[0]
    if sentences > MOST_SENTENCES:
        raise SimilarityError(
            f"{sentences} sentences a language, expected at most {MOST_SENTENCES} to compare all pairs;"
            " lower data.retrieval.limit"
        )
    if {Similarity.MARGIN, Similarity.CENTRED_MARGIN} & wanted and neighbours >= sentences:
        raise SimilarityError(
            f"retrieval.neighbours is {neighbours}, but there are {sentences} sentences to be nearest; expected fewer"
            " neighbours than sentences: lower it, or bring more sentences"
        )
    found: dict[Similarity, np.ndarray] = {}
    if {Similarity.COSINE, Similarity.MARGIN} & wanted:
        found[Similarity.COSINE] = compute_cosines(one, other)
    if {Similarity.CENTRED, Similarity.CENTRED_MARGIN} & wanted:
        found[Similarity.CENTRED] = compute_cosines(one, other, (_mean(one), _mean(other)))
    if Similarity.CENTRED_ON_TRAINING in wanted:
        assert means is not None, "this reading is planned only where there is training text"
        found[Similarity.CENTRED_ON_TRAINING] = compute_cosines(one, other, means)
    if Similarity.MARGIN in wanted:
        found[Similarity.MARGIN] = compute_ratio_margin(found[Similarity.COSINE], neighbours)
    if Similarity.CENTRED_MARGIN in wanted:
        found[Similarity.CENTRED_MARGIN] = compute_ratio_margin(found[Similarity.CENTRED], neighbours)
    return found


def compute_cosines(one: Any, other: Any, means: tuple[Any, Any] | None = None) -> np.ndarray:
    """Cosines of all pairs of vectors, after a mean vector of each side was taken off where one is given.

    Computed from products alone, so that sparse matrices stay sparse, and in float64, so that large means cancel. A
    vector of length 0 has cosine 0.

    Args:
        one: (sentences, n), an array or a sparse matrix.
        other: the same.
        means: (n,) each, taken off the rows of `one` and of `other`.

    Raises:
        SimilarityError: nothing is left of one side after its mean was taken off.
    """
    one, other = one.astype(np.float64), other.astype(np.float64)
    products = one @ other.T
    products = products if isinstance(products, np.ndarray) else products.toarray()
    if means is not None:
        products -= (one @ means[1] - means[0] @ means[1])[:, None]
        products -= (other @ means[0])[None]
    products /= _lengths(one, None if means is None else means[0])[:, None]
    products /= _lengths(other, None if means is None else means[1])[None]
    return np.round(products.astype(np.float32), DECIMALS)


def compute_ratio_margin(cosine: np.ndarray, neighbours: int) -> np.ndarray:
    """Cosines divided by the mean cosine of both sentences with their nearest neighbours in the other language.

    margin(x, y) = cos(x, y) / (sum over the k nearest z of x of cos(x, z) / 2k + the same of y)

    Source: Artetxe and Schwenk 2019, Margin-based Parallel Corpus Mining, equation 1 with the ratio function.

    Args:
        cosine: (sentences, sentences).
        neighbours: k.
    """
    of_rows, of_columns = (
        np.partition(each, -neighbours, axis=1)[:, -neighbours:].mean(axis=1) / 2
        for each in (cosine, np.ascontiguousarray(cosine.T))
    )
    around = np.maximum(of_rows[:, None] + of_columns[None], SMALLEST_NEIGHBOURHOOD)
    return np.round(np.divide(cosine, around, out=around), DECIMALS, out=around)


def _mean(vectors: Any) -> np.ndarray:
    return np.asarray(vectors.mean(axis=0), dtype=np.float64).ravel()


def _lengths(vectors: Any, mean: np.ndarray | None) -> np.ndarray:
    """Lengths of vectors, after their mean was taken off where one is given; above 0."""
    if isinstance(vectors, np.ndarray):
        squares = np.einsum("ij,ij->i", vectors, vectors)
    else:
        squares = np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel()
    smallest = np.finfo(np.float64).tiny
    if mean is not None:
        longest = max(squares.max(), smallest)
        squares = squares - 2 * (vectors @ mean) + mean @ mean
        if squares.max() <= SMALLEST_LENGTH**2 * longest:
            raise SimilarityError(
                "the vectors of all sentences of a language are equal, so that centring leaves nothing to compare;"
                " the encoder has collapsed: look at its training curve, lower its learning rate"
            )
    return np.sqrt(np.maximum(squares, smallest))
