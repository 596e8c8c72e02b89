"""The efficiency table: what every model costs to keep, to run and to train.

Cost to keep and to run is measured once for each number of layers, on which alone it depends within an experiment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from camembert.paper.statistics import Model, ResultsError
from camembert.paper.tables.writing import NOTHING, format_percent
from camembert.plan.chain import parse_chain
from camembert.plan.experiment import ROOT, encoder_of

CAPTION = "What an encoder costs to keep, to run and to train."
UNSTEADY = " (unsteady)"
NOTE = (
    "Models of one depth differ only in their weights, so each depth was measured once and its models share the "
    "numbers. Parameters include the embeddings, which are also counted apart, and the pooler. Forward FLOPs are of "
    "the layers, for a token of a row of {longest}. Training FLOPs are those spent after the teacher was there, on "
    "every hop of the chain, teacher's forward passes included; students of equal compute are equal in these. "
    "{teacher} Fine-tuning is in none{finetuning}. Time: latency of one sentence, and sentences a second in batches of "
    "{batch}, medians of repeated runs ({threads}, {precision}, {processor}); where the middle half of them is not "
    "within {within:.0%} of the median, it is marked unsteady and differences mean little. Peak memory is of a process "
    "that only loads and runs the encoder; {before} MiB of it are Python and its libraries.{energy}"
)
WITH_TEACHER = (
    "The column with the teacher adds the pre-training of the teacher, without which there would be no student; models "
    "from random weights need no teacher."
)
GIVEN_TEACHER = (
    "The pre-training of the teacher, which was given and whose compute is not known, is in none of them; models from "
    "random weights need no teacher."
)
SOFT_LABELS = (
    " of them, but in a column of its own: that of a model's classifier, of the classifiers between it and the teacher "
    "that it learned soft labels from, and the forward passes that made these"
)
NO_ENERGY = " Energy is left out: no counter of it was read (only GPUs have one that is)."
OWN, WITH_THE_TEACHER, FINETUNING = "training_flops", "training_flops_with_teacher", "finetuning_flops"


def by_depth(facts: Iterable[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """The measurements by number of layers, which must come from one setting.

    Raises:
        ResultsError: two of them differ in how they were run, so that their times do not compare.
    """
    measured = {each["layers"]: each for each in facts}
    for key in ("device", "threads", "precision", "batch", "steady_within"):
        found = sorted({str(each[key]) for each in measured.values()})
        if len(found) > 1:
            raise ResultsError(
                f"efficiency was measured with {key} {' and '.join(found)}, which do not compare;"
                " delete metrics/efficiency and measure all on one machine"
            )
    return measured


def spent_on(encoders: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """FLOPs of an encoder's own training, by recipe and chain (a mean over runs, which differ little if at all)."""
    facts = [{name: each[name] for name in ("recipe", "chain", OWN)} for each in encoders]
    frame = pd.DataFrame(facts).groupby(["recipe", "chain"], as_index=False)[OWN].mean()
    return {(recipe, chain): flops for recipe, chain, flops in frame.itertuples(index=False)}


