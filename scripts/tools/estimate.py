"""What an experiment will cost, before it runs: operations, GPU hours and disk a stage. Estimates, not measurements."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pyarrow import ArrowInvalid
from pyarrow.parquet import read_metadata

from camembert.plan.corpora import list_downloads, text_sources, unlabelled_sources
from camembert.plan.experiment import ModelId, compute_shape, plan_experiment
from camembert.plan.sources import find_files, find_locale

DEFAULT_EXPERIMENT = "toy"
"""What config.yaml calls its own."""
BYTES_A_WEIGHT = 4
BYTES_A_TOKEN = 4
TEXT_BYTES_A_TOKEN = 4.15
"""Of UTF-8, under multilingual BERT's vocabulary: measured on running text in the 15 languages of XNLI."""
PARQUET_SHARE = 0.58
"""Compressed size of text as parquet: English, German and French Wikipedia of 20220301 on the hub, 21.3 of 36.6 GB."""


class TaskSize(NamedTuple):
    """Examples of a task's splits (train in English, dev and test in each language) and mean tokens an example."""

    train: int
    dev: int
    test: int
    train_tokens: int
    test_tokens: int


XNLI = TaskSize(392_702, 2_490, 5_010, 44, 56)
"""MultiNLI and XNLI, and whatever task of the hub is not listed; one of a folder is counted. Tokens under multilingual
BERT's vocabulary, measured: 29,340 of MultiNLI, XNLI dev in 15 languages."""
MASSIVE = TaskSize(11_514, 2_033, 2_974, 12, 12)
"""Examples by its paper (FitzGerald et al. 2023); tokens are a guess from some seven words an utterance."""
CLDR = TaskSize(16_800, 480, 1_008, 13, 15)
"""Made as large as the config says; tokens under its own tokenizer, 12.6 measured in training, a guess elsewhere."""
TASKS = {"xnli": XNLI, "massive": MASSIVE, "massive-scenario": MASSIVE, "cldr-nli": CLDR}
CORE_FLOPS = 50e9
"""Operations a second of one CPU core: 52 and 70 measured in distillation at widths 128 and 384 (AMD EPYC)."""
JOB_SECONDS = 10
"""CPU time of a job beside its training: imports, loading, retrieval of a thousand lines in 14 languages."""
FINETUNING, SOFT_LABELS, EVALUATION = "Fine-tuning", "Soft labels", "Evaluation"
IN_FP32 = (SOFT_LABELS, EVALUATION)
"""Stages that predict: always in float32, without TF32."""


class Cost(NamedTuple):
    """What a stage costs: its jobs, floating-point operations, and bytes of what it leaves."""

    stage: str
    jobs: int
    flops: float
    disk: float

    def gpu_hours(self, flops_a_second: float) -> float:
        """Hours of one GPU that keeps up so many operations a second."""
        return self.flops / flops_a_second / 3600


def parameters(config: dict[str, Any], layers: int) -> int:
    """Weights of an encoder with its pooler (Devlin et al. 2019): matrices, biases and layer norms."""
    h, f = config["teacher"]["hidden_size"], config["teacher"]["intermediate_size"]
    embeddings = (config["tokenizer"]["vocab_size"] + config["teacher"]["max_length"] + 2) * h + 2 * h
    layer = 4 * (h * h + h) + (h * f + f) + (f * h + h) + 4 * h
    return embeddings + layers * layer + h * h + h


