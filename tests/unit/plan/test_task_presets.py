"""Every experiment with every task: what a plan checks, and what it would read."""

import json
from pathlib import Path

import pytest
from snakemake.utils import update_config

from camembert.plan import sources
from camembert.plan.config import ConfigError, check_config, load_yaml
from camembert.plan.corpora import list_downloads

ROOT = Path(__file__).parents[3]
EXPERIMENTS = [ROOT / "config.yaml", *sorted((ROOT / "experiments").glob("*.yaml"))]
PRESETS = sorted((ROOT / "experiments" / "tasks").glob("*.yaml"))
ON_E5 = ("e5-xnli", "e5-compress", "e5-budgets", "e5-rate", "e5-vocabulary", "e5-gpu")
UNDER = {"massive-gpu-xnli": ["massive-xnli"], "paper-pilot": ["paper"]} | {name: ["e5"] for name in ON_E5}
"""Experiments that are nothing without another below them."""
DESCRIBED = set(
    "files hub header columns split_columns split_header labels label_names no_text locales filter parallel".split()
)


def composed(*overlays):
    config = load_yaml(ROOT / "config.yaml")
    for overlay in overlays:
        update_config(config, load_yaml(overlay))
    return config


@pytest.fixture
def local_data(tmp_path, monkeypatch):
    """A working directory with a file for everything that is read from a folder."""
    monkeypatch.chdir(tmp_path)
    for language in sources.CLDR_LANGUAGES:
        for name in (f"text/{language}.txt", f"text-full/{language}.txt.gz", f"ntrex/{language}.txt"):
            (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "data" / name).write_text("something")
    (tmp_path / "data" / "mine").mkdir()
    (tmp_path / "data" / "mine" / "train.csv").write_text("something")

    for locale in load_yaml(ROOT / "experiments" / "tasks" / "massive.yaml")["data"]["task"]["locales"].values():
        (tmp_path / "data" / "massive").mkdir(exist_ok=True)
        (tmp_path / "data" / "massive" / f"{locale}.jsonl.gz").write_text("something")

    for experiment, layers in (("massive", 6), ("massive-gpu", 12)):
        teacher = tmp_path / "results" / experiment / "encoders" / "teacher" / str(layers) / "r0"
        teacher.mkdir(parents=True)
        for name in ("model.safetensors", "tokenizer.json", "tokenizer_config.json"):
            (teacher / name).write_text("something")
        sizes = {"num_hidden_layers": layers, "hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 128}
        more = {"model_type": "bert", "max_position_embeddings": 128, "vocab_size": 500}
        (teacher / "config.json").write_text(json.dumps(sizes | more))

    def fill(config):
        task = config["data"]["task"]
        for split in sources.list_splits(task):
            for language in task["train_languages"] if split == "train" else config["languages"]:
                pattern = sources.fill_language(task["files"][split], sources.find_locale(task["locales"], language))
                path = Path(task["folder"]) / pattern.replace("*", ".gz")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("something")

    return fill


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("source", ["hub", "folder"])
def test_every_experiment_plans_with_every_task(local_data, experiment, preset, source):
    under = [experiment.with_name(f"{name}.yaml") for name in UNDER.get(experiment.stem, [])]
    config = composed(*under, experiment, preset)
    task = config["data"]["task"]
    if preset.stem not in ("cldr-nli", "xnli-1.0"):
        task["source"] = source
    if task["source"] == "folder":
        local_data(config)
    if experiment.stem in ("compress", "e5-compress") and (task["source"] == "cldr" or task["columns"]["text_pair"]):
        with pytest.raises(ConfigError, match="whose documents are single texts, but the examples of"):
            check_config(config)
        return
    if experiment.stem == "compress":  # its text is of one folder, and not told apart by language
        config["data"]["text"] = [corpus | {"folder": "data/mine"} for corpus in config["data"]["text"]]
        with pytest.raises(ConfigError, match=r"'train\.csv', expected {language} in it .* experiments/compress\.yaml"):
            check_config(config)
        config["languages"] = ["en"]
    if "ja" in config["languages"] and config["data"]["text"][0]["source"] != "hub":
        with pytest.raises(ConfigError, match=r"languages names ja, expected some of|has no (text|sentences) in ja"):
            check_config(config)
        return
    check_config(config)
    wanted = [name for name in list_downloads(config) if name.startswith("task-")]
    assert len(wanted) == (len(sources.list_splits(task)) if task["source"] == "hub" else 0)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_a_preset_describes_all_of_its_task_and_leaves_nothing_to_what_it_is_laid_over(preset):
    task = load_yaml(preset)["data"]["task"]
    if task["source"] == "cldr":
        assert set(task) == {"name", "source"}
        return
    assert {"name", "source", "folder", *DESCRIBED} - set(task) == ({"hub"} if preset.stem == "xnli-1.0" else set())
    assert set(task["columns"]) == {"text", "text_pair", "label", "id", "cluster"}
    assert task["name"] == preset.stem


def test_the_task_that_config_yaml_describes_is_xnli():
    """So that an experiment on XNLI says no more than its name and source."""
    default, xnli = load_yaml(ROOT / "config.yaml")["data"]["task"], composed(ROOT / "experiments/tasks/xnli.yaml")
    assert {key: default[key] for key in DESCRIBED} == {key: xnli["data"]["task"][key] for key in DESCRIBED}


def test_the_hub_is_asked_for_the_locales_of_a_task():
    config = composed(ROOT / "experiments" / "paper.yaml", ROOT / "experiments" / "tasks" / "massive.yaml")
    wanted = list_downloads(config | {"languages": ["en", "sw"]})
    assert wanted["task-train"]["files"] == ["en-US/train/*.parquet"]
    assert wanted["task-dev"]["files"] == ["en-US/validation/*.parquet", "sw-KE/validation/*.parquet"]
