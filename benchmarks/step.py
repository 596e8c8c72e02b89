#!/usr/bin/env python3
"""Measures a distillation step at one size, on a GPU where there is one, and prints a table in Markdown.

    python benchmarks/step.py mbert --layers 12 6 --batch 256 --output FOLDER/step.md

Who takes part: this library on rows of one document, on packed rows, and packing rows as it trains; with `--peers` the
peers too, on rows of one document. `--output` also keeps the rates as JSON beside the page. With TORCHDYNAMO_DISABLE=1
layers are not compiled.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # the contestants import from the same places

import measurements  # noqa: E402
from camembert.core.files import write_json, write_text  # noqa: E402
from cases import CASES, PEERS, THIS_LIBRARY  # noqa: E402
from measurements import Machine  # noqa: E402


def arguments() -> argparse.Namespace:
    """What the user asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=CASES, help="sizes of the models")
    parser.add_argument("--layers", type=int, nargs=2, metavar=("TEACHER", "STUDENT"), help="instead of the case's")
    parser.add_argument("--batch", type=int, help="rows a step, instead of the case's")
    parser.add_argument("--peers", action="store_true", help="let the peers take part")
    parser.add_argument("--output", type=Path, help="file that the page is written to, beside being printed")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of every contestant")
    parser.add_argument("--rounds", type=int, default=5, help="turns of every contestant")
    parser.add_argument("--turn-seconds", type=float, default=10.0, help="so long that caches do not decide")
    return parser.parse_args()


def main() -> None:
    """Measures and prints."""
    asked = arguments()
    case = CASES[asked.case]
    if asked.layers:
        case = case.resized(teacher=asked.layers[0], student=asked.layers[1])
    if asked.batch:
        case = case.resized(batch=asked.batch)
    gpu = measurements.gpu_name()
    machine = Machine("cuda" if gpu else "cpu", asked.threads, asked.rounds, asked.turn_seconds)
    where = measurements.surroundings(machine, gpu)
    wanted = [*THIS_LIBRARY, *(PEERS if asked.peers else ())]
    contestants = measurements.installed(wanted)
    measured = measurements.compare(case, machine, contestants)
    written = measurements.one_step(where, measured, bool(gpu), [each for each in wanted if each not in contestants])
    print(written)
    if asked.output:
        write_text(asked.output, written)
        write_json(asked.output.with_suffix(".json"), asdict(measured))


if __name__ == "__main__":
    main()