def estimate(config: dict[str, Any], hub_text_bytes: float) -> list[Cost]:
    """Adds up a config that passed `check_config`, stage by stage; soft labels where it asks for some.

    Args:
        config: whose task has the size that `measure_task` finds.
        hub_text_bytes: size, as UTF-8 in all languages, of what of the text is on the hub. Text in folders counts by
            its size on disk, compressed or not; generated text not at all.
    """
    experiment, shape = plan_experiment(config), compute_shape(config)
    encoders, classifiers = experiment.encoders, experiment.classifiers
    hub_text = hub_text_bytes if any(corpus.source == "hub" for corpus in text_sources(config)) else 0.0
    download = hub_text * PARQUET_SHARE
    if config["teacher"]["source"] == "hub":
        download += BYTES_A_WEIGHT * parameters(config, config["teacher"]["num_hidden_layers"])
    shards = (hub_text + _count_text_bytes(config)) / TEXT_BYTES_A_TOKEN * BYTES_A_TOKEN
    sizes = {encoder: BYTES_A_WEIGHT * parameters(config, encoder.chain.layers) for encoder in encoders}
    training = sum(_training_flops(config, encoder) for encoder in encoders)
    labelled, unlabelled = _count_train_examples(config), _count_unlabelled(config)
    taught_by = {each: each.teacher(config["finetuning"]["teacher"]) for each in classifiers}
    finetuning = sum(
        _finetuning_flops(config, each.chain.layers, labelled + (unlabelled if teacher else 0))
        for each, teacher in taught_by.items()
    )
    teachers = {teacher for teacher in taught_by.values() if teacher}
    tokens, layers = measure_task(config).train_tokens, sum(each.chain.layers for each in teachers)
    soft_labels = float((labelled + unlabelled) * tokens * shape.encoder_forward(layers, tokens))
    test = config["data"]["cldr"]["test"] if _is_generated(config) else measure_task(config).test
    tokens, layers = measure_task(config).test_tokens, sum(each.chain.layers for each in classifiers)
    evaluation = float(test * len(config["languages"]) * tokens * shape.encoder_forward(layers, tokens))
    return [
        Cost("Download", len(list_downloads(config)), 0.0, download),
        Cost("Token shards", len(config["languages"]), 0.0, shards),
        Cost("Encoders", len(encoders), training, sum(sizes.values())),
        Cost(FINETUNING, len(classifiers), finetuning, sum(sizes[each.encoder] for each in classifiers)),
        *([Cost(SOFT_LABELS, len(teachers), soft_labels, 0.0)] if teachers else []),
        Cost(EVALUATION, len(classifiers), evaluation, 0.0),
    ]


def cpu_seconds(config: dict[str, Any]) -> float:
    """Seconds of CPU cores that an experiment takes from nothing, as far as operations and numbers of jobs tell."""
    experiment = plan_experiment(config)
    jobs = 2 * (len(experiment.encoders) + len(experiment.classifiers))
    return sum(stage.flops for stage in estimate(config, 0.0)) / CORE_FLOPS + JOB_SECONDS * jobs


def wall_seconds(config: dict[str, Any], cores: int) -> float:
    """How long that takes on so many cores: most waits for the teacher, pre-trained on `threads.pretraining`."""
    (teacher, *_) = (encoder for encoder in plan_experiment(config).encoders if encoder.chain.is_teacher)
    alone, together = _training_flops(config, teacher) / CORE_FLOPS, cpu_seconds(config)
    return alone / min(cores, config["threads"]["pretraining"]) + (together - alone) / cores


def announcement(config: dict[str, Any], cores: int | None) -> str:
    """Says what an experiment makes, what of it may be a mistake and, on CPU cores, about how long it all takes.

    Args:
        config: that passed `check_config`.
        cores: of this machine; None where jobs run elsewhere, whose speed is not known.
    """
    experiment, name = plan_experiment(config), config["experiment"]
    models = {(encoder.recipe, encoder.chain) for encoder in experiment.encoders}
    made = (
        f"The whole experiment {name}: {len(models)} models as {len(experiment.encoders)} encoders and"
        f" {len(experiment.classifiers)} classifiers, in {len(config['languages'])} languages; tables and figures go to"
        f" results/{name}."
    )
    if (task := config["data"]["task"])["source"] == "folder":
        made += f" Its examples are those of {task['folder']}."
    if gaps := _find_gaps(config):
        lacking = "; ".join(f"{name} ({', '.join(languages)})" for name, languages in gaps.items())
        made += f"\nCorpora without text in some languages: {lacking}."
    if name == DEFAULT_EXPERIMENT and not _is_generated(config):
        made += f"\nIts task is another than config.yaml's: name the experiment, or both write into results/{name}."
    if not cores or any(own.get("gpu") for own in config["resources"].values()):
        return made
    minutes = max(1, round(wall_seconds(config, cores) / 60))
    length = f"{minutes} minute{'s' if minutes > 1 else ''}" if minutes < 100 else f"{minutes / 60:.0f} hours"
    where = f"{cores} core{'s' if cores > 1 else ''}"
    return f"{made}\nFrom nothing the whole takes some {length} on {where}; what is there already is not made again."


def _find_gaps(config: dict[str, Any]) -> dict[str, list[str]]:
    """The languages that a corpus has no text in, by its name, of corpora that lack any."""
    gaps = {}
    for corpus in (*text_sources(config), *unlabelled_sources(config)):
        there = corpus.languages(config["languages"])
        gaps[corpus.name] = [language for language in config["languages"] if language not in there]
    return {name: languages for name, languages in gaps.items() if languages}


