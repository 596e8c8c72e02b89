"""The path of docs/compress.md: one folder of files in, a small classifier out, typed as on the page."""

import csv
import re

import pandas as pd
import pytest

from camembert.core.files import read_json

from .conftest import ROOT
from .given import save_teacher, sentence

PAGE = (ROOT / "docs" / "compress.md").read_text(encoding="utf-8")
COMMAND = re.search(r"```sh\nsnakemake --cores all (\w+) --configfile (\S+) mine.yaml\n```", PAGE)
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
    "finetuning": {"epochs": 1, "batch_size": 16, "evaluations": 2, "max_length": 32},
    "efficiency": {"lengths": [16], "seconds": 0.01, "repeats": 2},
}


def read_config(number):
    """One of the page's files mine.yaml."""
    return re.findall(r"```yaml\n(# mine\.yaml.+?)```", PAGE, re.DOTALL)[number]


def write_labelled(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows((f"{sentence('en', number)} {number}.", ("sad", "glad")[number % 2]) for number in range(rows))


def write_unlabelled(path, rows, language="ru"):
    path.write_text("".join(f"{sentence(language, number)} {number}.\n" for number in range(rows)), encoding="utf-8")


@pytest.fixture
def compress(snakemake, tmp_path):
    """Runs the page's command with one of its configs, on a tiny teacher."""
    teacher = {"teacher": {"folder": str(save_teacher(tmp_path / "teacher"))}}

    def compress(*arguments, config):
        (tmp_path / "mine.yaml").write_text(config)
        return snakemake(*arguments, configs=[ROOT / COMMAND[2], tmp_path / "mine.yaml", TINY, teacher])

    return compress


def test_the_page_on_compressing_can_be_typed(compress, tmp_path):
    folder, results = tmp_path / "data" / "mine", tmp_path / "results" / "mine"
    write_labelled(folder / "train.csv", 80)
    write_unlabelled(folder / "th.txt", 40, "th")
    write_unlabelled(folder / "ru.txt", 1100)  # more than is looked at for unknown tokens
    printed = compress("--cores", "2", COMMAND[1], config=read_config(0))
    splits = [pd.read_parquet(results / "data" / "task" / f"{name}-en.parquet") for name in ("train", "dev", "test")]
    assert [len(each) for each in splits] == [64, 8, 8]
    assert len(pd.read_parquet(results / "data" / "task" / "unlabelled.parquet")) == 1140
    assert "Exception ignored" not in printed
    table = pd.read_csv(results / "tables" / "release.csv", index_col="form")
    released = ["encoder", "classifier", "classifier-onnx-int8"]
    assert list(table.index) == ["teacher", "teacher-onnx-int8", *released]
    assert table.loc["teacher", "bytes"] > table.loc["classifier", "bytes"]
    assert set(table.loc[released, "chain"]) < {"3-1x0", "3-1x2"}
    assert "| Student, ONNX, 8-bit integers " in printed
    for form in released:
        assert f"results/mine/release/{form}" in printed
        assert (results / "release" / form / "README.md").is_file()
        longest = read_json(results / "release" / form / "tokenizer_config.json")["model_max_length"]
        assert longest == (64 if form == "encoder" else 32)
    assert (results / "figures" / "release.png").is_file()


def test_the_page_s_config_for_test_sentences_in_every_language_is_planned(compress, tmp_path):
    folder = tmp_path / "data" / "mine"
    write_labelled(folder / "train-en.csv", 40)
    for language in ("en", "de", "tr"):
        write_labelled(folder / f"dev-{language}.csv", 20)
        if language != "en":
            write_unlabelled(folder / f"{language}.txt", 20)
    planned = compress("-n", COMMAND[1], config=read_config(1))
    for name in ("train-en.csv", "dev-de.csv", "dev-tr.csv"):
        assert f"data/mine/{name}" in planned
    for read in ("labelled in en", "unlabelled in de", "unlabelled in tr"):
        assert f"Tokenizing {read}\n" in planned
    assert "unlabelled in en" not in planned, "English has train-en.csv alone"
    assert re.search(r"^collect_unlabelled +1$", planned, re.MULTILINE)


def test_without_unlabelled_sentences_labels_alone_are_learned_and_the_start_says_so(compress, tmp_path):
    write_labelled(tmp_path / "data" / "mine" / "train.csv", 80)
    printed = compress("--cores", "1", "results/mine/data/task/labels.json", config=read_config(0))
    assert "data/mine has no file '*.txt': corpus unlabelled is left out." in printed
    assert "collect_unlabelled" not in compress("-n", COMMAND[1], config=read_config(0))
