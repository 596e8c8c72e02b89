"""Packed batches of text: rows of several documents each, drawn from the shards of one or several corpora.

Everything random in a batch comes from matrices of uniform numbers, a row of them a row of the batch. They decide which
documents are drawn and where they lie (`Layout`), which takes no tokens; tokens are then read for the rows that a
process wants. So processes that share a batch agree on it, and each assembles its own rows only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from camembert.tokens.mixture import Corpus, CorpusFolders, Documents, sample_documents
from camembert.tokens.tokenizer import SPECIAL_TOKENS, frame_of, load_tokenizer, special_tokens, token_id

ALL_ROWS = slice(None)


@dataclass(frozen=True)
class SpecialIds:
    """What packing and masking need of a tokenizer: ids by role, and how a text is framed.

    Attributes:
        pad: fills rows up.
        cls: before a text; BERT calls it [CLS], RoBERTa <s>.
        sep: after a text; [SEP] or </s>.
        mask: in the place of a token that is to be predicted; None where the tokenizer has none.
        vocabulary: one more than the largest id there is.
        separators: how many `sep` are between the texts of a pair: 1 in BERT, 2 in RoBERTa.
        segments: whether the second text of a pair and its end are of segment 1; else all are of segment 0.
    """

    pad: int
    cls: int
    sep: int
    mask: int | None
    vocabulary: int
    separators: int = 1
    segments: bool = True

    @classmethod
    def of(cls, tokenizer: Tokenizer, names: Mapping[str, str] = SPECIAL_TOKENS) -> SpecialIds:
        """Those of a tokenizer whose padding and mask tokens have these names."""
        frame = frame_of(tokenizer)
        mask = token_id(tokenizer, names["mask_token"]) if "mask_token" in names else None
        pad, largest = token_id(tokenizer, names["pad_token"]), max(tokenizer.get_vocab().values())
        return cls(pad, frame.cls, frame.sep, mask, largest + 1, frame.separators, frame.segments)

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> SpecialIds:
        """Those of a model folder of this workflow."""
        return cls.of(load_tokenizer(folder), special_tokens(folder))


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


@dataclass(frozen=True)
class PackedRows:
    """Rows of several documents each; every array is int64, (rows, tokens).

    `document` numbers the documents of a row from 0 and is -1 on padding: a token attends to its own
    document only. `position` starts again at 0 in every document. `whole` counts the batch that these are rows of;
    without it they are a batch themselves. `frame` is True on the special tokens around texts; without it these are
    BERT's, the first token of a document and the last of each segment.
    """

    token: np.ndarray
    segment: np.ndarray
    position: np.ndarray
    document: np.ndarray
    whole: Counts | None = None
    frame: np.ndarray | None = None

    @property
    def real(self) -> np.ndarray:
        """True where a token is not padding."""
        return self.document >= 0

    @property
    def text(self) -> np.ndarray:
        """True where a token is neither padding nor one of the special tokens around texts."""
        if self.frame is not None:
            return self.real & ~self.frame
        ends = np.ones_like(self.real)  # of a segment: the next token is of another
        ends[:, :-1] = (np.diff(self.document) != 0) | (np.diff(self.segment) != 0)
        return self.real & (self.position > 0) & ~ends

    @property
    def counts(self) -> Counts:
        """Those of the whole batch."""
        if self.whole:
            return self.whole
        rows, tokens = self.document.shape
        lengths = np.bincount((np.arange(rows)[:, None] * tokens + self.document)[self.real], minlength=1)
        alone = not self.document.any()
        return Counts(int(lengths.sum()), int((lengths**2).sum()), alone, int((lengths > 0).sum()))


class TextBatches:
    """Packed batches of text. Batch `i` depends on the seed and on `i` alone, so that training can
    start again at any step without replaying the ones before.

    Documents are drawn as `Documents` says, those of several corpora side by side in a row. Of a parallel corpus a
    document is a pair of translations (in BERT [CLS] a [SEP] b [SEP], as in XLM's translation language modelling,
    Lample and Conneau 2019), of other text a single line, cut to the room that is left.
    """

    DRAWS_TO_FILL_A_ROW = 8

    def __init__(
        self,
        corpora: Sequence[Corpus],
        special: SpecialIds,
        batch: int,
        row: int,
        sampling_exponent: float,
        seed: int,
        reads_held_out: bool = False,
        language: str | None = None,
    ) -> None:
        self.documents = Documents(corpora, sampling_exponent, reads_held_out, language)
        self.shards = self.documents.shards
        self.special, self.rows, self.tokens, self.seed = special, batch, row, seed

    def held_out(self, language: str | None = None) -> TextBatches:
        """The documents that are never trained on, drawn with the same seed whatever the training seed.

        Args:
            language: the only one to draw (of a parallel corpus, with a translation); None draws all as in training.
        """
        drawn = self.documents
        return TextBatches(drawn.corpora, self.special, self.rows, self.tokens, drawn.exponent, 0, True, language)

    def rng(self, step: int) -> np.random.Generator:
        """The generator of everything random in one batch."""
        return np.random.default_rng([self.seed, step, int(self.documents.reads_held_out)])

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draws the documents of a batch and lays them into its rows."""
        for_shard, for_document, for_translation, for_window = rng.random((4, self.rows, self.DRAWS_TO_FILL_A_ROW))
        shard, document = self.documents.draw(for_shard, for_document, for_translation)
        pair = shard[..., 1] >= 0
        begin, length = np.zeros_like(shard), np.zeros_like(shard)
        for which, here in _places_of(shard):
            spans = self.shards[which].spans(document.reshape(-1)[here // 2])
            begin.reshape(-1)[here], length.reshape(-1)[here] = spans
        start, taken = self._fill(length, pair)
        window = (for_window * (length[..., 0] - taken[..., 0] + 1)).astype(np.int64)
        begin[..., 0] += np.where(pair, 0, window)  # of a translation its beginning
        used = start >= 0
        number, start, shard, begin, taken = (
            array[used] for array in (used.cumsum(axis=1) - 1, start, shard, begin, taken)
        )
        shape, row = (self.rows, self.tokens), used.nonzero()[0]
        return Layout(shape, row, number, start, shard, begin, taken, self.special.separators)

    def _fill(self, length: np.ndarray, pair: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Fills every row from the left with the documents drawn for it, until one does not fit.

        A text is then cut to the room that is left; a pair of translations is passed over, and cut only at the
        start of a row.

        Args:
            length: of the segments drawn, (rows, draws, 2).
            pair: whether a document has two segments, (rows, draws).

        Returns:
            The start of every document in its row, -1 where it is not used, (rows, draws); and the length that is used
            of its segments, like `length`.
        """
        starts, taken = np.full(pair.shape, -1), length.copy()
        end, unfilled = np.zeros(len(pair), dtype=np.int64), np.ones(len(pair), dtype=bool)
        for draw in range(pair.shape[1]):
            segments = 1 + pair[:, draw]
            added = 2 + self.special.separators * pair[:, draw]  # special tokens
            room = self.tokens - end - added
            fits = length[:, draw].sum(axis=1) <= room
            passed_over = ~fits & pair[:, draw] & (end > 0)
            unfilled &= fits | passed_over | (room >= 1 + segments)
            used = unfilled & ~passed_over
            most = np.where(fits, self.tokens, room // segments)
            taken[:, draw] = np.minimum(length[:, draw], most[:, None])
            starts[used, draw] = end[used]
            end += np.where(used, taken[:, draw].sum(axis=1) + added, 0)
        return starts, taken

    def rows_of(self, layout: Layout, own: slice = ALL_ROWS) -> PackedRows:
        """Assembles rows of a batch.

        Args:
            layout: of the batch.
            own: which rows.
        """
        counts, layout = layout.counts, layout.of_rows(own)
        size, first = layout.size, layout.length[:, 0]
        begin = layout.row * layout.shape[1] + layout.start
        token = np.full(layout.shape, self.special.pad, dtype=np.int64)
        segment, position = np.zeros(layout.shape, dtype=np.int64), np.zeros(layout.shape, dtype=np.int64)
        document, frame = np.full(layout.shape, -1, dtype=np.int64), np.zeros(layout.shape, dtype=bool)
        second = first + 1 + layout.separators  # where the second segment begins in its document

        inside = _up_to(size)
        place = np.repeat(begin, size) + inside
        position.reshape(-1)[place] = inside
        if self.special.segments:
            segment.reshape(-1)[place] = inside >= np.repeat(second, size)
        document.reshape(-1)[place] = np.repeat(layout.number, size)

        flat = token.reshape(-1)
        between = (begin + 1 + first)[layout.pair]
        ends = np.concatenate([begin + size - 1, *(between + i for i in range(layout.separators))])
        flat[begin], flat[ends] = self.special.cls, self.special.sep
        frame.reshape(-1)[np.concatenate([begin, ends])] = True
        target = np.stack([begin + 1, begin + second], axis=1).reshape(-1)
        source, length = layout.begin.reshape(-1), layout.length.reshape(-1)
        for number, here in _places_of(layout.shard):
            inside = _up_to(length[here])
            ids = self.shards[number].tokens[np.repeat(source[here], length[here]) + inside]
            flat[np.repeat(target[here], length[here]) + inside] = ids
        return PackedRows(token, segment, position, document, counts, frame)

    def batch(self, step: int, own: slice = ALL_ROWS) -> PackedRows:
        """The packed rows of a step, all of them or some."""
        return self.rows_of(self.layout(self.rng(step)), own)


def framed_sample(
    corpora: Sequence[CorpusFolders], tokenizer: str | os.PathLike[str], count: int, longest: int
) -> dict[str, list[list[int]]]:
    """Documents of each language that are trained on, one by one in their special tokens.

    Args:
        corpora: where they are, see `sample_documents`.
        tokenizer: folder of the tokenizer that the corpora were made with.
        count: documents a language, about.
        longest: tokens of the longest one, special tokens included; longer ones are cut.

    Returns:
        Of each language the token ids of its documents.
    """
    special = SpecialIds.read(tokenizer)
    sampled = sample_documents([corpus.open() for corpus in corpora], count)
    return {
        language: [[special.cls, *document[: longest - 2].tolist(), special.sep] for document in documents]
        for language, documents in sampled.items()
    }


def _places_of(numbers: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Every number from 0 on that an array holds, with its places in the flattened array."""
    flat = numbers.reshape(-1)
    order = flat.argsort(kind="stable")
    found, begins = np.unique(flat[order], return_index=True)
    for number, places in zip(found.tolist(), np.split(order, begins[1:]), strict=False):
        if number >= 0:
            yield number, places


def _up_to(lengths: np.ndarray) -> np.ndarray:
    """0, 1, 2 and so on up to each length, one after another."""
    return np.arange(lengths.sum()) - np.repeat(lengths.cumsum() - lengths, lengths)
