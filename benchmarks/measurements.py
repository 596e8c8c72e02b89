"""What the command measures. Every function starts processes, lets them take turns and returns plain numbers."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median

from cases import CEILING, EMBEDDED, Case, Contestant
from turns import get_ready, play_rounds, playing

LARGEST_DIFFERENCE = {"cpu": 1e-4, "cuda": 3e-3}
"""Of losses at the first step, relative: contestants that differ by more do not compute the same. On a GPU products are
in bfloat16, where the order of a sum changes more digits."""

FEWEST_ROUNDS = 5
PLAY = "contestants:play"
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


def add_arguments(parser: ArgumentParser) -> None:
    """Arguments of a command that lets contestants take turns: threads, rounds and the length of a turn."""
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of every contestant (default: 2)")
    parser.add_argument(
        "--rounds",
        type=int,
        choices=range(FEWEST_ROUNDS, 100),
        metavar="N",
        default=FEWEST_ROUNDS,
        help=f"turns of every contestant (default, and fewest: {FEWEST_ROUNDS})",
    )
    parser.add_argument(
        "--turn-seconds",
        type=float,
        default=10.0,
        help="length of a turn, for which caches do not decide (default: 10)",
    )


@dataclass(frozen=True)
class Rate:
    """Work per second: median, least and most over the turns."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Rate:
        return cls(median(values), min(values), max(values))


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
    with playing(PLAY, {"gpu": ("gpu", EMBEDDED, "cpu", 1)}) as opponents:
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
        steps = get_ready(opponents, machine.turn)
        for rows in {contestant.rows for contestant in contestants}:
            check_losses(
                {each.name: opponents[each.name].last.facts["losses"] for each in contestants if each.rows == rows},
                LARGEST_DIFFERENCE[machine.device],
            )
        play_rounds(opponents, steps, machine.rounds)
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
