"""The experiments for one GPU, at toy size on a CPU, as `benchmarks/on_gpu.sh` runs them."""

import gzip
import os
import re
import subprocess
import sys

from camembert.core.files import read_json, write_json_lines
from camembert.plan.config import load_yaml

from .conftest import ROOT
from .given import LANGUAGES, sentence


def write_massive(folder):
    """MASSIVE, text aligned by lines and running text, as `experiments/massive*.yaml` read them from folders."""
    locales = load_yaml(ROOT / "experiments" / "tasks" / "massive.yaml")["data"]["task"]["locales"]
    for name in ("massive", "ntrex", "text-full"):
        (folder / name).mkdir(parents=True)
    for language in LANGUAGES:
        parts = [("train", 48), ("dev", 6), ("test", 6)]
        rows = [
            {"id": f"{part}-{n}", "partition": part, "intent": f"intent_{n % 4}", "utt": f"{part} {n} {language}"}
            for part, examples in parts
            for n in range(examples)
        ]
        write_json_lines(folder / "massive" / f"{locales[language]}.jsonl", rows)
        aligned = "".join(f"{sentence(language, n)} {n}\n" for n in range(40))
        (folder / "ntrex" / f"{language}.txt").write_text(aligned)
        text = "".join(f"{sentence(language, n)} and {n}\n" for n in range(60))
        (folder / "text-full" / f"{language}.txt.gz").write_bytes(gzip.compress(text.encode()))


def write_xnli(folder):
    """A training file and dev files in XTREME's layout, of which one half becomes the test set."""
    folder.mkdir(parents=True)
    labels = ("entailment", "neutral", "contradiction")

    def rows(language, count):
        return "".join(
            f"{sentence(language, n)} {n}\t{sentence(language, n + 1)}\t{labels[n % 3]}\n" for n in range(count)
        )

    (folder / "train-en.tsv").write_text(rows("en", 48))
    for language in LANGUAGES:
        (folder / f"dev-{language}.tsv").write_text(rows(language, 24))


def test_the_experiments_on_one_gpu_run_at_toy_size_as_slices_of_its_measurement(tmp_path):
    """MASSIVE, whose text is of the task, aligned and running; then XNLI with the teacher that it made."""
    write_massive(tmp_path / "workflow" / "data")
    write_xnli(tmp_path / "workflow" / "data" / "xnli")
    environment = os.environ | {"CASE": "toy", "PYTHON": sys.executable}
    command = [ROOT / "benchmarks" / "on_gpu.sh", tmp_path, "massive", "massive-xnli"]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert process.returncode == 0, process.stderr
    results = tmp_path / "workflow" / "results" / "massive-gpu"
    metrics = read_json(results / "metrics/encoders/toplayer/12-6/r1.json")
    assert (metrics["layers"], metrics["device"]) == (6, "cpu")
    left_out = read_json(results / "data/checked/ntrex.json")
    assert left_out == {language: list(range(12)) for language in LANGUAGES}, "what is retrieved is not trained on"
    summary = (tmp_path / "summary.md").read_text()
    massive, xnli = re.findall(r"^# massive-gpu(?:-xnli)?$.*?(?=^# |\Z)", summary, re.MULTILINE | re.DOTALL)
    assert "Naive Bayes" in massive
    assert "Direct 12-6" in massive
    assert "Teacher (12 layers)" in xnli
    assert not list((results.parent / "massive-gpu-xnli" / "data").glob("corpus*")), "no encoder is trained"
