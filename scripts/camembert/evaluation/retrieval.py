"""Cross-lingual sentence retrieval: of every sentence the nearest one in another language, right where it translates.

The protocol is that of the Tatoeba task in XTREME (Hu et al. 2020): pooled hidden states of one layer, accuracy. It is
read in several ways (`plan.readings`): by plain cosine, centred, by margin; into English and out of it. Nothing is
trained.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from camembert.core.files import atomic_write
from camembert.data.retrieval import Sentence, Sides
from camembert.evaluation.sentence_vectors import character_ngrams, embed_ids, token_ids
from camembert.evaluation.similarity import nearest, similarities
from camembert.plan.readings import Reading, Similarity
from camembert.plan.sources import ENGLISH

if TYPE_CHECKING:
    from camembert.models.encoder import Encoder

TRAINING_SENTENCES = 100
"""Documents of a language whose mean stands for that of its training text: sure to a tenth of the spread of single
vectors, at a tenth of what a standard retrieval set costs."""


class Vectors(NamedTuple):
    """The sentences of one language as an encoder sees them.

    Attributes:
        sentences: (poolings, layers, sentences, hidden) float32.
        training_mean: (poolings, layers, hidden), of training text of the language; None where it was not asked for.
    """

    sentences: np.ndarray
    training_mean: np.ndarray | None


Found = dict[Reading, np.ndarray]
"""Of every reading the place of the nearest sentence: (sentences,) int64."""


def layer_number(layer: str | int, layers: int) -> int:
    """The layer that the config names, of an encoder of so many: `top`, or a number counted from 1."""
    return layers if layer == "top" else int(layer)


def accuracy(found: np.ndarray) -> float:
    """Share of the sentences whose nearest one is that in the same place."""
    return float((found == np.arange(len(found))).mean())


def poolings_of(readings: Iterable[Reading]) -> list[str]:
    """The poolings that some readings need, each once."""
    return list(dict.fromkeys(reading.pooling for reading in readings))


def embed_sides(
    encoder: Encoder,
    tokenizer: Tokenizer,
    sides: Mapping[str, Sides],
    layers: Sequence[int],
    poolings: Sequence[str],
    batch_tokens: int,
    training_ids: Mapping[str, Sequence[Sequence[int]]] | None = None,
) -> Iterator[tuple[str, Vectors, Vectors]]:
    """Runs an encoder over the sentences of each language and the English ones that say the same.

    English sentences that several languages share are run once.

    Args:
        encoder: see `embed_ids`, as for the arguments not described here.
        tokenizer: the encoder's.
        sides: of each language, see `read_sides`.
        layers: counted from 1; 0 is the embeddings.
        poolings: which vectors are made of the states.
        batch_tokens: tokens a batch, padding included.
        training_ids: token ids of documents of each language that was trained on, where their means are wanted.

    Yields:
        Every language with its vectors and the English ones.
    """

    def vectors(language: str, sentences: Sequence[Sentence]) -> Vectors:
        ids = token_ids([sentence.text for sentence in sentences], tokenizer, encoder)
        mean = None
        if training_ids is not None:
            mean = embed_ids(encoder, training_ids[language], layers, poolings, batch_tokens).mean(axis=2)
        return Vectors(embed_ids(encoder, ids, layers, poolings, batch_tokens), mean)

    read: Sequence[Sentence] | None = None
    for language, (own, english) in sides.items():
        if english is not read:
            read, in_english = english, vectors(ENGLISH, english)
        yield language, vectors(language, own), in_english


def read_pair(
    own: Any, english: Any, readings: Sequence[Reading], neighbours: int, means: tuple[Any, Any] | None = None
) -> Found:
    """Retrieves between one language and English in several readings of one pooling.

    Args:
        own: vectors of the language, an array or a sparse matrix (sentences, n).
        english: vectors of English, the same.
        readings: what to count.
        neighbours: k of the margin.
        means: of both the mean vector of training text, where a reading needs it.
    """
    wanted = list(dict.fromkeys(reading.similarity for reading in readings))
    found = similarities(own, english, wanted, neighbours, means)
    return {reading: nearest(found[reading.similarity], reading.direction) for reading in readings}


def retrieve(
    vectors: Iterable[tuple[str, Vectors, Vectors]], readings: Sequence[Reading], neighbours: int
) -> Iterator[tuple[str, list[Found]]]:
    """Retrieves between every language and English, layer by layer.

    Args:
        vectors: of `embed_sides`.
        readings: what to count; their poolings are those of the vectors, in that order.
        neighbours: k of the margin.

    Yields:
        Every language with what was found, a layer an entry.
    """
    poolings = poolings_of(readings)
    of_pooling = {pooling: [reading for reading in readings if reading.pooling == pooling] for pooling in poolings}
    for language, own, english in vectors:
        by_layer: list[Found] = []
        for layer in range(own.sentences.shape[1]):
            found: Found = {}
            for i, pooling in enumerate(poolings):
                means = None
                if own.training_mean is not None and english.training_mean is not None:
                    means = (own.training_mean[i, layer], english.training_mean[i, layer])
                pair = own.sentences[i, layer], english.sentences[i, layer]
                found |= read_pair(*pair, of_pooling[pooling], neighbours, means)
            by_layer.append({reading: found[reading] for reading in readings})
        yield language, by_layer


def retrieve_by_characters(
    sides: Mapping[str, Sides], readings: Sequence[Reading], neighbours: int
) -> Iterator[tuple[str, Found]]:
    """The same by character n-grams, a baseline that knows no language and reads no training text.

    It has no pooling: what is found is the same under each.
    """
    readings = [reading for reading in readings if reading.similarity is not Similarity.CENTRED_ON_TRAINING]
    for language, both in sides.items():
        vectors = character_ngrams(*([sentence.text for sentence in side] for side in both))
        yield language, read_pair(*vectors, readings, neighbours)


def write_answers(path: str | os.PathLike[str], sentences: Sequence[Sentence], found: Found) -> None:
    """Writes the id of every sentence and, a column a reading, of the one nearest to it (right where equal) as parquet.

    Into English a row is a sentence of the language, from English the English sentence of that id.
    """
    ids = np.array([sentence.id for sentence in sentences])
    columns = {reading.name: ids[places] for reading, places in found.items()}
    with atomic_write(path) as partial:
        pq.write_table(pa.table({"id": ids, **columns}), partial)
