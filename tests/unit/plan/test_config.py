"""What a config may say: one clear sentence for each mistake."""

from pathlib import Path

import pytest
from snakemake.utils import update_config

from camembert.plan import corpora, keys
from camembert.plan.config import ConfigError, check_config, load_yaml, sort_keys
from camembert.plan.schema import Section

ROOT = Path(__file__).parents[3]
WEB = {"repository": "wikimedia/wikipedia", "revision": "main", "files": "20231101.{language}/*.parquet"}


def own(**facts):
    """data.text of one corpus."""
    return [{"name": "own", "source": "cldr"} | facts]


def change(config, path, value):
    """Sets one key of a config: ``change(config, "finetuning.batch_size", 8)``."""
    *sections, key = path.split(".")
    for name in sections:
        config = config[name]
    config[key] = value


def refuse(config, message, **sections):
    """Checks that a config, with some sections replaced, is refused in one line with a message in it."""
    with pytest.raises(ConfigError) as error:
        check_config(config | sections)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_values_live_in_config_yaml_alone(config):
    """It has every key, and no key has a default but what an entry of data.text, or a recipe, may leave out."""
    check_config(config)
    classes = {
        value
        for module in (corpora, keys)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Section)
    }
    lenient = {each for each in classes if any(not field.is_required() for field in each.model_fields.values())}
    assert lenient == {corpora.Corpus, corpora.TextSource, keys.RecipeKeys}
    assert len(classes) > 20


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"experiment: x\nruns: [1, 2\ndevice: cpu\n", ", line 3, column 7 is not valid YAML"),
        (
            b"finetuning:\n  batch: 32\n  batch: 64\n",
            ", line 3, column 3 is not valid YAML: the key 'batch' is repeated",
        ),
        (b"", " holds None where"),
        (b"- 1\n", " holds [1] where"),
        (b"experiment: \xff\xfe\x00", ", position 12 is not text"),
        (None, " (No such file or directory); check its name"),
    ],
)
def test_a_file_that_is_no_config_is_refused_with_the_place(tmp_path, content, message):
    path = tmp_path / "broken.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load_yaml(path)
    assert f"{path}{message}" in str(error.value)