def _training_flops(config: dict[str, Any], encoder: ModelId) -> float:
    chain, shape, row = encoder.chain, compute_shape(config), config["text"]["sequence_length"]
    if chain.is_teacher and config["teacher"]["source"] != "pretrain":
        return 0.0
    steps = (
        config["pretraining"]["steps"] if chain.is_teacher else round(chain.budget * config["distillation"]["steps"])
    )
    if chain.parent:
        cost = shape.distillation_step(chain.parent.layers, chain.layers, row)
    else:
        cost = shape.pretraining_step(chain.layers, row, config["pretraining"]["mlm_probability"])
    return float(steps * config["text"]["batch_size"] * row * cost)


def _finetuning_flops(config: dict[str, Any], layers: int, examples: int) -> float:
    settings, shape, tokens = config["finetuning"], compute_shape(config), measure_task(config).train_tokens
    trained = layers if settings["trained_layers"] is None else min(settings["trained_layers"], layers)
    forward, backward = shape.encoder_forward(layers, tokens), 2 * shape.encoder_forward(trained, tokens)
    dev = config["data"]["cldr"]["dev"] if _is_generated(config) else measure_task(config).dev
    read = settings["epochs"] * examples
    return float(tokens * (read * (forward + backward) + settings["evaluations"] * dev * forward))


def measure_task(config: dict[str, Any]) -> TaskSize:
    """The size of the task: as listed, or counted where a folder holds another, with texts as long as its lines.

    Filters and limits of rows are not looked at.
    """
    task = config["data"]["task"]
    if task["name"] in TASKS or task["source"] != "folder":
        return TASKS.get(task["name"], XNLI)
    train, dev, test = (_find_task_files(task, split) for split in ("train", "dev", "test"))
    rows, size = sum(map(_count_rows, train)), sum(_measure(path)[1] for path in train)
    tokens = max(1, min(round(size / max(1, rows) / TEXT_BYTES_A_TOKEN), config["finetuning"]["max_length"]))
    evaluated = sum(map(_count_rows, dev)) if dev else rows // 5
    if not dev:
        rows -= evaluated
    tested = sum(map(_count_rows, test)) if test else evaluated // 2
    return TaskSize(rows, evaluated if test else evaluated - tested, tested, tokens, tokens)


def _find_task_files(task: Mapping[str, Any], split: str) -> list[Path]:
    """Files of a split, dev and test in the first language with labels alone; none where another split becomes it."""
    pattern, languages = task["files"].get(split), task["train_languages"][: None if split == "train" else 1]
    if not pattern or (split == "test" and task["split_dev"]):
        return []
    locales = [find_locale(task["locales"], language) for language in languages]
    return [path for locale in locales for path in find_files(task["folder"], pattern, locale)]


def _is_generated(config: dict[str, Any]) -> bool:
    return bool(config["data"]["task"]["source"] == "cldr")


def _count_train_examples(config: dict[str, Any]) -> int:
    task = config["data"]["task"]
    if _is_generated(config):
        return int(config["data"]["cldr"]["train"]) * len(task["train_languages"])
    there = measure_task(config).train
    if task["source"] == "folder" and task["name"] in TASKS:
        there = sum(map(_count_rows, _find_task_files(task, "train")))
    return min(there, (task["train_limit"] or there) * len(task["train_languages"]))


def _count_unlabelled(config: dict[str, Any]) -> int:
    """Sentences without labels: rows of folders, also those that a filter leaves out; of the hub, where there is a
    limit, as many as that."""
    found = 0
    for corpus in unlabelled_sources(config):
        for language in corpus.languages(config["languages"]):
            there = config["data"]["cldr"]["documents"] if corpus.source == "cldr" else corpus.limit or 0
            if corpus.source == "folder":
                there = max(0, sum(map(_count_rows, corpus.files_of(language))) - corpus.skip)
            found += min(there, corpus.limit or there)
    return found


def _count_text_bytes(config: dict[str, Any]) -> int:
    """Bytes of the text in folders."""
    folders = [corpus for corpus in text_sources(config) if corpus.source == "folder"]
    files = {path for corpus in folders for language in config["languages"] for path in corpus.files_of(language)}
    return sum(path.stat().st_size for path in files)


def _count_rows(path: Path) -> int:
    return _measure(path)[0]


@cache
def _measure(path: Path) -> tuple[int, float]:
    """Rows of a file and bytes of their text; none of a damaged one, of which its job says what is wrong."""
    try:
        if path.suffix == ".parquet":
            return int(read_metadata(path).num_rows), path.stat().st_size / PARQUET_SHARE
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            lengths = [len(line) for line in file]
        return len(lengths), sum(lengths)
    except (OSError, EOFError, zlib.error, ArrowInvalid):
        return 0, 0.0
