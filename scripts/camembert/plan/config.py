"""The config: what it may say.

The schema documents every key and checks it by itself, see `schema_errors`; this module reads config files and checks
what one key asks of another. It is pure: the Snakefile imports it before any job runs.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from camembert.plan import corpora, sources, teachers
from camembert.plan.chain import Chain, ChainError, check_against_teacher, parse_chain
from camembert.plan.experiment import RESERVED_RECIPES, experiment_of, stages_of
from camembert.plan.readings import Similarity
from camembert.plan.recipe import PARTS, SENTENCE
from camembert.plan.resources import ResourceError, check_resources
from camembert.plan.schema_errors import first_schema_error

RECIPE_PATTERN = r"[a-z][a-z0-9_-]*"


class ConfigError(ValueError):
    """A config that cannot be run: what was found, where, what was expected and what to do."""


# --- Reading -----------------------------------------------------------------------------------------------


class _UniqueKeyLoader(yaml.SafeLoader):
    """Reads YAML and refuses a key written twice, of which plain YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        for i, (key, _) in enumerate(node.value):
            if key.value in keys[:i]:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} is repeated", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


def load_yaml(path: str | Path) -> dict[str, Any]:
    """Reads a config file.

    Raises:
        ConfigError: the file is missing, is not YAML, repeats a key or holds no keys.
    """
    try:
        content = yaml.load(Path(path).read_bytes(), Loader=_UniqueKeyLoader)
    except OSError as error:
        raise ConfigError(f"cannot read the config file {path} ({error.strerror}); check its name") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{path}{where} is not valid YAML: {error.problem}; correct that line") from error
    except yaml.reader.ReaderError as error:
        where = f"{path}, position {error.position}"
        raise ConfigError(f"{where} is not text ({error.reason}); save the file as UTF-8") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds {content!r} where 'key: value' lines are expected; see config.yaml")
    return content


def sort_keys(config: dict[str, Any]) -> None:
    """Puts the keys of every mapping in order, in place: Snakemake compares parameters as text."""
    for key in sorted(config):
        value = config.pop(key)
        if isinstance(value, dict):
            sort_keys(value)
        config[key] = value


# --- Checking ----------------------------------------------------------------------------------------------


def check_config(config: dict[str, Any], schema_path: str | Path) -> None:
    """Checks a whole config, overlays merged, before anything is built from it.

    Sizes of a local teacher that are null become what its config.json says.

    Raises:
        ConfigError: on the first thing that is wrong, in one sentence.
    """
    if said := first_schema_error(config, yaml.safe_load(Path(schema_path).read_text(encoding="utf-8"))):
        raise ConfigError(said)
    _fill_sizes(config)
    _check_lists(config)
    _check_chains(config)
    _check_recipes(config["recipes"], config["distillation"]["recipes"])
    _check_starts(config)
    _check_scratch(config)
    _check_sizes(config)
    _check_task_name(config)
    try:
        check_resources(config, stages_of(config, experiment_of(config)))
    except ResourceError as error:
        raise ConfigError(str(error)) from None
    _check_sources(config)


def _fill_sizes(config: dict[str, Any]) -> None:
    teacher = config["teacher"]
    if teacher["source"] == "folder":
        _check_folder("teacher", teacher)
    try:
        teachers.fill_sizes(config)
    except sources.SourceError as error:
        raise ConfigError(str(error)) from None


def _check_lists(config: dict[str, Any]) -> None:
    for key in ("languages", "runs", "recipes"):
        _refuse_repeats(key, config[key])
    labels = config["data"]["task"]["labels"]
    _refuse_repeats("data.task.labels", labels if isinstance(labels, list) else [])
    if "en" not in config["languages"]:
        found = ", ".join(config["languages"])
        raise ConfigError(f"languages is {found}, expected en among them; add it, classifiers are trained on English")