RECIPE = {
    "loss": "toplayer",
    "weights": {"hidden": 1.0, "attention": 1.0},
    "initialisation": "bottom",
    "freeze_embeddings": True,
}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        # unknown keys
        ("evaluation.colour", 1, "unknown key evaluation.colour; expected one of batch_tokens"),
        ("resources.evaluation.gpus", 1, "unknown key resources.evaluation.gpus; did you mean"),
        # wrong types and values
        ("finetuning.batch_size", True, "finetuning.batch_size is true, expected an integer; correct it"),
        ("finetuning.learning_rate", "3e-4", 'is "3e-4", expected a number; YAML reads powers of ten only with'),
        ("finetuning.learning_rate", "3.0e-4", 'is "3.0e-4", expected a number; write it in a YAML file, without'),
        ("probe.enabled", "true", 'is "true", expected true or false; write it in a YAML file, without quotes'),
        ("data.cldr.test", 50, "data.cldr.test is 50, expected a multiple of 24"),
        ("pretraining.mlm_probability", 1.0, "pretraining.mlm_probability is 1.0, expected a number below 1; correct"),
        ("data.task.hub.dev.repository", "a b", 'data.task.hub.dev.repository is "a b", expected a text that matches'),
        ("data.text", own(hub=WEB | {"files": "a.xls"}), 'data.text[0].hub.files is "a.xls", expected a text that'),
        ("data.text", own(folders="x"), "the config has an unknown key data.text[0].folders; did you mean"),
        ("experiment", "é/b", 'experiment is "é/b", expected a text that matches'),
        ("data.task.split_columns", {"dev": {"txt": "a"}}, "data.task.split_columns.dev"),
        # languages, runs, recipes
        ("languages", ["en", "x"], 'languages[1] is "x", expected a text that matches'),
        ("languages", ["fr", "de"], "languages is fr, de, expected en among them"),
        ("recipes", ["bottomlayer"], "recipes names bottomlayer, expected some of toplayer, uniform, minilm, logits"),
        ("distillation.recipes.toplayer.loss", "top", "recipes.toplayer: loss is 'top', expected one of toplayer, "),
        ("distillation.recipes.toplayer.weights.logits", 1.0, "names hidden, attention, logits, expected hidden and"),
        ("distillation.recipes.minilm.normalise", True, "normalise is true, but no part of the loss minilm can be"),
        ("distillation.recipes.toplayer.weights", {"sentence": 1.0}, "names sentence, expected hidden and"),
        ("distillation.recipes.minilm.weights", {"value": 1.0}, "names value, expected attention and value, the parts"),
        ("distillation.recipes.logits.weights", {"soft_targets": 0, "cosine": 0}, "weights are all 0, expect"),
        ("distillation.recipes.logits.initialisation", "top", "is \"top\", expected 'bottom' or 'strided' or a list"),
        ("distillation.recipes.logits.initialisation", [0, 1], "initialisation[0] is 0, expected at least 1"),
        ("distillation.recipes", {"mlm": RECIPE}, "has the name mlm, which is that of other models"),
        ("distillation.recipes", {"A b": RECIPE}, 'a key of distillation.recipes is "A b", expected a text that'),
        # chains
        ("chains", [0], "chains[0]: chain '0' has no layers"),
        ("chains", ["6-2", "6-2x1"], "chains: '6-2' is listed more than once"),
        ("compute_matched", ["6-2"], "compute_matched: chain '6-2' is not a cascade"),
        ("compute_matched", ["0-4x2-2"], "compute_matched: chain '0-4x2-2' is not a cascade"),
        ("compute_matched", ["6-4x0-2x0"], "compute_matched: chain '6-4x0-2x0' is not a cascade"),
        # one key against another
        ("teacher.num_attention_heads", 3, "teacher.hidden_size is 128, expected a multiple of teacher.num_attention"),
        ("efficiency.lengths", [16, 200], "efficiency.lengths[1] is 200, expected at most teacher.max_length (128)"),
        ("data.task.name", "retrieval", "data.task.name is retrieval, but data.task.source is cldr, expected"),
        ("data.task.labels", "any", "data.task.labels is \"any\", expected 'found' or a list"),
        ("data.task.filter.dev", {"part": 0.5}, "data.task.filter.dev.part is 0.5, expected a text or an integer"),
        ("data.text", own(source="folder"), "data.text[0].folder is null, expected a folder since data.text[0].source"),
        ("teacher.source", "folder", "teacher.folder is null, expected a folder since teacher.source is folder"),
        # retrieval
        ("retrieval.layer", "bottom", "retrieval.layer is \"bottom\", expected 'top' or an integer; correct"),
        ("retrieval.layer", 0, "retrieval.layer is 0, expected 'top' or at least 1"),
        ("retrieval.readings", ["cosine"], "retrieval: reading is centred_margin, expected one of readings"),
        ("retrieval.poolings", ["mean"], "retrieval: pooling is cls, expected one of poolings (mean); add it there"),
        ("retrieval.neighbours", 1000, "retrieval.neighbours is 1000, expected at most retrieval.documents less 1"),
        ("languages", ["en"], "languages is en alone, but retrieval needs another language to find sentences in;"),
        ("data.text", own(source="hub", hub=WEB | {"files": "all/*.parquet"}), "has no {language}, without which all"),
        # runs and comparisons
        ("scratch_runs", 4, "scratch_runs is 4, expected at most the number of runs (3); lower it"),
        ("finetuned_runs", 9, "finetuned_runs is 9, expected at most the number of runs (3); lower it"),
        ("reference_runs", 4, "reference_runs is 4, expected at most the number of runs (3); lower it"),
        (
            "comparisons.pairs",
            [["6-4-3", "6-5-3"]],
            "pairs names chain '6-5-3', but the experiment does not",
        ),
    ],
)
def test_a_mistake_gives_one_line_that_names_key_and_value(config, path, value, message):
    change(config, path, value)
    refuse(config, message)


@pytest.mark.parametrize("layers", [[3, 5], [5, 3, 6], [3, 3, 6], [3, 5, 7]])
def test_a_recipe_lists_as_many_rising_layers_of_the_teacher_as_its_student_has(config, layers):
    config |= {"chains": ["6", "6-3x0", "6-3"], "compute_matched": []}
    recipe = config["distillation"]["recipes"]["toplayer"]
    recipe["initialisation"] = [3, 5, 6]
    check_config(config)
    recipe["initialisation"] = layers
    refuse(config, "expected 3 rising numbers from 1 to 6, of layers that chain '6-3' starts")


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
    task = with_folders["data"]["task"]
    check_config(with_folders)
    made = with_folders["data"] | {"task": task | {"source": "cldr", "name": "cldr-nli", "folder": None}}
    refuse(with_folders, "has no text in sw; expected one of sw.txt, ", data=made, languages=["en", "sw"])
    (tmp_path / "test-fr.tsv").unlink()
    refuse(with_folders, "has no file 'test-fr.tsv'; add it, correct data.task.files")
    task["split_dev"] = True
    check_config(with_folders)
    (tmp_path / "train-en.tsv").unlink()
    refuse(with_folders, "has no file 'train-en.tsv'; add it, correct data.task.files")


