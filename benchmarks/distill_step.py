#!/usr/bin/env python3
"""Measures a distillation step of this library and of its peers side by side, on this machine.

It prints one page of Markdown, docs/performance.md: tokens per second, FLOPs per token, share of the measured
matrix-product ceiling and peak memory at two sizes; tokens of text per second from lines of text; how time and
memory grow; and, where there is a GPU, the hops of a cascade on it.

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
from cases import EMBEDDED, MBERT  # noqa: E402
from measurements import Machine  # noqa: E402
from text import Text  # noqa: E402

STEPS_A_TURN = {"embedded": 20, "mbert": 1}
TEXT_STEPS_A_TURN = {"embedded": 10, "mbert": 2}


def arguments() -> argparse.Namespace:
    """What the user asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, help="file that the page is written to, beside being printed")
    parser.add_argument("--text", type=Path, help="folder with XX.txt, a document a line (default: CLDR text)")
    parser.add_argument("--vocabulary", type=Path, help="vocab.txt of mBERT (default: one trained on the text)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of every contestant (default: 2)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of every contestant (default: 5)")
    return parser.parse_args()


def main() -> None:
    """Measures everything in one run and prints the page."""
    asked = arguments()
    machine = Machine("cpu", asked.threads, asked.rounds)
    surroundings = page.surroundings(asked.threads)
    with tempfile.TemporaryDirectory(prefix="distill-step-") as folder:
        say("preparing text")
        text = Text.prepare(Path(folder), asked.text, asked.vocabulary)
        gpu = measurements.gpu_name()
        comparisons, on_text = [], []
        for case in (EMBEDDED, MBERT):
            say(f"a step: {case.title}")
            comparisons.append(measurements.compare(case, machine, STEPS_A_TURN[case.name]))
            padded = case.resized(batch=case.tokens // MBERT.row, row=MBERT.row)
            say(f"from lines of text: {padded.title}")
            on_text.append(
                measurements.compare_on_text(
                    padded, machine, TEXT_STEPS_A_TURN[case.name], text.tokenizer_of(case), text.files
                )
            )
        say("growth")
        time = measurements.growth_of_time(machine)
        memory = measurements.growth_of_memory(machine, text.tokenizer_of(EMBEDDED), Path(folder))
        on_gpu = None
        if gpu:
            say(gpu)
            on_gpu = measurements.measure_gpu(machine)
    written = page.write(surroundings, comparisons, on_text, text, time, memory, gpu, on_gpu)
    print(written)
    if asked.output:
        write_text(asked.output, written)


def say(what: str) -> None:
    """Tells whoever waits what is being measured."""
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
