"""Packed batches of text: rows of several documents each, drawn from the shards of a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from camembert.data.shards import CorpusError, Shard
from camembert.data.tokenizer import token_id

HELD_OUT_SHARE = 0.02
"""Share of the documents at the end of every shard that is never trained on."""


def sampling_probabilities(tokens: Sequence[int], exponent: float) -> np.ndarray:
    """Exponentially smoothed probabilities of the languages: p_i ~ tokens_i ** exponent (Devlin's mBERT README)."""
    weights = np.asarray(tokens, dtype=np.float64) ** exponent
    return weights / weights.sum()


@dataclass(frozen=True)
class SpecialIds:
    """Ids of the tokens that packing and masking need; `vocabulary` is one more than the largest id there is."""

    pad: int
    cls: int
    sep: int
    mask: int
    vocabulary: int

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> SpecialIds:
        pad, cls_, sep, mask = (token_id(tokenizer, token) for token in ("[PAD]", "[CLS]", "[SEP]", "[MASK]"))
        return cls(pad, cls_, sep, mask, max(tokenizer.get_vocab().values()) + 1)


@dataclass(frozen=True)
class PackedRows:
    """Rows of several documents each; every array is int64, (rows, tokens).

    `document` numbers the documents of a row from 0 and is -1 on padding: a token attends to its own
    document only. `position` starts again at 0 in every document.
    """

    token: np.ndarray
    segment: np.ndarray
    position: np.ndarray
    document: np.ndarray

    @property
    def real(self) -> np.ndarray:
        """True where a token is not padding."""
        return self.document >= 0


class TextBatches:
    """Packed batches of a corpus. Batch `i` depends on the seed and on `i` alone, so that training can
    start again at any step without replaying the ones before.

    Languages are drawn by exponential smoothing and documents uniformly, with replacement. Of a parallel
    corpus a document is a pair of translations ([CLS] a [SEP] b [SEP], as in XLM's translation language
    modelling, Lample and Conneau 2019), of other text a single line, cut to the room that is left.
    """

    DRAWS_TO_FILL_A_ROW = 8

    def __init__(
        self,
        shards: Sequence[Shard],
        special: SpecialIds,
        batch: int,
        row: int,
        sampling_exponent: float,
        seed: int,
        reads_held_out: bool = False,
        language: int | None = None,
    ) -> None:
        self.shards, self.special, self.rows, self.tokens, self.seed = shards, special, batch, row, seed
        self.parallel = len(shards) > 1 and all(shard.facts["parallel"] for shard in shards)
        if self.parallel and len({len(shard) for shard in shards}) > 1:
            raise CorpusError("the shards of a parallel corpus hold different numbers of documents; make them again")
        self.exponent, self.reads_held_out = sampling_exponent, reads_held_out
        self.probabilities = sampling_probabilities([shard.facts["tokens"] for shard in shards], sampling_exponent)
        if language is not None:
            self.probabilities = np.eye(len(shards))[language]
        self.cumulative = self.probabilities.cumsum()
        self.cumulative /= self.cumulative[-1]

    def held_out(self, language: int | None = None) -> TextBatches:
        """The documents that are never trained on, drawn with the same seed whatever the training seed.

        Args:
            language: the number of the only shard to draw from (of a parallel corpus, with a translation); None draws
                from all as in training.
        """
        return TextBatches(self.shards, self.special, self.rows, self.tokens, self.exponent, 0, True, language)

    def rng(self, step: int) -> np.random.Generator:
        """The generator of everything random in one batch."""
        return np.random.default_rng([self.seed, step, int(self.reads_held_out)])

    def _document(self, rng: np.random.Generator) -> list[np.ndarray]:
        """One document as its segments: two translations, or one text."""
        language = int(self.cumulative.searchsorted(rng.random(), side="right"))  # as rng.choice, which checks p anew
        shard = self.shards[language]
        reserved = max(1, int(len(shard) * HELD_OUT_SHARE)) if len(shard) > 1 else 0
        document = int(
            rng.integers(len(shard) - reserved, len(shard))
            if self.reads_held_out
            else rng.integers(len(shard) - reserved)
        )
        if not self.parallel:
            return [shard[document]]
        other = int(rng.integers(len(self.shards) - 1))
        return [shard[document], self.shards[other + (other >= language)][document]]

    def _window(self, ids: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
        """A part of a text that is longer than the room for it: any part, or of a translation its beginning."""
        start = 0 if self.parallel or len(ids) <= size else int(rng.integers(len(ids) - size + 1))
        return ids[start : start + size]

    def rows_of(self, rng: np.random.Generator) -> PackedRows:
        """Fills rows with documents."""
        shape = (self.rows, self.tokens)
        token = np.full(shape, self.special.pad, dtype=np.int64)
        segment, position = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        document = np.full(shape, -1, dtype=np.int64)
        for row in range(self.rows):
            start = number = 0
            for _ in range(self.DRAWS_TO_FILL_A_ROW):
                segments = self._document(rng)
                room = self.tokens - start - 1 - len(segments)
                if sum(map(len, segments)) > room:
                    if self.parallel and start:
                        continue
                    if room < 1 + len(segments):
                        break
                    segments = [self._window(ids, room // len(segments), rng) for ids in segments]
                end = start + 1
                token[row, start] = self.special.cls
                for kind, ids in enumerate(segments):
                    token[row, end : end + len(ids)] = ids
                    token[row, end + len(ids)] = self.special.sep
                    segment[row, end : end + len(ids) + 1] = kind
                    end += len(ids) + 1
                position[row, start:end] = np.arange(end - start)
                document[row, start:end] = number
                start, number = end, number + 1
        return PackedRows(token, segment, position, document)

    def batch(self, step: int) -> PackedRows:
        """The packed rows of a step."""
        return self.rows_of(self.rng(step))
