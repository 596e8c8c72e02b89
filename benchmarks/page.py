"""The page of results, in Markdown."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import psutil
from tabulate import tabulate

from measurements import Comparison, Memory, OnGpu, Rate, Step, TextComparison, straight_line
from text import Text

PACKAGES = ("torch", "transformers", "tokenizers", "textbrewer")
QUIET = 0.5
"""Load average above which the machine does something else."""

INTRODUCTION = """\
# Performance

What a distillation step costs in this library and in its peers, measured side by side: every contestant runs in a
process of its own, and they take turns of a few steps, so that whatever else the machine does hits all alike. Rates
are medians over the turns, with the least and the most in brackets; ratios are those of the medians.

{surroundings}

First `pip install -r benchmarks/requirements.txt`. `--text` is a folder of XX.txt (left out: text made from the CLDR),
`--vocabulary` multilingual BERT's vocab.txt (left out: a vocabulary trained on the text).

All contestants start from the same random weights, read the same rows, have no dropout and compute the same losses:
the mean squared errors of the top layers' hidden states and attention maps. The benchmark refuses to compare them
unless both losses agree at the first step.

- **This library**: its objective in its training loop. sdpa attention, the top layer's attention map rebuilt from its
  query and key, embeddings frozen and computed once for teacher and student, no
  masked-language-model head, fused AdamW, gradients clipped.
