"""Which documents are drawn: from one corpus or a mixture of several, by language, trained on or held out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from camembert.core.files import read_json
from camembert.tokens.shards import CorpusError, Shard

HELD_OUT_SHARE = 0.02
"""Share of the documents at the end of every shard that is never trained on."""


def sampling_probabilities(tokens: Sequence[int], exponent: float) -> np.ndarray:
    """Exponentially smoothed probabilities of the languages: p_i ~ tokens_i ** exponent (Devlin's mBERT README)."""
    weights = np.asarray(tokens, dtype=np.float64) ** exponent
    return weights / weights.sum()


@dataclass(frozen=True)
class Corpus:
    """Text of one kind, a shard a language; corpora that are mixed need not have the same languages.

    Attributes:
        shards: by language.
        share: of all documents drawn, relative to the shares of the other corpora.

    Raises:
        CorpusError: the share is not positive, or parallel shards do not translate each other document by document.
    """

    shards: Mapping[str, Shard]
    share: float = 1.0

    def __post_init__(self) -> None:
        if not self.share > 0:
            raise CorpusError(f"a corpus has a share of {self.share} of the documents; expected more than 0")
        if self.parallel and len({len(shard) for shard in self.shards.values()}) > 1:
            raise CorpusError("the shards of a parallel corpus hold different numbers of documents; make them again")

    @property
    def parallel(self) -> bool:
        """Whether document i of a shard translates document i of the others."""
        return len(self.shards) > 1 and all(shard.facts["parallel"] for shard in self.shards.values())

    @property
    def identity(self) -> list[object]:
        """What makes a training on this corpus what it is."""
        return [self.share, [shard.identity for shard in self.shards.values()]]


@dataclass(frozen=True)
class CorpusFolders:
    """Where a corpus is: what a process is told that opens it itself.

    Attributes:
        shards: folders by language.
        share: as `Corpus` has it.
    """

    shards: Mapping[str, str | os.PathLike[str]]
    share: float = 1.0

    def open(self) -> Corpus:
        """The corpus, its shards memory-mapped."""
        return Corpus({language: Shard(folder) for language, folder in self.shards.items()}, self.share)


def corpora_in(folders: Iterable[str | os.PathLike[str]], shares: Mapping[str, float]) -> list[CorpusFolders]:
    """The corpora that shard folders ``.../{corpus}/{language}`` belong to, in the order they are met.

    Args:
        folders: of the shards of all corpora.
        shares: of each corpus, by name.

    Raises:
        CorpusError: a corpus has no share.
    """
    found: dict[str, dict[str, str | os.PathLike[str]]] = {}
    for folder in folders:
        name = Path(folder).parent.name
        if name not in shares:
            raise CorpusError(
                f"{folder} is text of corpus {name}, expected one of {', '.join(shares)}; give it a share"
            )
        found.setdefault(name, {})[Path(folder).name] = folder
    return [CorpusFolders(shards, shares[name]) for name, shards in found.items()]


def tokens_of(corpora: Iterable[CorpusFolders]) -> dict[str, int]:
    """Tokens of every language, of all corpora together."""
    tokens: Counter[str] = Counter()
    for corpus in corpora:
        for language, folder in corpus.shards.items():
            tokens[language] += read_json(Path(folder) / "shard.json")["tokens"]
    return dict(tokens)


def sample_documents(corpora: Sequence[Corpus], count: int) -> dict[str, list[np.ndarray]]:
    """Documents of each language that are trained on, evenly spaced, as many of each corpus; their token ids.

    Of parallel corpora they say the same in every language.

    Args:
        corpora: what is mixed.
        count: documents a language, about; all where there are fewer.
    """
    found: dict[str, list[np.ndarray]] = {}
    for corpus in corpora:
        for language, shard in corpus.shards.items():
            trained_on = len(shard) - max(1, int(len(shard) * HELD_OUT_SHARE))
            places = np.unique(np.linspace(0, trained_on - 1, -(-count // len(corpora))).astype(np.int64))
            found.setdefault(language, []).extend(shard[place] for place in places.tolist())
    return found


class Documents:
    """A mixture of corpora: each gives its share of the documents, its languages are drawn by exponential smoothing
    and its documents uniformly, with replacement.

    Args:
        corpora: what is mixed.
        exponent: of the smoothing.
        reads_held_out: whether the documents are those that are never trained on, or all the others.
        language: the only one to draw (of a parallel corpus, with a translation); None for all.

    Raises:
        CorpusError: no corpus has the language.
    """

    def __init__(
        self, corpora: Sequence[Corpus], exponent: float, reads_held_out: bool = False, language: str | None = None
    ) -> None:
        self.corpora, self.exponent, self.reads_held_out = corpora, exponent, reads_held_out
        self.shards = [shard for corpus in corpora for shard in corpus.shards.values()]
        sizes = [len(corpus.shards) for corpus in corpora]
        self.languages = np.repeat(sizes, sizes)  # how many the corpus of each shard has
        self.first = np.repeat(np.cumsum(sizes) - sizes, sizes)  # the first shard of each shard's corpus
        self.parallel = np.repeat([corpus.parallel for corpus in corpora], sizes)
        weights = np.concatenate([self._weights(corpus, language) for corpus in corpora])
        if not weights.any():
            known = dict.fromkeys(name for corpus in corpora for name in corpus.shards)
            raise CorpusError(f"no corpus has text in {language}; expected one of {', '.join(known)}")
        self.probabilities = weights / weights.sum()
        self.cumulative = self.probabilities.cumsum()
        self.cumulative[self.probabilities.nonzero()[0][-1] :] = 1.0  # whatever rounding left of it
        documents = np.array([len(shard) for shard in self.shards])
        held_out = np.maximum(1, (documents * HELD_OUT_SHARE).astype(np.int64))
        self.lowest = documents - held_out if reads_held_out else np.zeros_like(documents)
        self.count = held_out if reads_held_out else documents - held_out

    def _weights(self, corpus: Corpus, language: str | None) -> np.ndarray:
        """How often each shard of a corpus is drawn; of a corpus without the only language wanted, never."""
        if language is not None:
            return corpus.share * np.array([name == language for name in corpus.shards], dtype=np.float64)
        tokens = [shard.facts["tokens"] for shard in corpus.shards.values()]
        return corpus.share * sampling_probabilities(tokens, self.exponent)

    def draw(
        self, for_shard: np.ndarray, for_document: np.ndarray, for_translation: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draws documents by uniform numbers from 0 to 1, three a document.

        Returns:
            The numbers of the one or two shards of every document, (..., 2), -1 where there is no translation; and
            its number there, (...).
        """
        shard = self.cumulative.searchsorted(for_shard, side="right")
        document = self.lowest[shard] + (for_document * self.count[shard]).astype(np.int64)
        other = (for_translation * (self.languages[shard] - 1)).astype(np.int64)
        other += other >= shard - self.first[shard]
        translation = np.where(self.parallel[shard], self.first[shard] + other, -1)
        return np.stack([shard, translation], axis=-1), document
