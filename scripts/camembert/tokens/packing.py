"""Packed batches of text: rows of several documents each, drawn from the shards of one or several corpora.

Everything random in a batch comes from matrices of uniform numbers, a row of them a row of the batch. They decide which
documents are drawn and where they lie (`Layout`), which takes no tokens; tokens are then read for the rows that a
process wants. So processes that share a batch agree on it, and each assembles its own rows only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from camembert.tokens.corpora import CorpusFolders, DocumentSampler, TokenizedCorpus
from camembert.tokens.tokenizer import SpecialIds

ALL_ROWS = slice(None)


@dataclass(frozen=True)
class Counts:
    """What losses divide by, of a whole batch, whichever rows of it a process has."""

    real_tokens: int  # that are not padding
    pairs: int  # of tokens in one document
    one_document: bool  # whether every row is one document without padding
    documents: int


@dataclass(frozen=True)
class Layout:
    """Where the documents of a batch lie, row by row and from left to right: arrays of (documents,) and, of their one
    or two segments, (documents, 2)."""

    shape: tuple[int, int]  # rows and tokens of the batch
    row: np.ndarray
    number: np.ndarray  # of the document in its row, from 0
    start: np.ndarray  # of its first token
    shard: np.ndarray  # numbers of the segments' shards; -1 where there is no second
    begin: np.ndarray  # where in their shards the segments begin
    length: np.ndarray  # of the segments without special tokens; 0 where there is no second
    separators: int = 1  # special tokens between the segments of a pair

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

    def select_rows(self, own: slice) -> Layout:
        """The layout of some rows, numbered anew from 0."""
        rows = np.arange(self.shape[0])[own]
        new = np.full(self.shape[0], -1)
        new[rows] = np.arange(len(rows))
        here = new[self.row] >= 0
        arrays = {name: getattr(self, name)[here] for name in ("number", "start", "shard", "begin", "length")}
        return replace(self, shape=(len(rows), self.shape[1]), row=new[self.row[here]], **arrays)


@dataclass(frozen=True)
class PackedRows:
    """Rows of several documents each, (rows, tokens); int64 but for `frame`."""

    token: np.ndarray
    segment: np.ndarray
    position: np.ndarray  # from 0 in every document
    document: np.ndarray  # from 0 in every row, -1 on padding: a token attends to its own document only
    whole: Counts | None = None  # of the batch that these are rows of; without it they are a batch themselves
    frame: np.ndarray | None = None  # True on the special tokens around texts; without it these are as in BERT

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
    """Packed batches of text; each depends on the seed and its step alone, so that training can start again anywhere.

    A `DocumentSampler` draws documents, those of several corpora side by side in a row. Of a parallel corpus a document
    is a pair of translations (in BERT [CLS] a [SEP] b [SEP], as in XLM's translation language modelling, Lample and
    Conneau 2019), of other text a single line, cut to the room that is left.
    """

    DRAWS_TO_FILL_A_ROW = 8

    def __init__(
        self,
        corpora: Sequence[TokenizedCorpus],
        special: SpecialIds,
        batch: int,
        row: int,
        sampling_exponent: float,
        seed: int,
        reads_held_out: bool = False,
    ) -> None:
        self.documents = DocumentSampler(corpora, sampling_exponent, reads_held_out)
        self.shards = self.documents.shards
        self.special, self.rows, self.tokens, self.seed = special, batch, row, seed

    def held_out(self) -> TextBatches:
        """The documents that are never trained on, drawn alike whatever the training seed."""
        drawn = self.documents
        return TextBatches(drawn.corpora, self.special, self.rows, self.tokens, drawn.exponent, 0, True)

    def rng(self, step: int) -> np.random.Generator:
        """The generator of everything random in one batch."""
        return np.random.default_rng([self.seed, step, int(self.documents.reads_held_out)])

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draws the documents of a batch and lays them into its rows."""
        for_shard, for_document, for_translation, for_window = rng.random((4, self.rows, self.DRAWS_TO_FILL_A_ROW))
        shard, document = self.documents.draw(for_shard, for_document, for_translation)
        pair = shard[..., 1] >= 0
        begin, length = np.zeros_like(shard), np.zeros_like(shard)
        for which, here in _group_places(shard):
            spans = self.shards[which].spans(document.reshape(-1)[here // 2])
            begin.reshape(-1)[here], length.reshape(-1)[here] = spans
        start, taken = self._fill(length, pair)
        window = (for_window * (length[..., 0] - taken[..., 0] + 1)).astype(np.int64)
        begin[..., 0] += np.where(pair, 0, window)  # of a translation its beginning
        used = start >= 0
        number, shape, separators = used.cumsum(axis=1) - 1, (self.rows, self.tokens), self.special.separators
        arrays = number[used], start[used], shard[used], begin[used], taken[used]
        return Layout(shape, used.nonzero()[0], *arrays, separators)

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

    def assemble(self, layout: Layout, own: slice = ALL_ROWS) -> PackedRows:
        """Reads the tokens of a batch, or of some of its rows, and puts them in their places."""
        counts, layout = layout.counts, layout.select_rows(own)
        size, first = layout.size, layout.length[:, 0]
        begin = layout.row * layout.shape[1] + layout.start
        token = np.full(layout.shape, self.special.pad, dtype=np.int64)
        segment, position = np.zeros(layout.shape, dtype=np.int64), np.zeros(layout.shape, dtype=np.int64)
        document, frame = np.full(layout.shape, -1, dtype=np.int64), np.zeros(layout.shape, dtype=bool)
        second = first + 1 + layout.separators  # where the second segment begins in its document

        inside = _count_up(size)
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
        for number, here in _group_places(layout.shard):
            inside = _count_up(length[here])
            ids = self.shards[number].tokens[np.repeat(source[here], length[here]) + inside]
            flat[np.repeat(target[here], length[here]) + inside] = ids
        return PackedRows(token, segment, position, document, counts, frame)

    def batch(self, step: int, own: slice = ALL_ROWS) -> PackedRows:
        """The packed rows of a step, all of them or some."""
        return self.assemble(self.layout(self.rng(step)), own)


def sample_framed_documents(
    corpora: Sequence[CorpusFolders], tokenizer: str | os.PathLike[str], count: int, longest: int
) -> dict[str, list[list[int]]]:
    """Documents of each language that are trained on, one by one in their special tokens.

    They are evenly spaced, as many of each corpus; those of parallel corpora say the same in every language.

    Args:
        tokenizer: folder of the one that the corpora were made with.
        count: documents a language, about; all where there are fewer.
        longest: tokens, special ones included, that documents are cut to.
    """
    special = SpecialIds.read(tokenizer)
    framed: dict[str, list[list[int]]] = {}
    for corpus in corpora:
        for language, shard in corpus.open().shards.items():
            last = len(shard) - shard.held_out - 1
            places = np.unique(np.linspace(0, last, -(-count // len(corpora))).astype(np.int64)).tolist()
            texts = (shard[place][: longest - 2].tolist() for place in places)
            framed.setdefault(language, []).extend([special.cls, *text, special.sep] for text in texts)
    return framed


def _group_places(numbers: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Every number from 0 on that an array holds, with its places in the flattened array."""
    flat = numbers.reshape(-1)
    order = flat.argsort(kind="stable")
    found, begins = np.unique(flat[order], return_index=True)
    for number, places in zip(found.tolist(), np.split(order, begins[1:]), strict=False):
        if number >= 0:
            yield number, places


def _count_up(lengths: np.ndarray) -> np.ndarray:
    """0, 1, 2 and so on up to each length, one after another."""
    return np.arange(lengths.sum()) - np.repeat(lengths.cumsum() - lengths, lengths)
