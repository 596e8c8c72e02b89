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
from cases import PACKED_ROWS, PACKING, Case, Contestant
from measurements import Comparison, Machine, Memory, Rate, Sharing, Step, TextComparison, straight_line
from text import Text

PACKAGES = ("torch", "transformers", "tokenizers", "textbrewer")
QUIET = 0.5
"""Load average above which the machine does something else."""

INTRODUCTION = """\
# Performance

What a distillation step costs in this library and in its peers, measured side by side: every contestant runs in a
process of its own, and they take turns, so that whatever else the machine does hits all alike. A turn lasts some
seconds, and its first step, which finds the caches as another contestant left them, does not count. Rates are medians
over the turns, with the least and the most in brackets; ratios are those of the medians. They are of this machine:
what a peer wins or loses is mostly its attention kernel, which another processor may favour or not.

{surroundings}

First `pip install -r benchmarks/requirements.txt`. `--text` is a folder of XX.txt (left out: text made from the CLDR),
`--vocabulary` multilingual BERT's vocab.txt (left out: a vocabulary trained on the text).

{contestants}"""

CONTESTANTS = """\
All contestants start from the same random weights, have no dropout and compute the same losses: the mean squared
errors of the top layers' hidden states and attention maps. They are measured on full rows of one document each, which
take attention's fastest kernel; training hardly ever has such rows, so this library is measured on rows of several
documents too, masked from each other. Those on the same rows are compared only if both losses agree at the first step.

- **This library**: its objective in its training loop. sdpa attention, the top layer's attention map rebuilt from its
  query and key, embeddings frozen and computed once for teacher and student, no masked-language-model head, fused
  AdamW, gradients clipped. Packed rows hold sentences of 25 tokens on average; `packing rows as it trains` draws each
  batch while it trains, as the workflow does, the others repeat a few that are ready.
- **Plain Hugging Face loop** and **TextBrewer, two `BertForMaskedLM`**: what the
  [public re-implementation of LightMBERT](https://github.com/AddedK/swedish-mbert-distillation) does (with
  TextBrewer's `GeneralDistiller`): eager attention, every hidden state and attention map returned, AdamW as it comes
  over all parameters of the student. Here neither computes the masked-language-model loss, and nothing is saved.
- **TextBrewer, bare encoders**: the same on two `BertModel`; with frozen embeddings it trains what this library trains.

Tokens are counted without padding. FLOPs per token are those of matrix products, twice the multiplications, backward
twice forward (`scripts/camembert/plan/flops.py`; a test holds them against the operations that PyTorch counts). The
ceiling is the best rate of plain matrix products, one more contestant that takes its turns.
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

ON_GPU = """\
## On a GPU

Not measured on a GPU: none was at hand. `benchmarks/on_gpu.sh FOLDER` measures it where there is one, in slices of less
than nine minutes: the tests that need a GPU; a step at multilingual BERT's size on one-document and on packed rows,
with compiled layers and without; how long the GPU waits for packed batches; the peers; four jobs at once; and, where
they are asked for, `experiments/massive-gpu.yaml` and XNLI with its teacher, which go on where a slice ended.
"""


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


def write(
    where: str,
    comparisons: Sequence[Comparison],
    on_text: Sequence[TextComparison],
    text: Text,
    time: Sequence[Step],
    memory: Sequence[Memory],
) -> str:
    """The whole page."""
    parts = [INTRODUCTION.format(surroundings=where, contestants=CONTESTANTS)]
    parts += [
        section
        for comparison in comparisons
        for section in (f"## A step: {comparison.case.title}\n", step_table(comparison))
    ]
    parts += [ON_TEXT.format(origin=text.origin, vocabulary=text.vocabulary), text_table(on_text)]
    parts += [GROWTH_OF_TIME, time_table(time)]
    parts += [GROWTH_OF_MEMORY.format(case="32-token"), memory_table(memory)]
    parts.append(ON_GPU)
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


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
    return small_page("A step", comparison.case, where, on_gpu, step_table(comparison) + "\n" + notes)


def sharing(where: str, shared: Sharing, on_gpu: bool) -> str:
    """A page of processes that share a device; the arguments are those of `one_step`."""
    rows = [
        [count, spread(rate), f"{rate.median / shared.alone.median:.2f}"]
        for count, rate in ((1, shared.alone), (shared.processes, shared.together))
    ]
    lines = table(rows, ["processes at once", "tokens/s, all together", "times one alone"])
    return small_page(f"Processes that share a device, {shared.contestant.label}", shared.case, where, on_gpu, lines)


def small_page(title: str, case: Case, where: str, on_gpu: bool, body: str) -> str:
    """A title, the surroundings and a table."""
    compiled = os.environ.get("TORCHDYNAMO_DISABLE") != "1"
    how = f"bfloat16, this library {'compiled' if compiled else 'not compiled'}" if on_gpu else "float32, on the CPU"
    return f"# {title}: {case.title}\n\n{where}\n\nMatrix products in {how}.\n\n{body}"


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


def spread(rate: Rate) -> str:
    """Median, least and most, whole tokens."""
    return f"{rate.median:,.0f} ({rate.least:,.0f} to {rate.most:,.0f})"


def table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> str:
    """A Markdown table: the first column to the left, numbers to the right."""
    columns = ["left", *["right"] * (len(header) - 1)]
    return tabulate(rows, header, tablefmt="pipe", colalign=columns, disable_numparse=True) + "\n"
