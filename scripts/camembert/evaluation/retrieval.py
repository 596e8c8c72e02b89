"""Cross-lingual sentence retrieval: of every sentence the nearest English one by cosine, right where it says the same.

The protocol is that of the Tatoeba task in XTREME (Hu et al. 2020): pooled hidden states of one layer, cosine, from
another language to English, accuracy. Nothing is trained.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from camembert.core.files import atomic_write
from camembert.data.retrieval import Sentence
from camembert.evaluation.sentence_vectors import character_ngrams, embed
from camembert.plan.sources import ENGLISH

if TYPE_CHECKING:
    from camembert.models.architectures import Encoder

COSINES_AT_ONCE = 2**24
"""Cosines in memory at a time: 64 MiB."""
DECIMALS = 6
"""Cosines that agree to so many decimals are equal, so that last digits, which differ between processors, decide
nothing."""


def layer_number(layer: str | int, layers: int) -> int:
    """The layer that the config names, of an encoder of so many: `top`, or a number counted from 1."""
    return layers if layer == "top" else int(layer)


def nearest(queries: Any, candidates: Any, at_once: int = COSINES_AT_ONCE) -> np.ndarray:
    """The candidate nearest to each query by cosine, the first of those that are equal.

    Args:
        queries: (queries, n), an array, or a sparse matrix with rows of length 1.
        candidates: (candidates, n), the same.
        at_once: cosines in memory at a time, at least one query's.

    Returns:
        Indices of candidates: (queries,) int64.
    """
    if isinstance(queries, np.ndarray):
        queries, candidates = _unit(queries), _unit(candidates)
    rows = max(1, at_once // candidates.shape[0])
    found = np.empty(queries.shape[0], dtype=np.int64)
    for start in range(0, len(found), rows):
        cosines = queries[start : start + rows] @ candidates.T
        cosines = cosines if isinstance(cosines, np.ndarray) else cosines.toarray()
        found[start : start + rows] = np.round(cosines, DECIMALS, out=cosines).argmax(1)
    return found


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, np.finfo(vectors.dtype).tiny)


def accuracy(found: np.ndarray) -> float:
    """Share of the queries whose nearest candidate is the one in the same place."""
    return float((found == np.arange(len(found))).mean())


def nearest_by_encoder(
    encoder: Encoder,
    tokenizer: Tokenizer,
    sentences: Mapping[str, Sequence[Sentence]],
    layers: Sequence[int],
    pooling: str,
    batch_tokens: int,
) -> dict[str, np.ndarray]:
    """The nearest English sentences by the states of some layers of an encoder, which runs once a language.

    Args:
        encoder: see `embed`, as for the arguments not described here.
        tokenizer: the encoder's.
        sentences: of each language, English among them, aligned.
        layers: counted from 1; 0 is the embeddings.
        pooling: "mean" or "cls".
        batch_tokens: tokens a batch, padding included.

    Returns:
        Of every language but English, the index of the nearest English sentence: (layers, sentences) int64.
    """

    def vectors(language: str) -> np.ndarray:
        texts = [sentence.text for sentence in sentences[language]]
        return embed(encoder, tokenizer, texts, layers, pooling, batch_tokens)

    english = vectors(ENGLISH)
    return {
        language: np.stack([nearest(*pair) for pair in zip(vectors(language), english, strict=True)])
        for language in sentences
        if language != ENGLISH
    }


def accuracy_by_layer(
    encoder: Encoder,
    tokenizer: Tokenizer,
    sentences: Mapping[str, Sequence[Sentence]],
    pooling: str,
    batch_tokens: int,
) -> dict[str, list[float]]:
    """Accuracy of retrieval with each layer of an encoder, from the embeddings to the top, by language.

    Arguments are those of `nearest_by_encoder`.
    """
    layers = range(encoder.config.num_hidden_layers + 1)
    found = nearest_by_encoder(encoder, tokenizer, sentences, layers, pooling, batch_tokens)
    return {language: [accuracy(answers) for answers in by_layer] for language, by_layer in found.items()}


def nearest_by_characters(sentences: Mapping[str, Sequence[Sentence]]) -> dict[str, np.ndarray]:
    """The same by character n-grams, a baseline that knows no language: (sentences,) of every language but English."""
    texts = {language: [sentence.text for sentence in rows] for language, rows in sentences.items()}
    return {
        language: nearest(*character_ngrams(texts[language], texts[ENGLISH]))
        for language in texts
        if language != ENGLISH
    }


def write_answers(path: str | os.PathLike[str], sentences: Sequence[Sentence], found: np.ndarray) -> None:
    """Writes the id of every sentence and of the English one nearest to it (right where equal) as parquet."""
    ids = [sentence.id for sentence in sentences]
    with atomic_write(path) as partial:
        pq.write_table(pa.table({"id": ids, "nearest": [ids[i] for i in found]}), partial)
