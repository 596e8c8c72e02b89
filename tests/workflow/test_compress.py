"""The path of docs/compress.md: one folder of files in, a small classifier out, typed as on the page."""

import csv
import re

import pandas as pd
import yaml

from .conftest import ROOT
from .given import save_teacher, sentence

TINY = {
    "teacher": {
        "source": "folder",
        "num_hidden_layers": 3,
        "hidden_size": 16,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_length": 64,
    },
    "tokenizer": {"vocab_size": 600},
    "chains": ["3", "3-1x0", "3-1x2"],
    "text": {"batch_size": 4, "sequence_length": 32},
    "distillation": {"steps": 4},
    "finetuning": {"epochs": 1, "batch_size": 16, "evaluations": 2},
    "efficiency": {"lengths": [16], "seconds": 0.01, "repeats": 2},
}


def write_labelled(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows((f"{sentence('en', number)} {number}.", ("sad", "glad")[number % 2]) for number in range(rows))


def test_the_page_on_compressing_can_be_typed(snakemake, tmp_path):
    page = (ROOT / "docs" / "compress.md").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(re.search(r"```yaml\n(.+?)```", page, re.DOTALL)[1])
    (command,) = re.search(r"```sh\n(.+?)```", page, re.DOTALL)[1].splitlines()
    (tmp_path / "data" / "feelings").mkdir(parents=True)
    write_labelled(tmp_path / "data" / "feelings" / "train.csv", 80)
    teacher = {"folder": str(save_teacher(tmp_path / "teacher"))}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY | {"teacher": TINY["teacher"] | teacher}))
    words = command.removeprefix("snakemake ").replace("--cores all", "--cores 2").split()
    places = {"experiments/compress.yaml": ROOT, "mine.yaml": tmp_path}
    words = [str(places[word] / word) if word in places else word for word in words]
    process = snakemake(*words, str(tmp_path / "tiny.yaml"), config=None)
    assert process.returncode == 0, process.stdout + process.stderr
    results = tmp_path / "results" / "mine"
    assert len(pd.read_parquet(results / "data" / "task" / "train-en.parquet")) == 64
    held_out = [pd.read_parquet(results / "data" / "task" / f"{split}-en.parquet") for split in ("dev", "test")]
    assert [len(each) for each in held_out] == [8, 8]
    table = pd.read_csv(results / "tables" / "release.csv", index_col="form")
    released = ["encoder", "classifier", "classifier-onnx-int8"]
    assert list(table.index) == ["teacher", "teacher-onnx-int8", *released]
    assert table.loc["teacher", "bytes"] > table.loc["classifier", "bytes"]
    assert set(table.loc[released, "chain"]) < {"3-1x0", "3-1x2"}
    assert "| Student, ONNX, 8-bit integers " in process.stdout
    for form in released:
        assert f"results/mine/release/{form}" in process.stdout
        assert (results / "release" / form / "README.md").is_file()
    assert (results / "figures" / "release.png").is_file()
