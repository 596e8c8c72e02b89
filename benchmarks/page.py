"""The page of results, in Markdown."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec

import psutil
from tabulate import tabulate

from camembert.core.provenance import processor_name
from cases import PACKED_ROWS, PACKING, Contestant
from measurements import Comparison, Machine, Rate

PACKAGES = ("torch", "transformers", "tokenizers", "textbrewer")
QUIET = 0.5
"""Load average above which the machine does something else."""


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
            spread(line.tokens),
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
    return (
        table(rows, header)
        + f"\nCeiling: {ceiling.median / 1e9:,.0f} GFLOP/s ({ceiling.least / 1e9:,.0f} to {ceiling.most / 1e9:,.0f})."
    )


def spread(rate: Rate) -> str:
    """Median, least and most, whole tokens."""
    return f"{rate.median:,.0f} ({rate.least:,.0f} to {rate.most:,.0f})"


def table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> str:
    """A Markdown table: the first column to the left, numbers to the right."""
    columns = ["left", *["right"] * (len(header) - 1)]
    return tabulate(rows, header, tablefmt="pipe", colalign=columns, disable_numparse=True) + "\n"