- **Plain Hugging Face loop** and **TextBrewer, two `BertForMaskedLM`**: what the
  [public re-implementation of LightMBERT](https://github.com/AddedK/swedish-mbert-distillation) does (with
  TextBrewer's `GeneralDistiller`): eager attention, every hidden state and attention map returned, AdamW as it comes
  over all parameters of the student. Here neither computes the masked-language-model loss, and nothing is saved.
- **TextBrewer, bare encoders**: the same on two `BertModel`; the last line also freezes the embeddings.

FLOPs per token are those of matrix products, twice the multiplications, backward twice forward
(`scripts/camembert/plan/flops.py`; a test holds them against the operations that PyTorch counts). The ceiling is the
best rate of plain matrix products, one more contestant that takes its turns.
"""

ON_TEXT = """\
## From lines of text to optimiser steps

Tokens of text a second, padding, [CLS] and [SEP] not counted, from {origin}. This library tokenises the lines into
shards, packs them into rows of 128 and masks documents from each other; its time for tokenising is counted in, as if
the text were read once. TextBrewer, on bare encoders, is fed by a `DataLoader` that tokenises shuffled lines and pads
or cuts each to 128 tokens, as many rows a step. At the larger size tokens are of {vocabulary}.
"""

GROWTH_OF_TIME = """\
## Growth

Time is linear in tokens and in layers: steps at mBERT's width with a small vocabulary. A layer pass is a forward pass
of one layer; a step costs one a teacher's layer and three a student's.
"""

GROWTH_OF_MEMORY = """\
Memory does not grow with the corpus, which is read through the page cache: the memory of a training process that no
file backs (RssAnon), after 200 steps of {case} rows.
"""

NO_GPU = """\
Not measured on a GPU: this machine has none. Where there is one the same command measures the hops of a cascade on it.
"""

ON_GPU = """\
On one {gpu}, in bfloat16, rows of 128 tokens, {batch} a step: this library at mBERT's size. A cascade 12-10-8-6 at
10^9 tokens a stage would take {hours:.1f} hours.
"""


def surroundings(threads: int) -> str:
    """Where and when the measurement was made; called before it starts, for the load that it finds."""
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    command, load = shlex.join(["python", *sys.argv]), os.getloadavg()[0]
    busy = " **The machine was busy with other work: rely on none of these numbers.**" if load > QUIET else ""
    return (
        f"Measured on {date.today().isoformat()}: {processor()}, {os.cpu_count()} logical cores, {memory:.0f} GiB,"
        f" {platform.system()}; Python {platform.python_version()}, {versions}; {threads} threads;"
        f" load average {load:.2f} before the start.{busy} The command:\n\n    {command}"
    )


def processor() -> str:
    """The processor's name."""
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def write(
    where: str,
    comparisons: Sequence[Comparison],
    on_text: Sequence[TextComparison],
    text: Text,
    time: Sequence[Step],
    memory: Sequence[Memory],
    gpu: str | None,
    on_gpu: OnGpu | None,
) -> str:
    """The whole page."""
    parts = [INTRODUCTION.format(surroundings=where)]
    parts += [
        section
        for comparison in comparisons
        for section in (f"## A step: {comparison.case.title}\n", step_table(comparison))
    ]
    parts += [ON_TEXT.format(origin=text.origin, vocabulary=text.vocabulary), text_table(on_text)]
    parts += [GROWTH_OF_TIME, time_table(time)]
    parts += [GROWTH_OF_MEMORY.format(case="32-token"), memory_table(memory)]
    parts.append("## On a GPU\n")
    if gpu and on_gpu:
        batch = on_gpu.hops[0].case.batch
        parts += [ON_GPU.format(gpu=gpu, batch=batch, hours=on_gpu.hours), gpu_table(on_gpu)]
    else:
        parts.append(NO_GPU)
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def step_table(comparison: Comparison) -> str:
    """A line a contestant, ours first, and the ceiling they are held against."""
    ours = comparison.lines[0].tokens.median
    rows = [
        [
            line.contestant.label,
            spread(line.tokens),
            f"{ours / line.tokens.median:.2f}",
            f"{line.flops / 1e6:,.1f}",
            f"{line.share:.0%}",
            f"{line.memory / 2**20:,.0f}",
        ]
        for line in comparison.lines
    ]
    ceiling = comparison.ceiling
    header = ["", "tokens/s", "ours is faster by", "MFLOP/token", "share of ceiling", "peak memory, MiB"]
    return (
        table(rows, header)
        + f"\nCeiling: {ceiling.median / 1e9:,.0f} GFLOP/s ({ceiling.least / 1e9:,.0f} to {ceiling.most / 1e9:,.0f})."
    )


def text_table(comparisons: Sequence[TextComparison]) -> str:
    """A line a size."""
    rows = [
        [
            comparison.case.title,
            spread(comparison.ours),
            f"{comparison.tokenizing:.1%}",
            spread(comparison.peer),
            f"{comparison.ours.median / comparison.peer.median:.1f}",
        ]
        for comparison in comparisons
    ]
    header = ["", "this library, text tokens/s", "of it tokenising", "TextBrewer, text tokens/s", "ours is faster by"]
    return table(rows, header)


def time_table(steps: Sequence[Step]) -> str:
    """A line a step, and the straight line through them."""
    rows = [
        [f"{s.case.teacher} to {s.case.student}", s.case.tokens, f"{s.seconds:.3f}", f"{1e6 * s.seconds / s.work:.2f}"]
        for s in steps
    ]
    intercept, slope, explained = straight_line(steps)
    return (
        table(rows, ["layers", "tokens a step", "seconds a step", "µs per layer pass and token"])
        + f"\nLeast squares: {intercept:.3f} s + {1e6 * slope:.2f} µs per layer pass and token, R² = {explained:.4f}."
    )


def memory_table(sizes: Sequence[Memory]) -> str:
    """A line a corpus."""
    rows = [[f"{m.documents:,}", f"{m.shard / 2**20:,.0f}", f"{m.anonymous / 2**20:,.0f}"] for m in sizes]
    return table(rows, ["documents", "tokens on disk, MiB", "RssAnon, MiB"])


def gpu_table(on_gpu: OnGpu) -> str:
    """A line a hop."""
    rows = [
        [
            f"{hop.case.teacher} to {hop.case.student}",
            spread(line.tokens),
            f"{line.flops / 1e6:,.0f}",
            f"{line.share:.0%}",
            f"{hop.ceiling.median / 1e12:,.0f}",
            f"{line.memory / 2**30:.1f}",
        ]
        for hop in on_gpu.hops
        for line in hop.lines
    ]
    header = ["layers", "tokens/s", "MFLOP/token", "share of ceiling", "ceiling, TFLOP/s", "peak GPU memory, GiB"]
    return table(rows, header)


def spread(rate: Rate) -> str:
    """Median, least and most, whole tokens."""
    return f"{rate.median:,.0f} ({rate.least:,.0f} to {rate.most:,.0f})"


def table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> str:
    """A Markdown table: the first column to the left, numbers to the right."""
    columns = ["left", *["right"] * (len(header) - 1)]
    return tabulate(rows, header, tablefmt="pipe", colalign=columns, disable_numparse=True) + "\n"
