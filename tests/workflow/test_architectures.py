"""Teachers of other architectures and tokenizers than BERT's, from a local folder, run as a user runs them."""

import json
import sys

import pandas as pd
import pytest
import yaml

from .conftest import OFFLINE, ROOT
from .given import LANGUAGES, sentence
from .test_sources import SHORT, fill_folder

sys.path.insert(0, str(ROOT / "tests" / "unit"))
from checkpoints import LAYERS, LONGEST, save_checkpoint

READ = dict.fromkeys(("layers", "hidden", "heads", "intermediate", "positions"))
"""Sizes that are left to the teacher's config.json."""
CONFIG = {
    "experiment": "given",
    "languages": list(LANGUAGES),
    "chains": ["3-1"],
    "data": {
        "task": {"name": "xnli", "source": "folder", "folder": "own/task"},
        "text": [{"name": "text", "source": "folder", "folder": "own/text"}],
        "retrieval": {"source": "none"},
    },
    "tokenizer": {"vocabulary": None},
    "teacher": {"source": "folder", "folder": "own/teacher", **READ},
    "text": {"batch": 4, "row": LONGEST},
    "finetuning": {"epochs": 1, "batch": 16, "evaluations": 2, "max_tokens": LONGEST},
    "release": {"chain": "3-1", "languages": ["en", "ru"]},
}


@pytest.fixture
def run(snakemake, tmp_path):
    """Runs an experiment on a teacher of a kind, with some sections of its config changed; returns the results."""

    def start(kind, *targets, **changes):
        text = [sentence(language, number) for language in LANGUAGES for number in range(50)]
        teacher = tmp_path / kind
        save_checkpoint(kind, teacher, text)
        (tmp_path / "own").mkdir()
        fill_folder(tmp_path / "own", teacher)
        config = yaml.safe_load(SHORT) | CONFIG | changes
        (tmp_path / "given.yaml").write_text(yaml.safe_dump(config))
        arguments = ["--cores", "2", *targets, "--configfile", str(tmp_path / "given.yaml")]
        process = snakemake(*arguments, config=None, environment=OFFLINE)
        assert process.returncode == 0, process.stdout + process.stderr
        return tmp_path / "results" / "given"

    return start


def test_xlm_r_is_distilled_evaluated_and_released_in_every_form(run):
    recipes = {"recipes": ["toplayer", "logits"], "chains": ["3", "0-1x1", "3-1x0", "3-2-1"]}
    retrieval = {"source": "folder", "folder": "own/text", "limit": 20}
    text = [{"name": "text", "source": "folder", "folder": "own/text", "parallel": True, "overlap": "leave_out"}]
    release = {"recipe": "toplayer", "chain": "3-2-1", "languages": ["en", "ru"]}
    data = CONFIG["data"] | {"retrieval": retrieval, "text": text}
    results = run("xlm-roberta", "all", "release", **recipes, data=data, release=release)
    config = json.loads((results / "config.json").read_text())
    assert (config["teacher"]["layers"], config["teacher"]["positions"]) == (LAYERS, LONGEST)
    accuracy = pd.read_csv(results / "tables" / "accuracy.csv", dtype={"chain": str})
    assert {"3", "0-1x1", "3-1x0", "3-2", "3-2-1"} <= set(accuracy["chain"]) | {"0-1x1"}
    assert set(accuracy["recipe"]) >= {"teacher", "toplayer", "logits", "mlm", "untrained"}
    for encoder in ("toplayer/3-2-1/r1", "mlm/0-1x1/r1"):
        model = json.loads((results / "encoders" / encoder / "config.json").read_text())
        assert (model["model_type"], model["num_hidden_layers"]) == ("xlm-roberta", 1)
    table = pd.read_csv(results / "tables" / "release.csv", index_col="form")
    same = table.loc[["classifier", "onnx-fp32"], [f"accuracy_{language}" for language in LANGUAGES]]
    assert same.diff().iloc[1].abs().max() < 0.05, "at most a pair or so at the border between two labels"
    assert table.loc["classifier-trimmed", "bytes"] < table.loc["classifier", "bytes"]
    whole, trimmed = (table.loc[form, ["accuracy_en", "accuracy_ru"]] for form in ("classifier", "classifier-trimmed"))
    pd.testing.assert_series_equal(whole, trimmed, check_names=False)


@pytest.mark.parametrize("kind", ["roberta", "camembert", "minilm"])
def test_other_architectures_run_to_the_tables(kind, run):
    results = run(kind, "tables")
    accuracy = pd.read_csv(results / "tables" / "accuracy.csv", dtype={"chain": str})
    assert set(accuracy["chain"]) == {"3", "3-1"}
    assert set(accuracy["language"]) == set(LANGUAGES)
    model = json.loads((results / "classifiers" / "toplayer" / "3-1" / "r1-f1" / "config.json").read_text())
    assert model["model_type"] == ("bert" if kind == "minilm" else kind)
