"""Shards of random ids, for what does not depend on what a text says. It imports no torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from camembert.core.files import write_json
from camembert.tokens.packing import SpecialIds
from camembert.tokens.shards import ID, Shard

FIRST_ID = 200
"""Ids below are of special tokens and such."""


def special_ids(vocabulary: int) -> SpecialIds:
    """Those of multilingual BERT, for a vocabulary of any size."""
    return SpecialIds(pad=0, cls=101, sep=102, mask=103, vocabulary=vocabulary)


def write_random_shard(
    folder: Path, documents: int, mean_length: int, vocabulary: int, parallel: bool = False, seed: int = 1
) -> Shard:
    """Writes a shard whose documents have exponentially distributed lengths, of at least one token.

    Args:
        folder: of the shard; it must not exist.
        documents: how many.
        mean_length: tokens a document.
        vocabulary: ids are below it.
        parallel: whether document i is said to say the same in every shard.
        seed: of lengths and ids.
    """
    rng = np.random.default_rng(seed)
    lengths = 1 + rng.exponential(mean_length - 1, documents).astype(np.int64)
    folder.mkdir(parents=True)
    rng.integers(FIRST_ID, vocabulary, lengths.sum()).astype(ID).tofile(folder / "tokens.bin")
    np.save(folder / "offsets.npy", np.concatenate([[0], lengths.cumsum()]))
    write_json(folder / "shard.json", {"documents": documents, "tokens": int(lengths.sum()), "parallel": parallel})
    return Shard(folder)
