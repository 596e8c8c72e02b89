"""The text that is trained on: a shard of token ids a language, corpora of several, and which documents are drawn.

A shard is written once, then read memory-mapped.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from camembert.core.files import atomic_write, read_json, write_json
from camembert.core.provenance import hash_file

log = logging.getLogger(__name__)

DOCUMENTS_AT_ONCE, CHARACTERS_AT_ONCE = 4096, 1 << 20
"""At most so much text is tokenised at once, which bounds the memory it takes: articles are long, lines short."""
ID, OFFSET = np.dtype(np.int32), np.dtype(np.int64)
HELD_OUT_SHARE = 0.02
"""Share of the documents at the end of every shard that is never trained on."""


class CorpusError(ValueError):
    """Text, a shard or a corpus that cannot be used, with the file and what was expected."""


# --- writing a shard ------------------------------------------------------------------------------------------


def write_shard(
    path: str | os.PathLike[str],
    documents: Iterable[str],
    tokenizer: Tokenizer,
    facts: dict[str, Any],
    unfinished: str | os.PathLike[str] | None = None,
    journal_seconds: float = 60.0,
    left_out: Mapping[str, int] | None = None,
) -> None:
    """Tokenises documents (no special tokens) into a shard folder: tokens.bin, offsets.npy, shard.json.

    Its memory does not grow with the text but for 16 bytes a document. Killed, it goes on where its journal says when
    it is called again with the same `unfinished` folder, and ends with the same bytes.

    Args:
        path: the shard's folder.
        documents: text, in an order that parallel languages share; the same documents when it is called again.
        tokenizer: its vocabulary decides nothing about the file: ids are int32.
        facts: what the JSON says beside the counts: source, parallel or not. What was written with other facts or
            another tokenizer is thrown away.
        unfinished: a fixed folder on the same disk for the work in progress; None starts anew every time.
        journal_seconds: wall time between two entries of the journal, and of the log; what a kill loses at most.
        left_out: how many documents were not given, and why; looked at once all are read, and written to the JSON.

    Raises:
        CorpusError: there is no text.
    """
    with atomic_write(path) as partial:
        folder = Path(unfinished) if unfinished else partial
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(facts, sort_keys=True) + tokenizer.to_str()
        fingerprint = hashlib.sha256(text.encode()).hexdigest()
        count, total = _write_tokens(folder, documents, tokenizer, fingerprint, journal_seconds)
        if count < 2 or not total:
            shutil.rmtree(folder)
            raise CorpusError(f"too little text for {path}: expected at least two documents that are not empty")
        ends = np.fromfile(folder / "ends.bin", dtype=OFFSET)
        np.save(folder / "offsets.npy", np.concatenate([[0], ends]))
        counts = {"documents": count, "tokens": total, "left_out": dict(left_out or {})}
        write_json(folder / "shard.json", facts | counts | {"sha256": hash_file(folder / "tokens.bin")})
        (folder / "journal.json").unlink(missing_ok=True)  # first: it speaks of ends.bin
        (folder / "ends.bin").unlink()
        if unfinished:
            os.replace(folder, partial)


def _write_tokens(
    folder: Path, documents: Iterable[str], tokenizer: Tokenizer, fingerprint: str, journal_seconds: float
) -> tuple[int, int]:
    """Appends token ids to tokens.bin and the end of every document to ends.bin; returns documents and tokens."""
    journal = folder / "journal.json"
    entry = read_json(journal) if journal.is_file() else {}
    said = time.monotonic()
    with open(folder / "tokens.bin", "ab") as tokens, open(folder / "ends.bin", "ab") as ends:
        count, total = entry.get("documents", 0), entry.get("tokens", 0)
        whole_so_far = tokens.tell() >= total * ID.itemsize and ends.tell() >= count * OFFSET.itemsize
        if entry.get("fingerprint") != fingerprint or not whole_so_far:
            count = total = 0
        tokens.truncate(total * ID.itemsize)
        ends.truncate(count * OFFSET.itemsize)
        if count:
            log.info("%s: continuing after %d documents, %d tokens", folder, count, total)
        for group in _group_documents(islice(documents, count, None)):
            encodings = tokenizer.encode_batch_fast(group, add_special_tokens=False)
            lengths = np.array([len(encoding) for encoding in encodings], dtype=OFFSET)
            for encoding in encodings:
                tokens.write(np.asarray(encoding.ids, dtype=ID).tobytes())
            ends.write((total + lengths.cumsum()).tobytes())
            count, total = count + len(group), total + int(lengths.sum())
            if time.monotonic() - said >= journal_seconds:
                for file in (tokens, ends):
                    file.flush()
                    os.fsync(file.fileno())
                write_json(journal, {"documents": count, "tokens": total, "fingerprint": fingerprint})
                log.info("%s: %d documents, %d tokens so far", folder, count, total)
                said = time.monotonic()
    return count, total


def _group_documents(documents: Iterable[str]) -> Iterator[list[str]]:
    group: list[str] = []
    characters = 0
    for document in documents:
        group.append(document)
        characters += len(document)
        if len(group) == DOCUMENTS_AT_ONCE or characters >= CHARACTERS_AT_ONCE:
            yield group
            group, characters = [], 0
    if group:
        yield group


# --- reading --------------------------------------------------------------------------------------------------


class Shard:
    """One language's token ids, read through the page cache: nothing is loaded until it is used."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.facts = read_json(Path(path) / "shard.json")
        # plain views of the mapped files: slicing a memmap makes another memmap, slowly
        self.offsets = np.asarray(np.load(Path(path) / "offsets.npy", mmap_mode="r", allow_pickle=False))
        self.tokens = np.asarray(np.memmap(Path(path) / "tokens.bin", dtype=ID, mode="r"))
        if len(self.tokens) != self.offsets[-1]:
            raise CorpusError(
                f"{path} holds {len(self.tokens)} tokens, its offsets say {self.offsets[-1]}; make it again"
            )

    @property
    def identity(self) -> list[object]:
        """What makes a training run on this shard what it is: its tokens, where documents begin, whether parallel."""
        ends = hashlib.sha256(self.offsets.tobytes()).hexdigest()
        return [self.facts["sha256"], ends, self.facts["parallel"]]

    @property
    def held_out(self) -> int:
        """How many documents, at its end, are never trained on."""
        return max(1, int(len(self) * HELD_OUT_SHARE))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, document: int) -> np.ndarray:
        return self.tokens[self.offsets[document] : self.offsets[document + 1]]

    def spans(self, documents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where in `tokens` documents begin, and how many tokens they have."""
        begin = self.offsets[documents]
        return begin, self.offsets[documents + 1] - begin


@dataclass(frozen=True)
class TokenizedCorpus:
    """Text of one kind, a shard a language; corpora that are mixed need not have the same languages.

    Raises:
        CorpusError: parallel shards do not translate each other document by document.
    """

    shards: Mapping[str, Shard]
    share: float = 1.0  # of all documents drawn, relative to the shares of the other corpora

    def __post_init__(self) -> None:
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
    """Where a corpus is, for a process that opens it itself: shard folders by language, and its share."""

    shards: Mapping[str, str | os.PathLike[str]]
    share: float = 1.0

    def open(self) -> TokenizedCorpus:
        """The corpus, its shards memory-mapped."""
        return TokenizedCorpus({language: Shard(folder) for language, folder in self.shards.items()}, self.share)


def find_corpora(folders: Iterable[str | os.PathLike[str]], shares: Mapping[str, float]) -> list[CorpusFolders]:
    """The corpora, with their shares by name, that shard folders ``.../{corpus}/{language}`` belong to."""
    found: dict[str, dict[str, str | os.PathLike[str]]] = {}
    for folder in folders:
        found.setdefault(Path(folder).parent.name, {})[Path(folder).name] = folder
    return [CorpusFolders(shards, shares[name]) for name, shards in found.items()]


# --- drawing documents ----------------------------------------------------------------------------------------


def _weigh_shards(corpus: TokenizedCorpus, exponent: float) -> np.ndarray:
    """How often each shard of a corpus is drawn.

    Languages are smoothed exponentially: p_i ~ tokens_i ** exponent (Devlin's README of multilingual BERT).
    """
    weights = np.array([shard.facts["tokens"] for shard in corpus.shards.values()], dtype=np.float64) ** exponent
    return corpus.share * (weights / weights.sum())


class DocumentSampler:
    """A mixture of corpora: each gives its share of the documents, its languages are drawn by exponential smoothing
    and its documents uniformly, with replacement.

    Args:
        corpora: what is mixed.
        exponent: of the smoothing.
        reads_held_out: whether the documents are those that are never trained on, or all the others.
    """

    def __init__(self, corpora: Sequence[TokenizedCorpus], exponent: float, reads_held_out: bool = False) -> None:
        self.corpora, self.exponent, self.reads_held_out = corpora, exponent, reads_held_out
        self.shards = [shard for corpus in corpora for shard in corpus.shards.values()]
        sizes = [len(corpus.shards) for corpus in corpora]
        self.languages = np.repeat(sizes, sizes)  # how many the corpus of each shard has
        self.first = np.repeat(np.cumsum(sizes) - sizes, sizes)  # the first shard of each shard's corpus
        self.parallel = np.repeat([corpus.parallel for corpus in corpora], sizes)
        weights = np.concatenate([_weigh_shards(corpus, exponent) for corpus in corpora])
        probabilities = weights / weights.sum()
        self.cumulative = probabilities.cumsum()
        self.cumulative[probabilities.nonzero()[0][-1] :] = 1.0  # whatever rounding left of it
        documents = np.array([len(shard) for shard in self.shards])
        held_out = np.array([shard.held_out for shard in self.shards])
        self.lowest = documents - held_out if reads_held_out else np.zeros_like(documents)
        self.count = held_out if reads_held_out else documents - held_out

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
