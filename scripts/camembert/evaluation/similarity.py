"""How the sentences of two languages are compared, given a vector of each, and which is nearest to which.

Vectors of one language share an offset, and some vectors are near to all others (hubs). Plain cosine measures both
along with what sentences say. Centring takes off the offset; the ratio margin (Artetxe and Schwenk 2019, equation 1)
divides by how near a sentence is to its nearest neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from camembert.plan.readings import Direction, Similarity

DECIMALS = 6
"""Similarities that agree to so many decimals are equal, so that last digits, which differ between processors, decide
nothing."""
MOST_SENTENCES = 20_000
"""All pairs are compared at once, in 8 bytes each, and in 4 for every similarity: 3.2 GB and more."""
SMALLEST_LENGTH = 1e-6
"""Of centred vectors, as a share of what was taken off: shorter ones say nothing."""
SMALLEST_NEIGHBOURHOOD = np.float32(1e-6)
"""Of the margin's denominator, which is negative where even the nearest neighbours point away."""


class SimilarityError(ValueError):
    """Vectors that cannot be compared."""


def similarities(
    one: Any, other: Any, wanted: Sequence[Similarity], neighbours: int, training_means: tuple[Any, Any] | None = None
) -> dict[Similarity, np.ndarray]:
    """Compares all sentences of one language with all of another.

    Args:
        one: vectors of the first language, an array or a sparse matrix (sentences, n).
        other: vectors of the second, the same.
        wanted: the similarities to compute.
        neighbours: k of the margin.
        training_means: of both languages the mean vector of its training text, (n,); needed for one of the
            similarities.

    Returns:
        Of each similarity (sentences, sentences), float32, rounded to `DECIMALS`.

    Raises:
        SimilarityError: there are too many sentences, or too few for the margin, or a language's vectors are all equal.
    """
    sentences = one.shape[0]
    if sentences > MOST_SENTENCES:
        raise SimilarityError(
            f"{sentences} sentences a language, expected at most {MOST_SENTENCES} to compare all pairs;"
            " lower data.retrieval.limit"
        )
    if {Similarity.MARGIN, Similarity.CENTRED_MARGIN} & set(wanted) and neighbours >= sentences:
        raise SimilarityError(
            f"retrieval.neighbours is {neighbours}, but there are {sentences} sentences to be nearest; expected fewer"
            " neighbours than sentences: lower it, or bring more sentences"
        )
    found: dict[Similarity, np.ndarray] = {}
    if {Similarity.COSINE, Similarity.MARGIN} & set(wanted):
        found[Similarity.COSINE] = cosines(one, other)
    if {Similarity.CENTRED, Similarity.CENTRED_MARGIN} & set(wanted):
        found[Similarity.CENTRED] = cosines(one, other, _mean(one), _mean(other))
    if Similarity.CENTRED_ON_TRAINING in wanted:
        assert training_means is not None, "this reading is planned only where there is training text"
        found[Similarity.CENTRED_ON_TRAINING] = cosines(one, other, *training_means)
    for margin, plain in (
        (Similarity.MARGIN, Similarity.COSINE),
        (Similarity.CENTRED_MARGIN, Similarity.CENTRED),
    ):
        if margin in wanted:
            found[margin] = ratio_margin(found[plain], neighbours)
    return {similarity: found[similarity] for similarity in wanted}


def cosines(one: Any, other: Any, mean_of_one: Any = None, mean_of_other: Any = None) -> np.ndarray:
    """Cosines of all pairs of vectors, after a mean vector of each side was taken off where one is given.

    Computed from products alone, so that sparse matrices stay sparse, and in float64, so that large means cancel. A
    vector of length 0 has cosine 0.

    Args:
        one: (sentences, n), an array or a sparse matrix.
        other: the same.
        mean_of_one: (n,), taken off each row of `one`.
        mean_of_other: the same of `other`.

    Raises:
        SimilarityError: nothing is left of one side after its mean was taken off.
    """
    one, other = one.astype(np.float64), other.astype(np.float64)
    products = one @ other.T
    products = products if isinstance(products, np.ndarray) else products.toarray()
    squares = [_row_squares(one), _row_squares(other)]
    if mean_of_one is not None:
        products -= (one @ mean_of_other - mean_of_one @ mean_of_other)[:, None]
        products -= (other @ mean_of_one)[None]
        squares = [
            _centred_squares(square, vectors, mean)
            for square, vectors, mean in zip(squares, (one, other), (mean_of_one, mean_of_other), strict=True)
        ]
    lengths = [np.sqrt(np.maximum(square, np.finfo(np.float64).tiny)) for square in squares]
    products /= lengths[0][:, None]
    products /= lengths[1][None]
    return np.round(products.astype(np.float32), DECIMALS)


def ratio_margin(cosine: np.ndarray, neighbours: int) -> np.ndarray:
    """Cosines divided by the mean cosine of both sentences with their nearest neighbours in the other language.

    margin(x, y) = cos(x, y) / (sum over the k nearest z of x of cos(x, z) / 2k + the same of y)

    Source: Artetxe and Schwenk 2019, Margin-based Parallel Corpus Mining, equation 1 with the ratio function.

    Args:
        cosine: (sentences, sentences).
        neighbours: k.
    """
    of_rows, of_columns = (_mean_of_largest(each, neighbours) / 2 for each in (cosine, np.ascontiguousarray(cosine.T)))
    around = np.maximum(of_rows[:, None] + of_columns[None], SMALLEST_NEIGHBOURHOOD)
    return np.round(np.divide(cosine, around, out=around), DECIMALS, out=around)


def nearest(similarity: np.ndarray, direction: Direction) -> np.ndarray:
    """The most similar sentence of the other language, the first of those that are equal: (sentences,) int64.

    Args:
        similarity: of another language's sentences (rows) and English ones (columns).
        direction: into English: of each row its column; from English: of each column its row.
    """
    return similarity.argmax(axis=1 if direction is Direction.INTO_ENGLISH else 0)


def _mean_of_largest(values: np.ndarray, count: int) -> np.ndarray:
    """The mean of the largest values of each row."""
    return np.partition(values, -count, axis=1)[:, -count:].mean(axis=1)


def _mean(vectors: Any) -> np.ndarray:
    return np.asarray(vectors.mean(axis=0), dtype=np.float64).ravel()


def _row_squares(vectors: Any) -> np.ndarray:
    if isinstance(vectors, np.ndarray):
        return np.einsum("ij,ij->i", vectors, vectors)
    return np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel()


def _centred_squares(squares: np.ndarray, vectors: Any, mean: np.ndarray) -> np.ndarray:
    """Squared lengths of vectors after a mean was taken off."""
    left = squares - 2 * (vectors @ mean) + mean @ mean
    if left.max() <= SMALLEST_LENGTH**2 * max(squares.max(), np.finfo(np.float64).tiny):
        raise SimilarityError(
            "the vectors of all sentences of a language are equal, so that centring leaves nothing to compare;"
            " the encoder has collapsed: look at its training curve, lower its learning rate"
        )
    return left