def _check_chains(config: dict[str, Any]) -> None:
    teacher_layers = config["teacher"]["layers"]
    _checked_chains("chains", config["chains"], teacher_layers)
    for chain in _checked_chains("compute_matched", config["compute_matched"], teacher_layers):
        if chain.root == 0 or len(chain.hops) < 2 or not all(hop.budget for hop in chain.hops):
            raise ConfigError(
                f"compute_matched: chain '{chain}' is not a cascade, expected the teacher and two or more hops with"
                " training; correct or remove it"
            )
    _check_retrieval_layer(config["retrieval"]["layer"], [str(c) for c in config["chains"] + config["compute_matched"]])
    _check_readings(config)
    _check_evaluations(config)


def _check_retrieval_layer(layer: str | int, chains: list[str]) -> None:
    """Checks that every encoder has the layer that is asked for; assistants are deeper than their students."""
    shallowest = min(map(parse_chain, chains), key=lambda chain: chain.layers)
    if layer != "top" and (isinstance(layer, str) or layer > shallowest.layers):
        raise ConfigError(
            f"retrieval.layer is {layer}, expected top or a layer that every encoder has, 1 to {shallowest.layers}"
            f" (chain '{shallowest}' has no more); correct it"
        )


def _check_evaluations(config: dict[str, Any]) -> None:
    """Checks that anything is evaluated, and that there are as many runs as are fine-tuned."""
    finetuned, runs = config["finetuned_runs"], len(config["runs"])
    if finetuned is not None and finetuned > runs:
        raise ConfigError(f"finetuned_runs is {finetuned}, expected at most the number of runs ({runs}); lower it")
    if finetuned == 0 and not config["probe"]["enabled"] and config["data"]["retrieval"]["source"] == "none":
        raise ConfigError(
            "finetuned_runs is 0, probe.enabled is false and data.retrieval.source is none, so that no encoder would be"
            " evaluated; turn one of them on"
        )


def _check_readings(config: dict[str, Any]) -> None:
    """Checks that the reading which leads the tables is among those that are counted, and can be."""
    retrieval, source = config["retrieval"], config["data"]["retrieval"]
    for key in ("poolings", "readings"):
        _refuse_repeats(f"retrieval.{key}", retrieval[key])
    for key, among in (("pooling", "poolings"), ("reading", "readings")):
        if retrieval[key] not in retrieval[among]:
            raise ConfigError(
                f"retrieval.{key} is {retrieval[key]}, expected one of retrieval.{among}"
                f" ({', '.join(retrieval[among])}); correct it, or add it to retrieval.{among}"
            )
    if source["source"] == "none":
        return
    if len(config["languages"]) == 1:
        raise ConfigError(
            "languages is en alone, but retrieval needs another language to find sentences in; add one, or set"
            " data.retrieval.source to none"
        )
    made = source["source"] == "cldr"
    key, sentences = (
        ("retrieval.documents", retrieval["documents"]) if made else ("data.retrieval.limit", source["limit"])
    )
    if sentences is not None and retrieval["neighbours"] >= sentences:
        raise ConfigError(
            f"retrieval.neighbours is {retrieval['neighbours']}, expected fewer than the sentences of {key}"
            f" ({sentences}); lower the one or raise the other"
        )
    if not experiment_of(config).reads_text(config) and retrieval["reading"] == Similarity.CENTRED_ON_TRAINING:
        raise ConfigError(
            "retrieval.reading is centred_on_training, but this experiment trains no encoder, so that there is no"
            " training text to take means of; expected another of retrieval.readings"
        )


def _checked_chains(key: str, texts: list[str | int], teacher_layers: int) -> list[Chain]:
    try:
        chains = [parse_chain(str(text)) for text in texts]
        for chain in chains:
            check_against_teacher(chain, teacher_layers)
    except ChainError as error:
        raise ConfigError(f"{key}: {error}") from error
    _refuse_repeats(key, chains)
    return chains