@pytest.mark.parametrize(("key", "value"), [("columns.label", "gold"), ("filter.dev", {"gold": 1})])
def test_a_column_that_the_header_does_not_name_is_refused(with_folders, key, value):
    change(with_folders, f"data.task.{key}", value)
    refuse(with_folders, "data.task names the column 'gold' for ")


def test_something_is_evaluated(config):
    config["finetuned_runs"] = 0
    check_config(config)
    config["data"]["retrieval"]["source"] = "none"
    refuse(config, "no encoder would be evaluated; turn one of them on")


def test_without_retrieval_neither_english_nor_a_second_language_is_needed(config):
    config["languages"] = ["de", "fr"]
    config["data"]["task"]["train_languages"] = ["de"]
    refuse(config, "languages is de, fr, expected en among them, as sentences are retrieved")
    config["data"]["retrieval"]["source"] = "none"
    check_config(config)
    check_config(config | {"languages": ["de"]})


def test_means_of_training_text_lead_only_where_there_is_training_text(config):
    config["retrieval"]["reading"] = "centred_on_training"
    check_config(config)
    config["teacher"]["source"] = "hub"
    config |= {"chains": ["6"], "compute_matched": []}
    refuse(config, "reading is centred_on_training, but this experiment trains no encoder")


def test_every_language_has_one_file_of_sentences_for_retrieval(config, tmp_path):
    config["data"]["retrieval"] |= {"source": "folder", "folder": str(tmp_path)}
    config["languages"] = ["en", "fr"]
    (tmp_path / "en.txt").write_text("a\n")
    refuse(config, "no sentences in fr for retrieval; expected one of fr.txt, fr.txt.gz")
    (tmp_path / "fr.txt.gz").touch()
    refuse(config, "fr.txt.gz is empty; expected text")
    (tmp_path / "fr.txt.gz").write_bytes(b"not read yet")
    check_config(config)
    (tmp_path / "fr.txt").write_text("A\n")
    refuse(config, "the sentences in fr more than once, as fr.txt and fr.txt.gz; keep one")


@pytest.mark.parametrize(("path", "value"), [("retrieval.layer", 3), ("data.retrieval.folder", "no/such/folder")])
def test_a_layer_of_every_encoder_and_folders_of_another_source_are_accepted(config, path, value):
    change(config, path, value)
    check_config(config)


@pytest.mark.parametrize("split", ["dev", "test"])
def test_files_of_the_hub_name_their_language(config, split):
    config["data"]["task"] |= {"name": "xnli", "source": "hub"}
    change(config, f"data.task.hub.{split}.files", "all/*.parquet")
    refuse(config, f"data.task.hub.{split}.files is 'all/*.parquet', expected {{language}} in it")
    change(config, f"data.task.filter.{split}", {"lang": "{language}"})
    check_config(config)


def test_what_a_config_downloads(config):
    assert corpora.list_downloads(config) == {}
    for section in (config["data"]["task"], config["teacher"]):
        section["source"] = "hub"
    config["data"]["text"] = own(source="hub", hub=WEB, locales={"fr": "fra"})
    config["data"]["task"]["split_dev"] = True
    wanted = corpora.list_downloads(config | {"languages": ["en", "fr"]})
    assert list(wanted) == ["teacher", "task-train", "task-dev", "text-own-en", "text-own-fr"]
    assert wanted["task-dev"]["files"] == ["en/validation-*.parquet", "fr/validation-*.parquet"]
    assert wanted["text-own-fr"]["files"] == ["20231101.fra/*.parquet"]


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
def test_what_yaml_takes_for_no_text_is_to_be_quoted(config, tmp_path, text, message):
    (tmp_path / "my.yaml").write_text(text)
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


def test_of_a_stage_without_jobs_no_gpu_is_asked(config):
    """A given teacher alone: nothing is pre-trained, distilled or copied."""
    for stage in ("finetuning", "evaluation", "efficiency"):
        config["resources"][stage]["gpu"] = 1
    config |= {"device": "cuda", "compute_matched": [], "scratch_runs": 1}
    config["teacher"]["source"] = "hub"
    check_config(config | {"chains": ["6"]})
    refuse(config, "resources.distillation.gpu is 0", chains=["6", "6-3x0"])
    refuse(config, "resources.pretraining.gpu is 0", chains=["6", "0-3x1"])
