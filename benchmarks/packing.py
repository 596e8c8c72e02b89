"""How many packed batches a second one core makes, to be more than a GPU trains on.

    PYTHONPATH=scripts python benchmarks/packing.py [--corpus FOLDER] [--processes N] [--batches N]

prints batches of 256 rows of 128 tokens for a second of CPU time, as they are and with 15 % of the tokens masked.
`--corpus` is a folder of shards such as results/EXPERIMENT/data/corpus/CORPUS; without it, shards of random ids are
made of 16 languages, sentences in parallel and articles. With `--processes` it is the share of one of so many that
train together. `--batches` says how many make one of the five rounds, of whose rates the median is printed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from camembert.tokens.mixture import Corpus
from camembert.tokens.packing import TextBatches
from camembert.tokens.shards import Shard
from camembert.training.packed_text import text_batch
from random_shards import special_ids, write_random_shard

ROWS, TOKENS, ROUNDS = 256, 128, 5
VOCABULARY = 119_547  # mBERT's
LANGUAGES, DOCUMENTS = 16, 20_000


def made_up(folder: Path) -> dict[str, list[Corpus]]:
    """Sentences with their translations, articles, and both mixed."""
    kinds = {"sentences": (25, True), "articles": (400, False)}
    corpora = {
        kind: Corpus(
            {
                f"{n}": write_random_shard(folder / kind / f"{n}", DOCUMENTS, length, VOCABULARY, parallel, seed=n)
                for n in range(LANGUAGES)
            }
        )
        for kind, (length, parallel) in kinds.items()
    }
    return {kind: [corpus] for kind, corpus in corpora.items()} | {"both": list(corpora.values())}


def rate(corpora: list[Corpus], mask: float | None, own: slice, batches: int) -> tuple[float, float]:
    """Batches for a second of CPU time, the median of some rounds, and the share of a row that is not padding."""
    batch_of = text_batch(TextBatches(corpora, special_ids(VOCABULARY), ROWS, TOKENS, 0.7, seed=1), mask, own)
    batch_of(0)
    rates, real = [], 0
    for number in range(ROUNDS):
        began = time.process_time()
        for step in range(batches):
            real += batch_of(1 + number * batches + step)["real_tokens"]
        rates.append(batches / (time.process_time() - began))
    return float(np.median(rates)), real / (ROUNDS * batches * ROWS * TOKENS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--batches", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        if options.corpus:
            shards = {path.parent.name: Shard(path.parent) for path in sorted(options.corpus.glob("*/shard.json"))}
            corpora = {options.corpus.name: [Corpus(shards)]}
        else:
            corpora = made_up(Path(folder))
        for kind, mixture in corpora.items():
            for name, mask in (("as it is", None), ("masked", 0.15)):
                speed, filled = rate(mixture, mask, slice(0, None, options.processes), options.batches)
                print(f"{kind:10} {name:9} {speed:6.0f} batches/s, {filled:.0%} of the tokens not padding")


if __name__ == "__main__":
    main()