def _check_recipes(picked: list[str], recipes: dict[str, Any]) -> None:
    for name, recipe in recipes.items():
        if not re.fullmatch(RECIPE_PATTERN, name) or name in RESERVED_RECIPES:
            raise ConfigError(
                f"distillation.recipes has the name {name!r}, expected small letters, digits, '-' and '_', and none of"
                f" {', '.join(RESERVED_RECIPES)}; rename it"
            )
        where, parts = f"distillation.recipes.{name}.weights", PARTS[recipe["loss"]]
        if set(recipe["weights"]) - {SENTENCE} != set(parts):
            raise ConfigError(
                f"{where} names {', '.join(recipe['weights']) or 'nothing'}, expected {' and '.join(parts)}, the parts"
                f" of the loss {recipe['loss']}; name exactly these (0 leaves one out), and {SENTENCE} if wanted"
            )
        if not any(recipe["weights"].values()):
            raise ConfigError(f"{where} are all 0, expected one above 0; raise one, or a student has nothing to match")
        if recipe.get("normalise") and not {"hidden", SENTENCE} & set(recipe["weights"]):
            raise ConfigError(
                f"distillation.recipes.{name}.normalise is true, but no part of the loss {recipe['loss']} is an error"
                f" of hidden states; set it to false, or add {SENTENCE} to the weights"
            )
    for name in picked:
        if name not in recipes:
            raise ConfigError(
                f"recipes names {name}, expected some of {', '.join(recipes)}; correct it, or describe it under"
                " distillation.recipes"
            )


def _check_starts(config: dict[str, Any]) -> None:
    """Checks that the layers which a recipe lists are those of every teacher, and as many as every student has."""
    chains = [parse_chain(str(text)) for text in config["chains"] + config["compute_matched"]]
    hops = [(link, link.parent) for chain in chains for link in chain.ancestry if link.parent and link.budget]
    for name in config["recipes"]:
        start = config["distillation"]["recipes"][name]["initialisation"]
        for student, teacher in hops if isinstance(start, list) else []:
            if len(start) != student.layers or start != sorted(set(start)) or start[-1] > teacher.layers:
                raise ConfigError(
                    f"distillation.recipes.{name}.initialisation is {start}, expected {student.layers} rising numbers"
                    f" from 1 to {teacher.layers}, of layers that chain '{student}' starts from; correct it, or"
                    " compare this chain with another recipe"
                )


def _check_scratch(config: dict[str, Any]) -> None:
    """Checks that runs are there for encoders from random weights, and that what these cost can be planned."""
    scratch = [chain for chain in map(parse_chain, map(str, config["chains"])) if not chain.root]
    if scratch and not config["scratch_runs"]:
        raise ConfigError(
            f"scratch_runs is 0, but chains lists {scratch[0]}, which starts from random weights; raise the one, or"
            f" take {scratch[0]} out of chains"
        )
    vocabulary, pretrain = config["teacher"]["vocabulary"], config["teacher"]["source"] == "pretrain"
    if vocabulary != teachers.ALL and pretrain:
        raise ConfigError(
            f"teacher.vocabulary is {vocabulary}, expected {teachers.ALL} of a teacher that is pre-trained here; its"
            " size is tokenizer.vocabulary"
        )
    if vocabulary != teachers.ALL and config["compute_matched"] and config["scratch_runs"]:
        raise ConfigError(
            f"teacher.vocabulary is {vocabulary}, which leaves unknown how many rows there will be, and what the"
            " control from scratch of compute_matched costs depends on it; set scratch_runs: 0, or teacher.vocabulary:"
            f" {teachers.ALL}"
        )


