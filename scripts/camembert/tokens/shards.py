"""The text corpus on disk: one shard of token ids a language, written once, then read memory-mapped."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
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


class CorpusError(ValueError):
    """Text or a shard that cannot be used, with the file and what was expected."""


# --- writing --------------------------------------------------------------------------------------------------


def _groups_of(documents: Iterable[str]) -> Iterator[list[str]]:
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


def write_shard(
    path: str | os.PathLike[str],
    documents: Iterable[str],
    tokenizer: Tokenizer,
    facts: dict[str, Any],
    unfinished: str | os.PathLike[str] | None = None,
    journal_seconds: float = 60.0,
    progress: Callable[[int, int], None] = lambda documents, tokens: None,
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
        journal_seconds: wall time between two entries of the journal; what a kill loses at most.
        progress: told the documents and tokens that are written with every entry.
        left_out: how many documents were not given, and why; looked at once all are read, and written to the JSON.

    Raises:
        CorpusError: there is no text.
    """
    with atomic_write(path) as partial:
        folder = Path(unfinished) if unfinished else partial
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(facts, sort_keys=True) + tokenizer.to_str()
        fingerprint = hashlib.sha256(text.encode()).hexdigest()
        count, total = _write_tokens(folder, documents, tokenizer, fingerprint, journal_seconds, progress)
        if count < 2 or not total:
            shutil.rmtree(folder)
            raise CorpusError(f"too little text for {path}: expected at least two documents that are not empty")
        ends = np.fromfile(folder / "ends.bin", dtype=OFFSET)
        np.save(folder / "offsets.npy", np.concatenate([[0], ends]))
        digest = hash_file(folder / "tokens.bin")
        counts = {"documents": count, "tokens": total, "left_out": dict(left_out or {})}
        write_json(folder / "shard.json", facts | counts | {"sha256": digest})
        (folder / "journal.json").unlink(missing_ok=True)  # first: it speaks of ends.bin
        (folder / "ends.bin").unlink()
        if unfinished:
            os.replace(folder, partial)


def _write_tokens(
    folder: Path,
    documents: Iterable[str],
    tokenizer: Tokenizer,
    fingerprint: str,
    journal_seconds: float,
    progress: Callable[[int, int], None],
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
            log.info("continuing after %d documents, %d tokens", count, total)
        for group in _groups_of(islice(documents, count, None)):
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
                progress(count, total)
                said = time.monotonic()
    return count, total


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

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, document: int) -> np.ndarray:
        return self.tokens[self.offsets[document] : self.offsets[document + 1]]

    def spans(self, documents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where in `tokens` documents begin, and how many tokens they have."""
        begin = self.offsets[documents]
        return begin, self.offsets[documents + 1] - begin
