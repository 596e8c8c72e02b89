"""What the command measures, in processes that take turns, and the page of it in Markdown."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from statistics import median

import psutil
from tabulate import tabulate

from camembert.core.provenance import processor_name
from cases import CEILING, DEFAULT, PACKED_ROWS, PACKING, Case, Contestant
from turns import playing

LARGEST_DIFFERENCE = {"cpu": 1e-4, "cuda": 3e-3}
"""Of losses at the first step, relative: contestants that differ by more do not compute the same. On a GPU products are
in bfloat16, where the order of a sum changes more digits."""
PACKAGES = ("torch", "transformers", "tokenizers", "textbrewer")
QUIET = 0.5
"""Load average above which the machine does something else."""
PLAY = "loops:play"
"""What every process calls; see `turns.playing`."""


class MeasurementError(RuntimeError):
    """A measurement that would say nothing, with the reason."""


@dataclass(frozen=True)
class Machine:
    """Where contestants compute, and how long they are measured."""

    device: str
    threads: int
    rounds: int
    turn: float
    """Seconds."""


@dataclass(frozen=True)
class Rate:
    """Work per second: median, least and most over the turns."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Rate:
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:,.0f} ({self.least:,.0f} to {self.most:,.0f})"


@dataclass(frozen=True)
class Line:
    """One contestant at one case."""

    contestant: Contestant
    tokens: Rate
    flops: float
    share: float
    """Of the measured ceiling."""
    memory: int


@dataclass(frozen=True)
class Comparison:
    """Contestants at one case."""

    case: Case
    ceiling: Rate
    lines: list[Line]


def gpu_name() -> str | None:
    """The GPU that a training process sees, or None."""
    with playing(PLAY, {"gpu": ("gpu", DEFAULT, "cpu", 1)}) as opponents:
        return opponents["gpu"].last.facts["gpu"]


def installed(contestants: Sequence[Contestant]) -> list[Contestant]:
    """Those whose packages are there."""
    return [each for each in contestants if each.package is None or find_spec(each.package)]


def compare(case: Case, machine: Machine, contestants: Sequence[Contestant]) -> Comparison:
    """The same step by all contestants.

    Args:
        case: what is measured.
        machine: where.
        contestants: who takes turns with the ceiling.

    Raises:
        MeasurementError: of those on the same rows, some do not compute the same losses.
    """
    names = [CEILING, *(contestant.name for contestant in contestants)]
    with playing(PLAY, {name: (name, case, machine.device, machine.threads) for name in names}) as opponents:
        steps = {name: opponent.get_ready(machine.turn) for name, opponent in opponents.items()}
        for rows in {contestant.rows for contestant in contestants}:
            check_losses(
                {each.name: opponents[each.name].last.facts["losses"] for each in contestants if each.rows == rows},
                LARGEST_DIFFERENCE[machine.device],
            )
        for _ in range(machine.rounds):
            for name, opponent in opponents.items():
                opponent.play(steps[name])
    ceiling = Rate.of(opponents[CEILING].rates)
    lines = []
    for contestant in contestants:
        opponent = opponents[contestant.name]
        tokens, flops = Rate.of(opponent.rates), contestant.flops(case)
        share = tokens.median * flops / ceiling.median
        lines.append(Line(contestant, tokens, flops, share, opponent.last.peak_memory))
    return Comparison(case, ceiling, lines)


def check_losses(losses: Mapping[str, Mapping[str, float]], largest_difference: float) -> None:
    """Refuses contestants whose losses at the first step differ, relatively, by more than that.

    Raises:
        MeasurementError: with the losses.
    """
    for part in ("hidden", "attention"):
        values = [parts[part] for parts in losses.values()]
        if max(values) - min(values) > largest_difference * max(values):
            raise MeasurementError(f"the contestants' {part} losses at the first step differ: {dict(losses)}")


def surroundings(machine: Machine, gpu: str | None = None) -> str:
    """Where and when the measurement was made; called before it starts, for the load that it finds."""
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES if find_spec(name))
    command, load = shlex.join(["python", *sys.argv]), os.getloadavg()[0]
    busy = " **The machine was busy with other work: rely on none of these numbers.**" if load > QUIET else ""
    processors = f"{gpu}, {processor_name()}" if gpu else processor_name()
    return (
        f"Measured on {date.today().isoformat()}: {processors}, {os.cpu_count()} logical cores, {memory:.0f} GiB,"
        f" {platform.system()}; Python {platform.python_version()}, {versions}; CPU threads: {machine.threads};"
        f" {machine.rounds} turns of {machine.turn:g} s; load average {load:.2f} before the start.{busy} The"
        f" command:\n\n    {command}"
    )


def one_step(where: str, comparison: Comparison, on_gpu: bool, absent: Sequence[Contestant]) -> str:
    """A page of one comparison.

    Args:
        where: the surroundings.
        comparison: what is shown.
        on_gpu: whether it was measured on one.
        absent: contestants that are not installed.
    """
    notes = "".join(f"\nLeft out, as {each.package} is not installed: {each.label}.\n" for each in absent)
    rates = {line.contestant: line.tokens.median for line in comparison.lines}
    if {PACKED_ROWS, PACKING} <= rates.keys():
        waiting = max(0.0, 1 - rates[PACKING] / rates[PACKED_ROWS])
        notes += f"\nOf the time of a step that packs rows as it trains {waiting:.1%} is waiting for them.\n"
    compiled = os.environ.get("TORCHDYNAMO_DISABLE") != "1"
    how = f"bfloat16, this library {'compiled' if compiled else 'not compiled'}" if on_gpu else "float32, on the CPU"
    title = f"# A step: {comparison.case.title}"
    return f"{title}\n\n{where}\n\nMatrix products in {how}.\n\n{step_table(comparison)}\n{notes}"


def step_table(comparison: Comparison) -> str:
    """A line a contestant, and the ceiling they are held against."""
    first = comparison.lines[0].tokens.median
    rows = [
        [
            line.contestant.label,
            str(line.tokens),
            f"{first / line.tokens.median:.2f}",
            "layers, embeddings" if line.contestant.embeddings else "layers",
            line.contestant.thrown_away(comparison.case),
            f"{line.flops / 1e6:,.1f}",
            f"{line.share:.0%}",
            f"{line.memory / 2**20:,.0f}",
        ]
        for line in comparison.lines
    ]
    ceiling = comparison.ceiling
    header = ["", "tokens/s", "time a token (first line: 1)", "trains", "computed, read by no loss"]
    header += ["MFLOP/token", "share of ceiling", "peak memory, MiB"]
    align = ["left", *["right"] * (len(header) - 1)]
    shown = tabulate(rows, header, tablefmt="pipe", colalign=align, disable_numparse=True)
    best = Rate(*(rate / 1e9 for rate in (ceiling.median, ceiling.least, ceiling.most)))
    return f"{shown}\n\nCeiling: {str(best).replace(' (', ' GFLOP/s (')}."