def _check_sizes(config: dict[str, Any]) -> None:
    teacher = config["teacher"]
    positions = teacher["positions"]
    if teacher["hidden"] % teacher["heads"]:
        raise ConfigError(
            f"teacher.hidden is {teacher['hidden']}, expected a multiple of teacher.heads ({teacher['heads']});"
            " change one of the two"
        )
    lengths = {"text.row": config["text"]["row"], "finetuning.max_tokens": config["finetuning"]["max_tokens"]}
    lengths |= {f"efficiency.lengths[{i}]": tokens for i, tokens in enumerate(config["efficiency"]["lengths"])}
    for key, tokens in lengths.items():
        if tokens > positions:
            raise ConfigError(
                f"{key} is {tokens}, expected at most teacher.positions ({positions}); lower the one or raise the other"
            )
    made = config["data"]["task"]["source"] == "cldr"
    key, examples = (
        ("data.cldr.train", config["data"]["cldr"]["train"])
        if made
        else ("data.task.train_limit", config["data"]["task"]["train_limit"])
    )
    if examples is not None and config["finetuning"]["batch"] > examples:
        raise ConfigError(
            f"finetuning.batch is {config['finetuning']['batch']}, expected at most {key} ({examples});"
            " lower the one or raise the other"
        )


def _check_sources(config: dict[str, Any]) -> None:
    """Checks that what a source names is there: every file of a folder; of a teacher, its kind and its sizes."""
    task, teacher, retrieval = config["data"]["task"], config["teacher"], config["data"]["retrieval"]
    for key, section in (("data.task", task), ("data.retrieval", retrieval)):
        if section["source"] == "folder":
            _check_folder(key, section)
    languages = config["languages"]
    try:
        if task["source"] != "cldr":
            sources.check_task(task, languages)
        corpora.check_corpora(config)
        if retrieval["source"] == "folder" and sources.is_pairwise(retrieval):
            sources.paired_files(retrieval["folder"], retrieval["files"], languages)
        elif retrieval["source"] == "folder":
            sources.aligned_files(retrieval["folder"], languages)
        if retrieval["source"] == "hub" and "{language}" not in retrieval["hub"]["files"]:
            raise sources.SourceError(
                f"data.retrieval.hub.files is {retrieval['hub']['files']!r}, expected {{language}} in it; without it"
                " every language would retrieve the same sentences"
            )
        if teacher["source"] == "folder":
            teachers.teacher_files(teacher["folder"])
            teachers.check_architecture(teacher["folder"], teacher, config["tokenizer"]["vocabulary"])
    except sources.SourceError as error:
        raise ConfigError(str(error)) from None


def _check_task_name(config: dict[str, Any]) -> None:
    """Checks that a task has a name of its own, and that what is made here is made in languages it can be made in."""
    task = config["data"]["task"]
    if (task["source"] == "cldr") != (task["name"] == sources.CLDR_TASK):
        raise ConfigError(
            f"data.task.name is {task['name']}, but data.task.source is {task['source']}, expected the source cldr"
            f" for {sources.CLDR_TASK}, folder or hub for others; correct one, or take a preset of experiments/tasks"
        )
    others = [language for language in config["languages"] if language not in sources.CLDR_LANGUAGES]
    made = {"data.task": task} | {f"data.text[{i}]": entry for i, entry in enumerate(config["data"]["text"])}
    made |= {"data.retrieval": config["data"]["retrieval"]}
    for key, section in made.items():
        if section["source"] == "cldr" and others:
            elsewhere = "folder, hub or none" if key == "data.retrieval" else "folder or hub"
            raise ConfigError(
                f"languages names {others[0]}, expected some of {', '.join(sources.CLDR_LANGUAGES)}, in which"
                f" {key} can be made; remove it, or set {key}.source to {elsewhere}"
            )


def _check_folder(key: str, section: dict[str, Any]) -> None:
    if section["folder"] is None:
        raise ConfigError(f"{key}.folder is null, expected a folder since {key}.source is folder; name one")
    if not Path(section["folder"]).is_dir():
        raise ConfigError(
            f"{key}.folder is {section['folder']!r}, but there is no folder {Path(section['folder']).resolve()};"
            " correct the path or create the folder"
        )


def _refuse_repeats(key: str, values: list[Any]) -> None:
    for i, value in enumerate(values):
        if value in values[:i]:
            shown = repr(value) if isinstance(value, str) else value
            raise ConfigError(f"{key} lists {shown} more than once, expected distinct entries; remove one")
