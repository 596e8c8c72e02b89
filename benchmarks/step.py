#!/usr/bin/env python3
"""Measures a distillation step at one size, on a GPU where there is one, and prints a table in Markdown.

    python benchmarks/step.py mbert --layers 12 6 --batch 256 --output FOLDER/step.md

Who takes part: this library on rows of one document, on packed rows, and packing rows as it trains; with `--peers` the
peers too, on rows of one document. With TORCHDYNAMO_DISABLE=1 layers are not compiled.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import psutil  # noqa: E402
import torch  # noqa: E402
from tabulate import tabulate  # noqa: E402

from camembert.core.files import write_text  # noqa: E402
from camembert.core.provenance import processor_name  # noqa: E402
from loops import CASES, Case, ceiling, on_packed_rows, on_rows, plain, play, textbrewer  # noqa: E402
from turns import Opponent, playing  # noqa: E402

CEILING = "ceiling"
LARGEST_DIFFERENCE = {"cpu": 1e-4, "cuda": 3e-3}
"""Of losses at the first step, relative: contestants that differ by more do not compute the same. On a GPU products are
in bfloat16, where the order of a sum changes more digits."""
PACKAGES = ("torch", "transformers", "tokenizers", "textbrewer")
QUIET = 0.5
"""Load average above which the machine does something else."""


class MeasurementError(RuntimeError):
    """A measurement that would say nothing, with the reason."""


@dataclass(frozen=True)
class Contestant:
    """A way to do the same step.

    Attributes:
        loop: trains.
        packed: whether its rows hold several documents, masked from each other, or one each; contestants on the same
            rows have the same losses at the first step.
        heads: whether it computes the masked-language-model head of both models, which no loss reads.
        embeddings: whether it trains the embeddings too.
        maps: whether it computes the attention maps and keeps the hidden states of all layers, of which one is read.
        package: that must be installed.
    """

    loop: Callable[..., None]
    packed: bool = False
    heads: bool = False
    embeddings: bool = False
    maps: bool = False
    package: str | None = None

    def flops(self, case: Case) -> float:
        """FLOPs per token that it computes."""
        return case.flops + self.heads * 2 * case.shape.mlm_head_forward()

    def thrown_away(self, case: Case) -> str:
        """What it computes and no loss reads."""
        heads = f"two masked-LM heads ({1 - case.flops / self.flops(case):.0%} of its FLOPs)"
        return ", ".join([heads] * self.heads + ["attention maps below the top"] * self.maps) or "nothing"


OURS, PLAIN = "this library, one document a row", "plain Hugging Face loop"
PACKED_ROWS, PACKING = "this library, packed rows", "this library, packing rows as it trains"
THIS_LIBRARY = {
    OURS: Contestant(on_rows),
    PACKED_ROWS: Contestant(on_packed_rows, packed=True),
    PACKING: Contestant(partial(on_packed_rows, as_it_trains=True), packed=True),
}
_with_textbrewer = partial(Contestant, maps=True, package="textbrewer")
PEERS = {
    PLAIN: Contestant(plain, heads=True, embeddings=True, maps=True),
    "TextBrewer, two `BertForMaskedLM`": _with_textbrewer(
        partial(textbrewer, heads=True, frozen=False), heads=True, embeddings=True
    ),
    "TextBrewer, bare encoders": _with_textbrewer(partial(textbrewer, heads=False, frozen=False), embeddings=True),
    "TextBrewer, bare encoders, embeddings frozen": _with_textbrewer(partial(textbrewer, heads=False, frozen=True)),
}
"""By what the page calls them."""


def parse_arguments() -> argparse.Namespace:
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


def compare(
    case: Case, contestants: Mapping[str, Contestant], device: str, threads: int, rounds: int, seconds: float
) -> dict[str, Opponent]:
    """Lets contestants take turns with the ceiling.

    Args:
        case: what is measured.
        contestants: by name.
        device: cpu or cuda.
        threads: CPU threads of each.
        rounds: turns of each.
        seconds: of a turn.

    Raises:
        MeasurementError: of those on the same rows, some do not compute the same losses.
    """
    loops = {CEILING: ceiling} | {name: contestant.loop for name, contestant in contestants.items()}
    with playing(play, {name: (loop, case, device, threads) for name, loop in loops.items()}) as opponents:
        steps = {name: opponent.get_ready(seconds) for name, opponent in opponents.items()}
        for packed in (False, True):
            same = {name: opponents[name].last.losses for name, each in contestants.items() if each.packed is packed}
            check_losses(same, LARGEST_DIFFERENCE[device])
        for _ in range(rounds):
            for name, opponent in opponents.items():
                opponent.play(steps[name])
    return opponents


def check_losses(losses: Mapping[str, Mapping[str, float]], largest_difference: float) -> None:
    """Refuses contestants whose losses at the first step differ, relatively, by more than that.

    Raises:
        MeasurementError: with the losses.
    """
    for part in ("hidden", "attention"):
        values = [parts[part] for parts in losses.values()]
        if max(values) - min(values) > largest_difference * max(values):
            raise MeasurementError(f"the contestants' {part} losses at the first step differ: {dict(losses)}")


def describe_machine(asked: argparse.Namespace, gpu: str | None) -> str:
    """Where and when it is measured; called before it starts, for the load that it finds."""
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES if find_spec(name))
    load, processors = os.getloadavg()[0], ", ".join(filter(None, [gpu, processor_name()]))
    busy = " **The machine was busy with other work: rely on none of these numbers.**" if load > QUIET else ""
    return (
        f"Measured on {date.today().isoformat()}: {processors}, {os.cpu_count()} logical cores, {memory:.0f} GiB,"
        f" {platform.system()}; Python {platform.python_version()}, {versions}; CPU threads: {asked.threads};"
        f" {asked.rounds} turns of {asked.turn_seconds:g} s; load average {load:.2f} before the start.{busy} The"
        f" command:\n\n    {shlex.join(['python', *sys.argv])}"
    )


def show_rates(rates: Sequence[float], unit: float = 1.0) -> tuple[str, str]:
    """Median, and least to most, of work per second."""
    shown = [f"{each / unit:,.0f}" for each in (median(rates), min(rates), max(rates))]
    return shown[0], f"({shown[1]} to {shown[2]})"


def write_page(
    where: str, case: Case, contestants: Mapping[str, Contestant], opponents: Mapping[str, Opponent], on_gpu: bool
) -> str:
    """A page of one comparison.

    Args:
        where: the machine.
        case: what was measured.
        contestants: all that were asked for, by name.
        opponents: of the ceiling and those that took part, what was measured.
        on_gpu: whether it was measured on one.
    """
    rates = {name: median(opponent.rates) for name, opponent in opponents.items()}
    first = next(rates[name] for name in contestants if name in rates)
    rows, notes = [], ""
    for name, contestant in contestants.items():
        if name not in opponents:
            notes += f"\nLeft out, as {contestant.package} is not installed: {name}.\n"
            continue
        flops = contestant.flops(case)
        rows.append(
            [
                name,
                " ".join(show_rates(opponents[name].rates)),
                f"{first / rates[name]:.2f}",
                "layers, embeddings" if contestant.embeddings else "layers",
                contestant.thrown_away(case),
                f"{flops / 1e6:,.1f}",
                f"{rates[name] * flops / rates[CEILING]:.0%}",
                f"{opponents[name].last.peak_memory / 2**20:,.0f}",
            ]
        )
    header = ["", "tokens/s", "time a token (first line: 1)", "trains", "computed, read by no loss"]
    header += ["MFLOP/token", "share of ceiling", "peak memory, MiB"]
    align = ["left", *["right"] * (len(header) - 1)]
    table = tabulate(rows, header, tablefmt="pipe", colalign=align, disable_numparse=True)
    best = " GFLOP/s ".join(show_rates(opponents[CEILING].rates, unit=1e9))
    if {PACKED_ROWS, PACKING} <= rates.keys():
        waiting = max(0.0, 1 - rates[PACKING] / rates[PACKED_ROWS])
        notes += f"\nOf the time of a step that packs rows as it trains {waiting:.1%} is waiting for them.\n"
    compiled = os.environ.get("TORCHDYNAMO_DISABLE") != "1"
    how = f"bfloat16, this library {'compiled' if compiled else 'not compiled'}" if on_gpu else "float32, on the CPU"
    return f"# A step: {case}\n\n{where}\n\nMatrix products in {how}.\n\n{table}\n\nCeiling: {best}.\n{notes}"


def main() -> None:
    """Measures and prints."""
    asked = parse_arguments()
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # the contestants import from the same places
    case = CASES[asked.case]
    if asked.layers:
        case = replace(case, teacher=asked.layers[0], student=asked.layers[1])
    if asked.batch:
        case = replace(case, batch=asked.batch)
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    where = describe_machine(asked, gpu)
    wanted = THIS_LIBRARY | (PEERS if asked.peers else {})
    there = {name: each for name, each in wanted.items() if each.package is None or find_spec(each.package)}
    device = "cuda" if gpu else "cpu"
    opponents = compare(case, there, device, asked.threads, asked.rounds, asked.turn_seconds)
    page = write_page(where, case, wanted, opponents, bool(gpu))
    print(page)
    if asked.output:
        write_text(asked.output, page)


if __name__ == "__main__":
    main()
