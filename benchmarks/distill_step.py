#!/usr/bin/env python3
"""Measures a distillation step of this library and of its peers side by side, on this machine.

It prints one page of Markdown, docs/performance.md: tokens per second, FLOPs per token, share of the measured
matrix-product ceiling and peak memory at two sizes; tokens of text per second from lines of text; how time and
memory grow. All of it is computed on the CPU; a GPU is measured by benchmarks/on_gpu.sh.

    pip install -r benchmarks/requirements.txt
    python benchmarks/distill_step.py --output docs/performance.md
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # the contestants import from the same places

import measurements  # noqa: E402
import page  # noqa: E402
from camembert.core.files import write_text  # noqa: E402
from cases import EMBEDDED, MBERT, OURS, PACKED_ROWS, PEERS  # noqa: E402
from measurements import Machine  # noqa: E402
from text import Text  # noqa: E402


def arguments() -> argparse.Namespace:
    """What the user asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, help="file that the page is written to, beside being printed")
    parser.add_argument("--text", type=Path, help="folder with XX.txt, a document a line (default: CLDR text)")
    parser.add_argument("--vocabulary", type=Path, help="vocab.txt of mBERT (default: one trained on the text)")
    measurements.add_arguments(parser)
    return parser.parse_args()


def main() -> None:
    """Measures everything in one run and prints the page."""
    asked = arguments()
    machine = Machine("cpu", asked.threads, asked.rounds, asked.turn_seconds)
    contestants = measurements.installed([OURS, PACKED_ROWS, *PEERS])
    surroundings = page.surroundings(machine)
    with tempfile.TemporaryDirectory(prefix="distill-step-") as folder:
        say("preparing text")
        text = Text.prepare(Path(folder), asked.text, asked.vocabulary)
        comparisons, on_text = [], []
        for case in (EMBEDDED, MBERT):
            say(f"a step: {case.title}")
            comparisons.append(measurements.compare(case, machine, contestants))
            padded = case.resized(batch=case.tokens // MBERT.row, row=MBERT.row)
            say(f"from lines of text: {padded.title}")
            on_text.append(measurements.compare_on_text(padded, machine, text.tokenizer_of(case), text.files))
        say("growth")
        time = measurements.growth_of_time(machine)
        memory = measurements.growth_of_memory(machine, text.tokenizer_of(EMBEDDED), Path(folder))
    written = page.write(surroundings, comparisons, on_text, text, time, memory)
    print(written)
    if asked.output:
        write_text(asked.output, written)


def say(what: str) -> None:
    """Tells whoever waits what is being measured."""
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
