"""What a config may say, and what it asks for."""

import math
from copy import deepcopy
from pathlib import Path

import pytest
from snakemake.utils import update_config

from camembert.plan import keys
from camembert.plan.chain import parse_chain
from camembert.plan.config import ConfigError, check_config, load_yaml, sort_keys
from camembert.plan.corpora import downloads
from camembert.plan.experiment import experiment_of

ROOT = Path(__file__).parents[3]


@pytest.fixture
def config():
    return load_yaml(ROOT / "config.yaml")


WEB = {"repository": "wikimedia/wikipedia", "revision": "main", "files": "20231101.{language}/*.parquet"}


def own(**facts):
    """data.text of one corpus."""
    return [{"name": "own", "source": "cldr"} | facts]


def changed(config, path, value):
    """A copy of the config with one key set: ``changed(config, "finetuning.batch_size", 8)``."""
    config = deepcopy(config)
    *sections, key = path.split(".")
    section = config
    for name in sections:
        section = section[name]
    section[key] = value
    return config


# --- config.yaml and the keys -----------------------------------------------------------------------------


def test_config_yaml_has_every_key_and_no_other(config):
    check_config(config)


def test_values_live_in_config_yaml_alone():
    """Every key is required but what an entry of data.text, or a recipe, may leave out."""
    classes = [value for value in vars(keys).values() if isinstance(value, type) and issubclass(value, keys.Section)]
    lenient = {each for each in classes if any(not field.is_required() for field in each.model_fields.values())}
    assert lenient == {keys.Corpus, keys.RecipeKeys}
    assert len(classes) > 20


