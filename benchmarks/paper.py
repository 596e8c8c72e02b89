"""How long tables and figures take, from saved predictions: 11 models, 5 runs, 15 languages, 5,010 pairs.

    PYTHONPATH=scripts python benchmarks/paper.py        prints seconds and peak memory

Predictions and metrics are made up in a temporary folder; the workflow then makes all tables and figures of them on
two cores, as `make paper` does. Memory is that of the largest process.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from camembert.core.files import write_json, write_json_lines
from camembert.paper.statistics import TASK_BASELINES
from camembert.plan.chain import Method
from camembert.plan.config import load_yaml
from camembert.plan.experiment import Experiment, experiment_of, shape_of

ROOT = Path(__file__).parents[1]
CHANGE = {
    "experiment": "made_up",
    "chains": ["6", "0-3", "6-3x0", "6-3", "6-4-3", "6-5-4-3"],
    "compute_matched": ["6-4-3"],
    "runs": [1, 2, 3, 4, 5],
    "scratch_runs": 5,
}
PAIRS = 5010
LABELS = ["entailment", "neutral", "contradiction"]
WORTH = {  # of a method, in standard deviations of what a pair adds: above 0 most answers are right
    Method.TEACHER: 0.7,
    Method.RANDOM: -0.4,
    Method.SCRATCH: 0.0,
    Method.COPIED: 0.4,
    Method.DIRECT: 0.3,
    Method.DIRECT_LONGER: 0.35,
    Method.ASSISTANT: 0.6,
    Method.CASCADE: 0.5,
}
JOB = {
    "seconds": 9.0,
    "cpu_seconds": 9.0,
    "job_seconds": 12.0,
    "job_cpu_seconds": 12.0,
    "peak_memory_mib": 700,
    "ended": 60.0,
}


def write_record(folder: Path, config: dict[str, Any], pairs: int) -> Experiment:
    """Writes what a run keeps for tables and figures, made up: config, predictions, answers, metrics and benchmarks.

    Args:
        folder: becomes the record.
        config: a whole config.
        pairs: test pairs a language.

    Returns:
        The plan of the config.
    """
    experiment = experiment_of(config)
    draw = np.random.default_rng(0)
    labels, ids = np.arange(pairs) % 3, [f"pair-{i:06d}" for i in range(pairs)]
    difficulty = draw.normal(size=pairs)
    for classifier in experiment.classifiers:
        worth = WORTH[experiment.method(classifier.encoder.chain)] + 0.05 * draw.normal()
        facts: dict[str, object] = {"recipe": classifier.encoder.recipe, "chain": str(classifier.encoder.chain)}
        for stage in ("classifiers", "evaluation"):
            write_json(folder / "metrics" / stage / f"{classifier.path}.json", facts | JOB)
        curve = [{"step": step, "split": "dev", "accuracy": 0.5} for step in (50, 100)]
        write_json_lines(folder / "metrics" / "classifiers" / f"{classifier.path}.jsonl", curve)
        (folder / "predictions" / classifier.path).mkdir(parents=True)
        for language in config["languages"]:
            right = worth + difficulty + 0.7 * draw.normal(size=pairs) > 0
            logits = np.eye(3, dtype="float32")[np.where(right, labels, (labels + 1) % 3)]
            logits += draw.random(logits.shape, dtype="float32") / 4
            columns = {"id": ids, "label": pa.array(labels, pa.int8())} | dict(zip(LABELS, logits.T, strict=True))
            pq.write_table(pa.table(columns), folder / "predictions" / classifier.path / f"{language}.parquet")
    for baseline in TASK_BASELINES:
        (folder / "predictions" / baseline.path).mkdir(parents=True)
        for language in config["languages"]:
            logits = draw.random((pairs, 3), dtype="float32")
            columns = {"id": ids, "label": pa.array(labels, pa.int8())} | dict(zip(LABELS, logits.T, strict=True))
            pq.write_table(pa.table(columns), folder / "predictions" / baseline.path / f"{language}.parquet")
    shape, lengths = shape_of(config), config["efficiency"]["lengths"]
    for layers in {encoder.chain.layers for encoder in experiment.encoders}:
        speed = [
            {
                "tokens": n,
                "latency_ms": 0.01 * layers * n,
                "latency_spread": 0.02,
                "rows_per_second": 1e6 / layers / n,
                "rows_per_second_spread": 0.02,
                "joules_per_row": None,
            }
            for n in lengths
        ]
        measured = {
            "layers": layers,
            "parameters": 10**6 + 10**5 * layers,
            "embedding_parameters": 10**6,
            "bytes": 4 * (10**6 + 10**5 * layers),
            "forward_flops_per_token": {str(n): shape.encoder_forward(layers, n) for n in lengths},
            "speed": speed,
            "steady_within": 0.1,
            "batch": config["efficiency"]["batch"],
            "memory_before_mib": 400,
            "peak_gpu_memory_mib": None,
        }
        machine = {"device": "cpu", "processor": "made up", "precision": "float32", "threads": 1}
        write_json(folder / "metrics" / "efficiency" / f"{layers}.json", measured | machine | JOB)
    for encoder in experiment.encoders:
        facts = {"recipe": encoder.recipe, "chain": str(encoder.chain), "run": encoder.run}
        facts["training_flops"] = 1e15 * encoder.chain.budget
        facts["corpus_tokens"] = {language: 10**6 // (i + 1) for i, language in enumerate(config["languages"])}
        facts["held_out"] = {language: {"loss": 0.1 + draw.random() / 5} for language in config["languages"]}
        for stage in ("encoders", "retrieval"):
            write_json(folder / "metrics" / stage / f"{encoder.path}.json", facts | JOB)
        curve = [{"step": step, "split": "train", "hidden": 1 / step} for step in range(1, 100)]
        write_json_lines(folder / "metrics" / "encoders" / f"{encoder.path}.jsonl", curve)
    sentences = np.array([f"line-{i:05d}" for i in range(pairs)])
    for model in [*(encoder.path for encoder in experiment.encoders), "baseline/char-ngrams"]:
        (folder / "retrieval" / model).mkdir(parents=True)
        for language in config["languages"]:
            if language != "en":
                nearest = np.where(draw.random(pairs) < 0.6, sentences, np.roll(sentences, 1))
                answers = pa.table({"id": sentences, "nearest": nearest})
                pq.write_table(answers, folder / "retrieval" / model / f"{language}.parquet")
    for job in [
        *("make_cldr_nli", "make_cldr_text", "make_cldr_retrieval", "train_tokenizer"),
        *(
            f"tokenize_text/{corpus['name']}/{language}"
            for corpus in config["data"]["text"]
            for language in config["languages"]
        ),
    ]:
        path = folder / "benchmarks" / f"{job}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("s\tmax_rss\tcpu_time\n1.0\t200.0\t1.0\n")
    write_json(folder / "config.json", config)
    return experiment


def make(target: str, **variables: str | Path) -> subprocess.CompletedProcess[str]:
    """Makes a target of the Makefile with the Python that runs this; returns the ended process."""
    command = ["make", "--assume-old=setup", "--directory", str(ROOT), target]
    command += [f"{name}={value}" for name, value in variables.items()]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def main() -> None:
    """Makes the predictions up, times the tables and figures, prints what they took."""
    config = deepcopy(load_yaml(ROOT / "config.yaml")) | CHANGE
    with tempfile.TemporaryDirectory() as temporary:
        record = Path(temporary) / "made_up"
        plan = write_record(record, config, PAIRS)
        started = time.perf_counter()
        process = make("paper", RECORD=record, PAPER=Path(temporary) / "paper")
        seconds = time.perf_counter() - started
        if process.returncode:
            sys.exit(process.stdout + process.stderr)
        jobs = re.search(r"^total +(\d+)$", process.stdout + process.stderr, flags=re.MULTILINE)
        files = [path for path in (Path(temporary) / "paper").rglob("*") if path.parent.name in ("tables", "figures")]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    result = {
        "encoders": len(plan.encoders),
        "classifiers": len(plan.classifiers),
        "languages": len(config["languages"]),
        "pairs": PAIRS,
        "jobs": int(jobs[1]) if jobs else None,
        "files": len(files),
        "seconds": round(seconds, 1),
        "peak_memory_mib": peak,
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
