"""What the command measures. Every function starts processes, lets them take turns and returns plain numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from cases import CEILING, CONTESTANTS, EMBEDDED, MBERT, OURS, TEXTBREWER_BARE, Case, Contestant
from turns import playing, take_turns

LARGEST_DIFFERENCE = 1e-4
"""Of losses at the first step, relative: contestants that differ by more do not compute the same."""
TOKENS_A_STAGE = 1e9
CASCADE = ((12, 10), (10, 8), (8, 6))


class MeasurementError(RuntimeError):
    """A measurement that would say nothing, with the reason."""


@dataclass(frozen=True)
class Machine:
    """Where contestants compute, and how long they are measured."""

    device: str
    threads: int
    rounds: int


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
    """All contestants at one case, ours first."""

    case: Case
    ceiling: Rate
    lines: list[Line]


def gpu_name() -> str | None:
    """The GPU that a training process sees, or None."""
    with playing({"gpu": ("gpu", EMBEDDED, "cpu", 1)}) as opponents:
        return opponents["gpu"].last.facts["gpu"]


def compare(case: Case, machine: Machine, steps: int, contestants: Sequence[Contestant] = CONTESTANTS) -> Comparison:
    """The same step by all contestants.

    Args:
        case: what is measured.
        machine: where.
        steps: a turn.
        contestants: ours first.

    Raises:
        MeasurementError: they do not compute the same losses.
    """
    names = [CEILING, *(contestant.name for contestant in contestants)]
    with playing({name: (name, case, machine.device, machine.threads) for name in names}) as opponents:
        take_turns(opponents, machine.rounds, steps)
        check_losses({name: opponents[name].last.facts["losses"] for name in names[1:]})
    ceiling = Rate.of(opponents[CEILING].rates)
    lines = []
    for contestant in contestants:
        opponent = opponents[contestant.name]
        tokens, flops = Rate.of(opponent.rates), contestant.flops(case)
        share = tokens.median * flops / ceiling.median
        lines.append(Line(contestant, tokens, flops, share, opponent.last.peak_memory))
    return Comparison(case, ceiling, lines)


def check_losses(losses: Mapping[str, Mapping[str, float]]) -> None:
    """Refuses contestants whose losses at the first step differ.

    Raises:
        MeasurementError: with the losses.
    """
    for part in ("hidden", "attention"):
        values = [parts[part] for parts in losses.values()]
        if max(values) - min(values) > LARGEST_DIFFERENCE * max(values):
            raise MeasurementError(f"the contestants' {part} losses at the first step differ: {dict(losses)}")


# --- from lines of text to steps ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class TextComparison:
    """Tokens of text a second, from lines of text: ours with its tokenising counted in, TextBrewer on padded lines."""

    case: Case
    ours: Rate
    peer: Rate
    tokenizing: float
    """Share of our time."""


def compare_on_text(case: Case, machine: Machine, steps: int, tokenizer: Path, texts: Sequence[Path]) -> TextComparison:
    """From lines of text to optimiser steps.

    Args:
        case: what is measured; the peer pads or cuts a line to the case's row.
        machine: where.
        steps: a turn.
        tokenizer: folder of the tokenizer of both.
        texts: files, one document a line.
    """
    arguments = (case, machine.device, machine.threads, str(tokenizer), [str(path) for path in texts])
    players = {OURS.name: ("ours_on_text", *arguments), TEXTBREWER_BARE.name: ("textbrewer_on_text", *arguments)}
    with playing(players) as opponents:
        take_turns(opponents, machine.rounds, steps)
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
    with playing(players) as opponents:
        take_turns(opponents, machine.rounds, steps=1)
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
    documents = {count: write_random_shard(folder / str(count), count) for count in (200_000, 2_000_000)}
    players = {
        str(count): ("ours_on_shards", EMBEDDED, "cpu", machine.threads, str(tokenizer), [path])
        for count, path in documents.items()
    }
    with playing(players) as opponents:
        take_turns(opponents, 1, steps // 2)
    return [
        Memory(count, (path / "tokens.bin").stat().st_size, opponents[str(count)].last.anonymous_memory)
        for count, path in documents.items()
    ]


def write_random_shard(path: Path, documents: int, length: int = 25) -> Path:
    """A shard of random tokens, in the form that `camembert.data.shards` reads."""
    path.mkdir()
    rng = np.random.default_rng(1)
    rng.integers(5, EMBEDDED.vocabulary, documents * length, dtype=np.int32).tofile(path / "tokens.bin")
    np.save(path / "offsets.npy", np.arange(documents + 1, dtype=np.int64) * length)
    facts = {"documents": documents, "tokens": documents * length, "parallel": False}
    (path / "shard.json").write_text(json.dumps(facts))
    return path


# --- on a GPU -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OnGpu:
    """Hops of mBERT on a GPU, and the hours of a cascade of them."""

    hops: list[Comparison]
    hours: float


def measure_gpu(machine: Machine, steps: int = 20) -> OnGpu:
    """12 to 6 and every hop of 12-10-8-6, rows of 128 tokens, in bfloat16."""
    on_gpu = Machine("cuda", machine.threads, machine.rounds)
    hops = {
        depths: compare(MBERT.resized(teacher=depths[0], student=depths[1], batch=256), on_gpu, steps, (OURS,))
        for depths in ((12, 6), *CASCADE)
    }
    hours = sum(TOKENS_A_STAGE / hops[depths].lines[0].tokens.median for depths in CASCADE) / 3600
    return OnGpu(list(hops.values()), hours)