# --- Files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("experiment: x\nruns: [1, 2\ndevice: cpu\n", "line 3, column 7 is not valid YAML"),
        ("finetuning:\n  batch: 32\n  batch: 64\n", "line 3, column 3 is not valid YAML: the key 'batch' is repeated"),
        ("", "holds None where"),
        ("- 1\n", r"holds \[1\] where"),
    ],
)
def test_a_file_that_is_no_config_is_refused_with_the_place(tmp_path, text, message):
    path = tmp_path / "broken.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as error:
        load_yaml(path)
    assert str(path) in str(error.value)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_bytes(b"experiment: \xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"broken\.yaml, position 12 is not text .*; save the file as UTF-8"):
        load_yaml(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read the config file .*missing\.yaml \(No such file"):
        load_yaml(tmp_path / "missing.yaml")


MLM_NAMED = {
    "loss": "toplayer",
    "weights": {"hidden": 1.0, "attention": 1.0},
    "initialisation": "bottom",
    "freeze_embeddings": True,
}

# --- One clear message for each mistake --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        # unknown keys
        ("evaluation.colour", 1, "unknown key evaluation.colour; expected one of batch_tokens"),
        ("resources.evaluation.gpus", 1, "unknown key resources.evaluation.gpus; did you mean"),
        # wrong types and values
        ("finetuning.batch_size", 0, "finetuning.batch_size is 0, expected at least 1; correct it"),
        ("finetuning.batch_size", True, "finetuning.batch_size is true, expected an integer; correct it"),
        ("finetuning", 3, "finetuning is 3, expected a mapping of keys; correct it"),
        ("finetuning.learning_rate", "3e-4", 'is "3e-4", expected a number; YAML reads powers of ten only with'),
        ("data.cldr.test", 50, "data.cldr.test is 50, expected a multiple of 24"),
        ("pretraining.mlm_probability", 1.0, "pretraining.mlm_probability is 1.0, expected a number below 1; correct"),
        ("data.task.hub.dev.repository", "a b", 'data.task.hub.dev.repository is "a b", expected a text that matches'),
        ("data.text", [], "data.text is [], expected a list of 1 or more"),
        ("data.text", own(hub=WEB | {"files": "a.xls"}), 'data.text[0].hub.files is "a.xls", expected a text that'),
        ("data.text", own(folders="x"), "the config has an unknown key data.text[0].folders; did you mean"),
        ("experiment", "é/b", 'experiment is "é/b", expected a text that matches'),
        ("data.task.split_columns", {"valid": {}}, "data.task.split_columns"),
        ("data.task.split_columns", {"dev": {"txt": "a"}}, "data.task.split_columns.dev"),
        ("data.task.split_header", {"valid": None}, "data.task.split_header"),
        # languages, runs, recipes
        ("languages", ["en", "x"], 'languages[1] is "x", expected a text that matches'),
        ("finetuning.soft_weight", 0, "finetuning.soft_weight is 0, expected a number above 0"),
        ("languages", ["fr", "de"], "languages is fr, de, expected en among them"),
        ("languages", ["en", "fr", "en"], "languages: 'en' is listed more than once"),
        # numbers that are none
        ("finetuning.warmup_ratio", math.inf, "finetuning.warmup_ratio is Infinity, expected a finite number"),
        ("recipes", ["bottomlayer"], "recipes names bottomlayer, expected some of toplayer, uniform, minilm, logits"),
        ("distillation.recipes.toplayer.loss", "top", "toplayer.loss: 'top' is no loss, expected one of"),
        ("distillation.recipes.toplayer.weights.logits", 1.0, "names hidden, attention, logits, expected hidden and"),
        ("distillation.recipes.minilm.normalise", True, "normalise is true, but no part of the loss minilm is an"),
        ("distillation.recipes.toplayer.weights", {"sentence": 1.0}, "names sentence, expected hidden and"),
        ("distillation.recipes.minilm.weights", {"value": 1.0}, "names value, expected attention and value, the parts"),
        ("distillation.recipes.logits.weights", {"soft_targets": 0, "cosine": 0}, "weights are all 0, expect"),
        ("distillation.recipes.logits.initialisation", "top", "is \"top\", expected 'bottom' or 'strided' or a list"),
        ("distillation.recipes.logits.initialisation", [0, 1], "initialisation[0] is 0, expected at least 1"),
        ("distillation.recipes", {"mlm": MLM_NAMED}, "has the name mlm, which is that of other models"),
        ("distillation.recipes", {"A b": MLM_NAMED}, 'a key of distillation.recipes is "A b", expected a text that'),
        # chains
        ("chains", [0], "chains[0]: chain '0' has no layers"),
        ("chains", ["6-2", "6-2x1"], "chains: '6-2' is listed more than once"),
        ("teacher.num_hidden_layers", 5, "chains: chain '6' starts with 6, but the teacher has 5 layers"),
        ("compute_matched", ["6-2"], "compute_matched: chain '6-2' is not a cascade"),
        ("compute_matched", ["0-4x2-2"], "compute_matched: chain '0-4x2-2' is not a cascade"),
        ("compute_matched", ["6-4x0-2x0"], "compute_matched: chain '6-4x0-2x0' is not a cascade"),
        # one key against another
        (
            "teacher.num_attention_heads",
            3,
            "teacher.hidden_size is 128, expected a multiple of teacher.num_attention_heads (3)",
        ),
        ("text.sequence_length", 129, "text.sequence_length is 129, expected at most teacher.max_length (128)"),
        ("efficiency.lengths", [16, 200], "efficiency.lengths[1] is 200, expected at most teacher.max_length (128)"),
        ("data.task.name", "retrieval", "data.task.name is retrieval, but data.task.source is cldr, expected"),
        ("data.task.labels", "any", "data.task.labels is \"any\", expected 'found' or a list"),
        ("data.task.filter.dev", {"part": 0.5}, "data.task.filter.dev.part is 0.5, expected a text or an integer"),
        ("data.text", own(source="folder"), "data.text[0]: folder is missing, expected one since the source is folder"),
        ("teacher.source", "folder", "teacher.folder is null, expected a folder since teacher.source is folder"),
        # retrieval
        ("retrieval.layer", "bottom", "retrieval.layer is \"bottom\", expected 'top' or an integer; correct"),
        ("retrieval.layer", 0, "retrieval.layer is 0, expected 'top' or at least 1"),
        ("retrieval.readings", ["cosine"], "retrieval: reading is centred_margin, expected one of readings"),
        ("retrieval.poolings", ["mean"], "retrieval: pooling is cls, expected one of poolings (mean); add it there"),
        ("retrieval.neighbours", 1000, "retrieval.neighbours is 1000, expected at most retrieval.documents less 1"),
        ("languages", ["en"], "languages is en alone, but retrieval needs another language to find sentences in;"),
    ],
)
def test_a_mistake_gives_one_line_that_names_key_and_value(config, path, value, message):
    with pytest.raises(ConfigError) as error:
        check_config(changed(config, path, value))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("layers", [[3, 5], [5, 3, 6], [3, 3, 6], [3, 5, 7]])
def test_a_recipe_lists_as_many_rising_layers_of_the_teacher_as_its_student_has(config, layers):
    config |= {"chains": ["6", "6-3x0", "6-3"], "compute_matched": []}
    recipe = config["distillation"]["recipes"]["toplayer"]
    check_config(changed(config, "distillation.recipes.toplayer", recipe | {"initialisation": [3, 5, 6]}))
    wrong = changed(config, "distillation.recipes.toplayer", recipe | {"initialisation": layers})
    with pytest.raises(ConfigError, match="expected 3 rising numbers from 1 to 6, of layers that chain '6-3' starts"):
        check_config(wrong)


def mappings(value, path=""):
    """All mappings with keys that are fixed, by their paths."""
    if isinstance(value, dict) and value and not path.endswith((".recipes", ".weights")):
        yield path, value
        for name, below in value.items():
            yield from mappings(below, f"{path}.{name}".lstrip("."))


def test_whatever_key_is_missing_is_named_in_one_line(config):
    for path, section in mappings(config):
        for name in list(section):
            value = section.pop(name)
            with pytest.raises(ConfigError) as error:
                check_config(config)
            section[name] = value
            assert str(error.value).startswith(f"the config has no {path}.{name}; add it: ".replace(" .", " "))
            assert "\n" not in str(error.value)


@pytest.fixture
def with_folders(config, tmp_path):
    """A config that reads three languages from local folders in which everything is."""
    for language in ("en", "fr"):
        for split in ("dev", "test"):
            (tmp_path / f"{split}-{language}.tsv").write_text("a\tb\tneutral\n")
        (tmp_path / f"{language}.txt").write_text("text\n")
    (tmp_path / "train-en.tsv").write_text("a\tb\tneutral\n")
    config["data"]["task"] |= {"source": "folder", "folder": str(tmp_path)}
    config["data"]["text"] = own(source="folder", folder=str(tmp_path))
    config["data"]["task"]["name"] = "xnli"
    return config | {"languages": ["en", "fr"]}


def test_every_file_of_local_data_must_exist(with_folders, tmp_path):
    check_config(with_folders)
    made = changed(changed(with_folders, "data.task.source", "cldr"), "data.task.name", "cldr-nli")
    with pytest.raises(ConfigError, match=r"has no text in sw; expected one of sw\.txt, .*: add it, or take sw out"):
        check_config(made | {"languages": ["en", "sw"]})
    (tmp_path / "test-fr.tsv").unlink()
    with pytest.raises(ConfigError, match=r"has no file 'test-fr\.tsv'; add it, .*data\.task\.split_dev: true"):
        check_config(with_folders)
    check_config(changed(with_folders, "data.task.split_dev", True))
    (tmp_path / "train-en.tsv").unlink()
    with pytest.raises(ConfigError, match=r"has no file 'train-en\.tsv'; add it, correct data\.task\.files"):
        check_config(with_folders)


@pytest.mark.parametrize(("key", "value"), [("columns.label", "gold"), ("filter.dev", {"gold": 1})])
def test_a_column_that_the_header_does_not_name_is_refused(with_folders, key, value):
    with pytest.raises(ConfigError, match=r"data\.task names the column 'gold' for \w+, expected one of its header"):
        check_config(changed(with_folders, f"data.task.{key}", value))


def test_something_is_evaluated_and_no_more_runs_are_fine_tuned_than_there_are(config):
    check_config(changed(config, "finetuned_runs", 0))
    with pytest.raises(ConfigError, match=r"finetuned_runs is 9, expected at most the number of runs \(3\); lower it"):
        check_config(changed(config, "finetuned_runs", 9))
    with pytest.raises(ConfigError, match="no encoder would be evaluated; turn one of them on"):
        check_config(changed(changed(config, "finetuned_runs", 0), "data.retrieval.source", "none"))


def test_one_language_needs_no_retrieval(config):
    check_config(changed(changed(config, "languages", ["en"]), "data.retrieval.source", "none"))


def test_means_of_training_text_lead_only_where_there_is_training_text(config):
    config["retrieval"]["reading"] = "centred_on_training"
    check_config(config)
    config["teacher"]["source"] = "hub"
    config |= {"chains": ["6"], "compute_matched": []}
    with pytest.raises(ConfigError, match="reading is centred_on_training, but this experiment trains no encoder"):
        check_config(config)


def test_every_language_has_one_file_of_sentences_for_retrieval(config, tmp_path):
    config["data"]["retrieval"] |= {"source": "folder", "folder": str(tmp_path)}
    config["languages"] = ["en", "fr"]
    (tmp_path / "en.txt").write_text("a\n")
    with pytest.raises(ConfigError, match=r"no sentences in fr for retrieval; expected one of fr\.txt, fr\.txt\.gz"):
        check_config(config)
    (tmp_path / "fr.txt.gz").touch()
    with pytest.raises(ConfigError, match=r"fr\.txt\.gz is empty; expected text"):
        check_config(config)
    (tmp_path / "fr.txt.gz").write_bytes(b"not read yet")
    check_config(config)
    (tmp_path / "fr.txt").write_text("A\n")
    with pytest.raises(ConfigError, match=r"the sentences in fr more than once, as fr\.txt and fr\.txt\.gz; keep one"):
        check_config(config)


def test_a_layer_that_every_encoder_has_can_be_retrieved_by(config):
    check_config(changed(config, "retrieval.layer", 3))


def test_folders_are_not_looked_for_where_another_source_is_chosen(config):
    check_config(changed(config, "data.task.folder", "no/such/folder"))


@pytest.mark.parametrize("key", ["data.task.hub.dev", "data.task.hub.test"])
def test_files_of_the_hub_name_their_language(config, key):
    config["data"]["task"] |= {"name": "xnli", "source": "hub"}
    config = changed(config, f"{key}.files", "all/*.parquet")
    with pytest.raises(ConfigError, match=rf"{key}\.files is 'all/\*\.parquet', expected {{language}} in it"):
        check_config(config)
    check_config(changed(config, f"data.task.filter.{key.rpartition('.')[2]}", {"lang": "{language}"}))


def test_text_of_the_hub_names_its_language(config):
    with pytest.raises(
        ConfigError, match=r"data\.text\[0\]\.hub\.files: 'all/\*\.parquet' has no {language}, without which"
    ):
        check_config(changed(config, "data.text", own(source="hub", hub=WEB | {"files": "all/*.parquet"})))


def test_what_a_config_downloads(config):
    assert downloads(config) == {}
    for section in (config["data"]["task"], config["teacher"]):
        section["source"] = "hub"
    config["data"]["text"] = own(source="hub", hub=WEB, locales={"fr": "fra"})
    config["data"]["task"]["split_dev"] = True
    wanted = downloads(config | {"languages": ["en", "fr"]})
    assert list(wanted) == ["teacher", "task-train", "task-dev", "text-own-en", "text-own-fr"]
    assert wanted["task-dev"]["files"] == ["en/validation-*.parquet", "fr/validation-*.parquet"]
    assert wanted["text-own-fr"]["files"] == ["20231101.fra/*.parquet"]


def test_an_unquoted_teacher_is_a_chain(config):
    config = changed(config, "chains", [6, "6-2"])
    check_config(config)
    assert parse_chain("6") in experiment_of(config).chains


def test_without_retrieval_no_english_is_needed(config):
    config["languages"] = ["de", "fr"]
    config["data"]["task"]["train_languages"] = ["de"]
    with pytest.raises(ConfigError, match="languages is de, fr, expected en among them, as sentences are retrieved"):
        check_config(config)
    config["data"]["retrieval"]["source"] = "none"
    check_config(config)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("languages: [en, no]", "languages[1] is false, expected a text;"),
        ("data: {task: {labels: [yes, no]}}", "data.task.labels[0] is true, expected a text;"),
        ("data: {task: {labels: [a, 2020-01-01]}}", 'data.task.labels[1] is "2020-01-01", expected a text;'),
        ("data: {task: {locales: {no: nb-NO}}}", "a key of data.task.locales is false, expected a text;"),
        ("no: 1", "a key of the config is false, expected a text;"),
        ("data: {task: {filter: {dev: {part: off}}}}", "data.task.filter.dev.part is false, expected a text or an int"),
    ],
)
def test_what_yaml_takes_for_no_text_is_to_be_quoted(tmp_path, text, message):
    (tmp_path / "my.yaml").write_text(text)
    config = load_yaml(ROOT / "config.yaml")
    update_config(config, load_yaml(tmp_path / "my.yaml"))
    with pytest.raises(ConfigError) as error:
        check_config(config)
    assert str(error.value).startswith(message)
    assert str(error.value).endswith('write a text in quotes, such as "no"')


def test_the_order_of_keys_is_no_difference():
    one, other = {"b": {"d": 1, "c": [3, 2]}, "a": 2}, {"a": 2, "b": {"c": [3, 2], "d": 1}}
    sort_keys(one)
    sort_keys(other)
    assert repr(one) == repr(other) == "{'a': 2, 'b': {'c': [3, 2], 'd': 1}}"
