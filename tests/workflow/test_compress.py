"""The path of docs/compress.md: one folder of files in, a small classifier out, typed as on the page."""

import csv
import re

import pandas as pd

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
    path.parent.mkdir(parents=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows((f"{sentence('en', number)} {number}.", ("sad", "glad")[number % 2]) for number in range(rows))


def test_the_page_on_compressing_can_be_typed(snakemake, tmp_path):
    page = (ROOT / "docs" / "compress.md").read_text(encoding="utf-8")
    mine = tmp_path / "mine.yaml"
    mine.write_text(re.search(r"```yaml\n(.+?)```", page, re.DOTALL)[1])
    command = re.search(r"```sh\nsnakemake --cores all (\w+) --configfile (\S+) mine.yaml\n```", page)
    write_labelled(tmp_path / "data" / "feelings" / "train.csv", 80)
    teacher = {"teacher": {"folder": str(save_teacher(tmp_path / "teacher"))}}
    printed = snakemake("--cores", "2", command[1], configs=[ROOT / command[2], mine, TINY, teacher])
    results = tmp_path / "results" / "mine"
    splits = [pd.read_parquet(results / "data" / "task" / f"{name}-en.parquet") for name in ("train", "dev", "test")]
    assert [len(each) for each in splits] == [64, 8, 8]
    table = pd.read_csv(results / "tables" / "release.csv", index_col="form")
    released = ["encoder", "classifier", "classifier-onnx-int8"]
    assert list(table.index) == ["teacher", "teacher-onnx-int8", *released]
    assert table.loc["teacher", "bytes"] > table.loc["classifier", "bytes"]
    assert set(table.loc[released, "chain"]) < {"3-1x0", "3-1x2"}
    assert "| Student, ONNX, 8-bit integers " in printed
    for form in released:
        assert f"results/mine/release/{form}" in printed
        assert (results / "release" / form / "README.md").is_file()
    assert (results / "figures" / "release.png").is_file()
