"""What it costs to turn text into tokens: CPU time and memory of reading and tokenising every file of a folder.

    PYTHONPATH=scripts python benchmarks/reading.py TEXT TOKENIZER [--times N]

TEXT is a folder of files as `data.text` takes them, XX.txt or XX.txt.gz; TOKENIZER a folder such as
results/EXPERIMENT/data/tokenizer. With `--times` each language's lines are read so many times over, as if the text were
so much longer. Shards are written to a temporary folder, by one thread.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from camembert.data.text import read_documents
from camembert.tokens.shards import write_shard
from camembert.tokens.tokenizer import load_tokenizer, use_threads
from turns import anonymous_memory

EVERY = 10_000
"""Documents between two looks at the memory."""


class Watch:
    """Counts the documents that pass and keeps the largest memory seen (bytes that no file backs)."""

    def __init__(self) -> None:
        self.documents, self.memory = 0, 0

    def over(self, documents: Iterable[str]) -> Iterator[str]:
        for document in documents:
            if self.documents % EVERY == 0:
                self.look()
            self.documents += 1
            yield document
        self.look()

    def look(self) -> None:
        self.memory = max(self.memory, anonymous_memory())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("--times", type=int, default=1)
    options = parser.parse_args()
    files = sorted([*options.text.glob("*.txt"), *options.text.glob("*.txt.gz")])
    if not files:
        parser.error(f"{options.text} holds no XX.txt or XX.txt.gz; name a folder of text")
    use_threads(1)
    tokenizer, watch, start = load_tokenizer(options.tokenizer), Watch(), time.process_time()
    with tempfile.TemporaryDirectory(prefix="reading-") as folder:
        for file in files:
            write_shard(Path(folder) / file.name, watch.over(read_documents([file] * options.times)), tokenizer, {})
    seconds = time.process_time() - start
    memory = f"RssAnon, looked at every {EVERY:,}: at most {watch.memory / 2**20:.0f} MiB"
    print(f"{watch.documents:,} documents in {seconds:.1f} CPU s; {memory}")


if __name__ == "__main__":
    main()
