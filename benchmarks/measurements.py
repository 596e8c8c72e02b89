"""What the command measures. Every function starts processes, lets them take turns and returns plain numbers."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np

from cases import CEILING, EMBEDDED, MBERT, OURS, TEXTBREWER_BARE, Case, Contestant
from random_shards import write_random_shard
from turns import alone_and_together, get_ready, play_rounds, playing, take_turns

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


@dataclass(frozen=True)
class Sharing:
    """Tokens a second of one process and of several at once on the same device, all together."""

    case: Case
    contestant: Contestant
    processes: int
    alone: Rate
    together: Rate


def share(case: Case, machine: Machine, contestant: Contestant, processes: int) -> Sharing:
    """Whether several jobs at once on one device get more done than one after the other."""
    player = (contestant.name, case, machine.device, machine.threads)
    with playing(PLAY, {f"{contestant.name}-{number}": player for number in range(processes)}) as opponents:
        alone, together = alone_and_together([*opponents.values()], machine.rounds, machine.turn)
    return Sharing(case, contestant, processes, Rate.of(alone), Rate.of(together))


# --- from lines of text to steps ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class TextComparison:
    """Tokens of text a second, from lines of text: ours with its tokenising counted in, TextBrewer on padded lines."""

    case: Case
    ours: Rate
    peer: Rate
    tokenizing: float
    """Share of our time."""


def compare_on_text(case: Case, machine: Machine, tokenizer: Path, texts: Sequence[Path]) -> TextComparison:
    """From lines of text to optimiser steps.

    Args:
        case: what is measured; the peer pads or cuts a line to the case's row.
        machine: where.
        tokenizer: folder of the tokenizer of both.
        texts: files, one document a line.
    """
    arguments = (case, machine.device, machine.threads, str(tokenizer), [str(path) for path in texts])
    players = {OURS.name: ("ours_on_text", *arguments), TEXTBREWER_BARE.name: ("textbrewer_on_text", *arguments)}
    with playing(PLAY, players) as opponents:
        take_turns(opponents, machine.rounds, machine.turn)
    tokenizing = opponents[OURS.name].last.facts["tokenizing"]
    ours = Rate.of([1 / (1 / rate + tokenizing) for rate in opponents[OURS.name].rates])
    return TextComparison(case, ours, Rate.of(opponents[TEXTBREWER_BARE.name].rates), tokenizing * ours.median)


# --- growth -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """Seconds of a step of one depth and size."""

    case: Case
    seconds: float

    @property
    def work(self) -> float:
        """Layer passes times tokens."""
        return (self.case.teacher + 3 * self.case.student) * self.case.tokens


def growth_of_time(machine: Machine) -> list[Step]:
    """Steps of three depths and two numbers of rows, at mBERT's width."""
    cases = {
        f"{teacher}-{rows}": MBERT.resized(teacher=teacher, student=teacher // 2, batch=rows, vocabulary=1_000)
        for teacher in (4, 8, 12)
        for rows in (4, 8)
    }
    players = {name: (OURS.name, case, machine.device, machine.threads) for name, case in cases.items()}
    with playing(PLAY, players) as opponents:
        take_turns(opponents, machine.rounds, machine.turn)
    return [Step(case, median(opponents[name].seconds)) for name, case in cases.items()]


def straight_line(steps: Sequence[Step]) -> tuple[float, float, float]:
    """Least squares of seconds on work: seconds at no work, seconds per unit, share of the variance explained."""
    work, seconds = (np.array(values) for values in ([s.work for s in steps], [s.seconds for s in steps]))
    slope, intercept = np.polyfit(work, seconds, 1)
    return float(intercept), float(slope), float(np.corrcoef(work, seconds)[0, 1] ** 2)


@dataclass(frozen=True)
class Memory:
    """Memory of a training process by the size of its corpus, bytes."""

    documents: int
    shard: int
    anonymous: int


def growth_of_memory(machine: Machine, tokenizer: Path, folder: Path, steps: int = 200) -> list[Memory]:
    """Trains from a shard and from one ten times as large."""
    documents = {count: folder / str(count) for count in (200_000, 2_000_000)}
    for count, path in documents.items():
        write_random_shard(path, count, 25, EMBEDDED.vocabulary)
    players = {
        str(count): ("ours_on_shards", EMBEDDED, "cpu", machine.threads, str(tokenizer), [path])
        for count, path in documents.items()
    }
    with playing(PLAY, players) as opponents:
        for opponent in opponents.values():
            opponent.play(steps)
    return [
        Memory(count, (path / "tokens.bin").stat().st_size, opponents[str(count)].last.anonymous_memory)
        for count, path in documents.items()
    ]
