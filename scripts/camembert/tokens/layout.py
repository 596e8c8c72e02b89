"""Where the documents of a packed batch lie, and what its losses divide by; both take no tokens to know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """What losses divide by, of a whole batch, whichever rows of it a process has.

    Attributes:
        real_tokens: tokens that are not padding.
        pairs: pairs of tokens in one document.
        one_document: whether every row is one document without padding.
        documents: their number.
    """

    real_tokens: int
    pairs: int
    one_document: bool
    documents: int


@dataclass(frozen=True)
class Layout:
    """Where the documents of a batch lie, row by row and from left to right; arrays of a number a document.

    Attributes:
        shape: rows and tokens of the batch.
        row: of the document.
        number: of the document in its row, from 0.
        start: of its first token.
        shard: numbers of the shards of its one or two segments, (documents, 2); -1 where there is no second.
        begin: where in their shards the segments begin, (documents, 2).
        length: of the segments without special tokens, (documents, 2); 0 where there is no second.
        separators: special tokens between the segments of a pair.
    """

    shape: tuple[int, int]
    row: np.ndarray
    number: np.ndarray
    start: np.ndarray
    shard: np.ndarray
    begin: np.ndarray
    length: np.ndarray
    separators: int = 1

    @property
    def pair(self) -> np.ndarray:
        """Whether a document has two segments."""
        return self.shard[:, 1] >= 0

    @property
    def size(self) -> np.ndarray:
        """Tokens of every document, special ones included."""
        return self.length.sum(axis=1) + 2 + self.separators * self.pair

    @property
    def text_tokens(self) -> np.ndarray:
        """Tokens of every row that are neither special nor padding, (rows,)."""
        return np.bincount(self.row, self.length.sum(axis=1), minlength=self.shape[0]).astype(np.int64)

    @property
    def counts(self) -> Counts:
        size = self.size
        full = len(size) == self.shape[0] and bool((size == self.shape[1]).all())
        return Counts(int(size.sum()), int((size**2).sum()), full, len(size))

    def of_rows(self, own: slice) -> Layout:
        """The layout of some rows, numbered anew from 0."""
        rows = np.arange(self.shape[0])[own]
        new = np.full(self.shape[0], -1)
        new[rows] = np.arange(len(rows))
        here = new[self.row] >= 0
        number, start, shard, begin, length = (
            array[here] for array in (self.number, self.start, self.shard, self.begin, self.length)
        )
        shape, row = (len(rows), self.shape[1]), new[self.row[here]]
        return Layout(shape, row, number, start, shard, begin, length, self.separators)
