"""The efficiency table: what every model costs to keep, to run and to train, from the metrics of its encoders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from camembert.core.files import read_json
from camembert.paper.statistics import Model, ResultsError
from camembert.paper.tables import NOTHING
from camembert.plan.chain import parse_chain
from camembert.plan.experiment import EncoderId, encoder_of

CAPTION = "What an encoder costs to keep, to run and to train."
NOTE = (
    "Parameters include the embeddings, which are also counted apart, and the pooler. Forward FLOPs are of the layers, "
    "for a token of a row of {longest}. Training FLOPs are those spent after the teacher was there: on every hop of "
    "the chain, teacher's forward passes included; the pre-training of the teacher is in none, and models from random "
    "weights, which have no teacher, count their own. Fine-tuning is in none. Time: latency of one sentence, and "
    "sentences a second in batches of {batch}, medians of repeated runs of an otherwise idle process ({threads}, "
    "{precision}, {processor}), averaged over distillation seeds. Peak memory is of a process that only loads and runs "
    "the encoder; {before} MiB of it are Python and its libraries.{energy}"
)
NO_ENERGY = " Energy is left out: the machine shows no counter of it."


def read_efficiency(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Reads the measurements of encoders, which must come from one setting.

    Raises:
        ResultsError: two of them differ in how they were run, so that their times do not compare.
    """
    facts = [read_json(path) for path in paths]
    for key in ("device", "threads", "precision", "batch"):
        found = sorted({str(one[key]) for one in facts})
        if len(found) > 1:
            raise ResultsError(
                f"efficiency was measured with {key} {' and '.join(found)}, which do not compare;"
                " delete metrics/efficiency and measure all on one machine"
            )
    return facts


def training_flops(encoder: EncoderId, spent: dict[str, float]) -> float:
    """FLOPs that training spent on an encoder and on the assistants above it; not on the teacher.

    Args:
        encoder: the end of the chain.
        spent: FLOPs of every encoder's own training, by its path.
    """
    own = 0.0 if encoder.chain.is_teacher else spent[encoder.path]
    return own + (training_flops(encoder.parent, spent) if encoder.parent else 0.0)


def efficiency(measured: Sequence[dict[str, Any]], encoders: Iterable[Path], order: Sequence[Model]) -> pd.DataFrame:
    """One row a model, a mean over its encoders; times in ms, energy in joules, memory in MiB.

    Args:
        measured: what `read_efficiency` read.
        encoders: metrics of the trainings of all encoders.
        order: the plan.

    Raises:
        ResultsError: a model of the plan was not measured.
    """
    spent = {}
    for facts in map(read_json, encoders):
        chain = parse_chain(facts["chain"])
        spent[encoder_of(chain, facts["recipe"], facts["distill_seed"]).path] = facts["training_flops"]
    rows = []
    for facts in measured:
        encoder = encoder_of(parse_chain(facts["chain"]), facts["recipe"], facts["distill_seed"])
        row = {key: facts[key] for key in ("recipe", "chain", "parameters", "embedding_parameters", "bytes")}
        row["training_flops"] = training_flops(encoder, spent)
        for at in facts["speed"]:
            tokens = at["tokens"]
            row[f"forward_flops_per_token_{tokens}"] = facts["forward_flops_per_token"][str(tokens)]
            row[f"latency_ms_{tokens}"] = at["latency_ms"]
            row[f"rows_per_second_{tokens}"] = at["rows_per_second"]
            row[f"joules_per_row_{tokens}"] = at["joules_per_row"]
        rows.append(row | {key: facts[key] for key in ("peak_memory_mib", "memory_before_mib", "peak_gpu_memory_mib")})
    frame = pd.DataFrame(rows)
    numbers = frame.columns[2:]
    frame[numbers] = frame[numbers].astype(float)
    means = frame.groupby(["recipe", "chain"])[list(numbers)].mean()
    missing = [model.label for model in order if (model.recipe, model.chain) not in means.index]
    if missing:
        raise ResultsError(f"the efficiency of {missing[0]}, which the plan names, was not measured")
    own = means.loc[[(model.recipe, model.chain) for model in order]].reset_index()
    own.insert(2, "label", [model.label for model in order])
    own.insert(3, "layers", [model.layers for model in order])
    return own


def efficiency_in_print(numbers: pd.DataFrame, lengths: Sequence[int]) -> pd.DataFrame:
    """The table as people read it; columns that the machine cannot fill are left out."""
    longest = max(lengths)
    columns = [
        ("Parameters (M)", "parameters", 1e-6, "{:.2f}"),
        ("Embeddings (M)", "embedding_parameters", 1e-6, "{:.2f}"),
        ("Weights (MiB)", "bytes", 2**-20, "{:.1f}"),
        ("Forward (MFLOP/token)", f"forward_flops_per_token_{longest}", 1e-6, "{:.2f}"),
        ("Training (TFLOP)", "training_flops", 1e-12, "{:.2f}"),
        *((f"Latency, {n} tokens (ms)", f"latency_ms_{n}", 1, "{:.2f}") for n in lengths),
        *((f"Sentences/s, {n} tokens", f"rows_per_second_{n}", 1, "{:.0f}") for n in lengths),
        ("Peak memory (MiB)", "peak_memory_mib", 1, "{:.0f}"),
        ("Peak GPU memory (MiB)", "peak_gpu_memory_mib", 1, "{:.0f}"),
        (f"Energy, {longest} tokens (mJ)", f"joules_per_row_{longest}", 1000, "{:.2f}"),
    ]
    shown = pd.DataFrame({"Model": numbers["label"], "Layers": numbers["layers"].astype(str)})
    for title, column, scale, form in columns:
        if numbers[column].notna().any():
            shown[title] = [NOTHING if pd.isna(value) else form.format(scale * value) for value in numbers[column]]
    return shown


def note(measured: Sequence[dict[str, Any]]) -> str:
    """What the table's readers should know, with what ran the measurements."""
    one = measured[0]
    longest = max(at["tokens"] for at in one["speed"])
    processors = sorted({facts["processor"] for facts in measured})  # a cluster may have several
    energy = any(at["joules_per_row"] is not None for at in one["speed"])
    return NOTE.format(
        longest=longest,
        before=max(facts["memory_before_mib"] for facts in measured),
        energy="" if energy else NO_ENERGY,
        threads=f"{one['threads']} thread{'s' if one['threads'] > 1 else ''}",
        processor=" or ".join(processors) + (", whose times do not compare" if len(processors) > 1 else ""),
        **{key: one[key] for key in ("batch", "precision")},
    )