def training_flops(model: Model, spent: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """FLOPs of all trainings behind a model, without its teacher's and with it.

    Args:
        model: whose.
        spent: FLOPs of the own training of every link, by recipe and chain.

    Returns:
        training_flops and training_flops_with_teacher; the latter NaN where the teacher was not trained here.
    """
    own = of_teacher = 0.0
    for link in parse_chain(model.chain).ancestry:
        cost = spent[(encoder_of(link, model.recipe, 0).recipe, str(link))]
        if link.is_teacher:
            of_teacher = cost or float("nan")
        else:
            own += cost
    return {OWN: own, WITH_THE_TEACHER: own + of_teacher}


def finetuning_flops(
    model: Model, which: str, finetuned: Mapping[tuple[str, str], float], taught: Mapping[tuple[str, str], float]
) -> float:
    """FLOPs of a model's fine-tuning and of what its soft labels cost.

    Args:
        model: whose.
        which: whose soft labels classifiers learn: root or parent.
        finetuned: FLOPs of the fine-tuning of a classifier, by recipe and chain.
        taught: those of the forward passes that made soft labels, by the same of the classifier that made them.

    Returns:
        Those of its classifier; of the classifiers between it and the teacher that it learned from; and of the forward
        passes of all that taught. The teacher's fine-tuning is in its own row alone.
    """
    links = [(encoder_of(link, model.recipe, 0).recipe, str(link)) for link in parse_chain(model.chain).ancestry]
    if len(links) == 1:
        return finetuned[links[0]]
    if which == ROOT:
        return finetuned[links[-1]] + taught[links[0]]
    return sum(finetuned[link] for link in links[1:]) + sum(taught[link] for link in links[:-1])


def efficiency(
    measured: Mapping[int, Mapping[str, Any]],
    spent: Mapping[tuple[str, str], float],
    models: Sequence[Model],
    finetuning: Mapping[Model, float] | None = None,
) -> pd.DataFrame:
    """One row a model; times in ms, energy in joules, memory in MiB, spreads as shares of the median.

    Args:
        measured: of `by_depth`.
        spent: of `spent_on`.
        models: of the experiment.
        finetuning: of `finetuning_flops`, where classifiers learn soft labels.

    Raises:
        ResultsError: the depth of a model was not measured.
    """
    rows = []
    for model in models:
        layers = model.layers
        if layers is None or layers not in measured:
            depths = ", ".join(map(str, sorted(measured)))
            raise ResultsError(
                f"{model.label} has {model.layers} layers, and encoders of {depths} layers were measured; measure this"
                " depth too"
            )
        facts = measured[layers]
        row: dict[str, Any] = {
            "recipe": model.recipe,
            "chain": model.chain,
            "label": model.label,
            "layers": model.layers,
        }
        row |= {key: facts[key] for key in ("parameters", "embedding_parameters", "bytes")}
        row |= training_flops(model, spent) | ({FINETUNING: finetuning[model]} if finetuning else {})
        for at in facts["speed"]:
            tokens = at["tokens"]
            row[f"forward_flops_per_token_{tokens}"] = facts["forward_flops_per_token"][str(tokens)]
            row |= {f"{key}_{tokens}": value for key, value in at.items() if key != "tokens"}
        row |= {key: facts[key] for key in ("peak_memory_mib", "memory_before_mib", "peak_gpu_memory_mib")}
        rows.append(row | {"steady_within": facts["steady_within"]})
    frame = pd.DataFrame(rows)
    numbers = frame.columns[4:]
    return frame.astype(dict.fromkeys(numbers, float))


def format_efficiency(numbers: pd.DataFrame, lengths: Sequence[int], summary: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it, with what a model is worth beside what it costs.

    Columns that the machine cannot fill are left out.

    Args:
        numbers: of `efficiency`.
        lengths: tokens a sentence that were measured.
        summary: the table of that name: average, and retrieval where there is any (shares).
    """
    longest = max(lengths)
    columns = [
        ("Parameters (M)", "parameters", 1e-6, "{:.2f}"),
        ("Embeddings (M)", "embedding_parameters", 1e-6, "{:.2f}"),
        ("Weights (MiB)", "bytes", 2**-20, "{:.1f}"),
        ("Forward (MFLOP/token)", f"forward_flops_per_token_{longest}", 1e-6, "{:.2f}"),
        ("Training (TFLOP)", OWN, 1e-12, "{:.2f}"),
        ("With the teacher's (TFLOP)", WITH_THE_TEACHER, 1e-12, "{:.2f}"),
        *([("Fine-tuning (TFLOP)", FINETUNING, 1e-12, "{:.2f}")] if FINETUNING in numbers else []),
        *((f"Latency, {n} tokens (ms)", f"latency_ms_{n}", 1, "{:.2f}") for n in lengths),
        *((f"Sentences/s, {n} tokens", f"rows_per_second_{n}", 1, "{:.0f}") for n in lengths),
        ("Peak memory (MiB)", "peak_memory_mib", 1, "{:.0f}"),
        ("Peak GPU memory (MiB)", "peak_gpu_memory_mib", 1, "{:.0f}"),
        (f"Energy, {longest} tokens (mJ)", f"joules_per_row_{longest}", 1000, "{:.2f}"),
    ]
    spread_of = {f"latency_ms_{n}": f"latency_spread_{n}" for n in lengths}
    spread_of |= {f"rows_per_second_{n}": f"rows_per_second_spread_{n}" for n in lengths}
    shown = pd.DataFrame({"Model": numbers["label"], "Layers": numbers["layers"].astype(str)})
    worth = numbers[["recipe", "chain"]].merge(summary, on=["recipe", "chain"], how="left", validate="one_to_one")
    for title, column in (("Accuracy (%)", "average"), ("Retrieval (%)", "retrieval")):
        if column in worth and worth[column].notna().any():
            shown[title] = format_percent(worth[column])
    for title, column, scale, form in columns:
        known = _knows_the_teacher(numbers) if column == WITH_THE_TEACHER else numbers[column].notna().any()
        if known:
            cells = pd.Series([NOTHING if pd.isna(value) else form.format(scale * value) for value in numbers[column]])
            if column in spread_of:
                cells[numbers[spread_of[column]] > numbers["steady_within"]] += UNSTEADY
            shown[title] = cells
    return shown


def note(measured: Mapping[int, Mapping[str, Any]], numbers: pd.DataFrame) -> str:
    """What the table's readers should know, with what ran the measurements."""
    one = next(iter(measured.values()))
    every = [at for facts in measured.values() for at in facts["speed"]]
    processors = sorted({facts["processor"] for facts in measured.values()})  # a cluster may have several
    return NOTE.format(
        longest=max(at["tokens"] for at in every),
        teacher=WITH_TEACHER if _knows_the_teacher(numbers) else GIVEN_TEACHER,
        before=max(facts["memory_before_mib"] for facts in measured.values()),
        energy=NO_ENERGY if all(at["joules_per_row"] is None for at in every) else "",
        finetuning=SOFT_LABELS if FINETUNING in numbers else "",
        within=one["steady_within"],
        threads=f"{one['threads']} thread{'s' if one['threads'] > 1 else ''}",
        processor=" or ".join(processors) + (", whose times do not compare" if len(processors) > 1 else ""),
        **{key: one[key] for key in ("batch", "precision")},
    )


def _knows_the_teacher(numbers: pd.DataFrame) -> bool:
    """Whether the teacher was trained here, so that its compute is known."""
    return bool(numbers[WITH_THE_TEACHER].notna().all())
