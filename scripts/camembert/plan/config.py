"""The config: what it may say.

The schema documents every key and checks it by itself; this module reports what the schema finds in one
sentence and checks what one key asks of another. It is pure: the Snakefile imports it before any job runs.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Hashable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.exceptions import best_match

from camembert.plan import corpora, sources, teachers
from camembert.plan.chain import Chain, ChainError, check_against_teacher, parse_chain
from camembert.plan.experiment import RESERVED_RECIPES
from camembert.plan.recipe import PARTS
from camembert.plan.resources import ResourceError, check_resources

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

_TYPE_NAMES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "a mapping of keys",
    "string": "a text",
}
_BOUND_NAMES = {
    "minimum": "of at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minItems": "of at least {} entry",
    "minLength": "of at least {} letter",
    "multipleOf": "a multiple of {}",
    "pattern": "that matches {}",
}

# JSON Schema counts 32.0 as an integer, which range(32.0) does not, and YAML's .nan and .inf as numbers.
_Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: type(value) is int,
            "number": lambda _, value: type(value) is int or (type(value) is float and math.isfinite(value)),
        }
    ),
)

RENAMED = {
    "seeds": "runs: [1, 2, 3], the repetitions of the experiment, each with its own seeds",
    "distill_seeds": "runs: [1, 2, 3], the repetitions of the experiment, each with its own seeds",
    "comparisons.questions": "comparisons.planned",
}
"""Keys of earlier versions, and what says the same now."""


def check_config(config: dict[str, Any], schema_path: str | Path) -> None:
    """Checks a whole config, overlays merged, before anything is built from it.

    Sizes of a local teacher that are null become what its config.json says.

    Raises:
        ConfigError: on the first thing that is wrong, in one sentence.
    """
    schema = yaml.safe_load(Path(schema_path).read_text(encoding="utf-8"))
    error = best_match(_Validator(schema).iter_errors(config))
    if error is not None:
        raise ConfigError(_sentence(error))
    _fill_sizes(config)
    _check_lists(config)
    _check_chains(config)
    _check_recipes(config["recipes"], config["distillation"]["recipes"])
    _check_sizes(config)
    _check_task_name(config)
    try:
        check_resources(config)
    except ResourceError as error:
        raise ConfigError(str(error)) from None
    _check_sources(config)


def _sentence(error: ValidationError) -> str:
    """Says what a schema error means to the person who wrote the config."""
    schema: Any = error.schema
    found: Any = error.instance
    path = error.json_path.removeprefix("$").removeprefix(".")
    prefix = f"{path}." if path else ""
    if error.validator == "additionalProperties":
        unknown = next(key for key in found if key not in schema["properties"])
        close = get_close_matches(str(unknown), schema["properties"], n=1)
        if f"{prefix}{unknown}" in RENAMED:
            return f"the config has the key {prefix}{unknown} of an earlier version; write {RENAMED[prefix + unknown]}"
        advice = f"did you mean {prefix}{close[0]}?" if close else f"expected one of {', '.join(schema['properties'])}"
        return f"the config has an unknown key {prefix}{unknown}; {advice}"
    if error.validator == "required":
        missing = next(key for key in schema["required"] if key not in found)
        return f"the config has no {prefix}{missing}; add it: {schema['properties'][missing]['description']}"
    advice = "correct it in config.yaml, the --configfile overlay or --config"
    if isinstance(found, float) and not math.isfinite(found):
        advice = "write a finite number"
    if schema.get("type") == "number" and re.fullmatch(r"[\d.]+[eE][+-]?\d+", str(found)):
        advice = "YAML reads powers of ten only with a dot and a sign, as in 1.0e-3"
    shown = json.dumps(found, ensure_ascii=False, default=str)
    return f"{path or 'the config'} is {shown}, expected {_expected(schema)}; {advice}"


def _expected(schema: dict[str, Any]) -> str:
    """Describes what a schema accepts: ``an integer of at least 1``."""
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    bounds = [name.format(schema[key]) for key, name in _BOUND_NAMES.items() if key in schema]
    return " ".join([" or ".join(_TYPE_NAMES[name] for name in types), " and ".join(bounds)]).strip()


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


def _check_retrieval_layer(layer: str | int, chains: list[str]) -> None:
    """Checks that every encoder has the layer that is asked for; assistants are deeper than their students."""
    shallowest = min(map(parse_chain, chains), key=lambda chain: chain.layers)
    if layer != "top" and (isinstance(layer, str) or layer > shallowest.layers):
        raise ConfigError(
            f"retrieval.layer is {layer}, expected top or a layer that every encoder has, 1 to {shallowest.layers}"
            f" (chain '{shallowest}' has no more); correct it"
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
        if set(recipe["weights"]) != set(parts):
            raise ConfigError(
                f"{where} names {', '.join(recipe['weights']) or 'nothing'}, expected {' and '.join(parts)}, the parts"
                f" of the loss {recipe['loss']}; name exactly these (0 leaves one out)"
            )
        if not any(recipe["weights"].values()):
            raise ConfigError(f"{where} are all 0, expected one above 0; raise one, or a student has nothing to match")
    for name in picked:
        if name not in recipes:
            raise ConfigError(
                f"recipes names {name}, expected some of {', '.join(recipes)}; correct it, or describe it under"
                " distillation.recipes"
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
        if retrieval["source"] == "folder":
            sources.aligned_files(retrieval["folder"], languages)
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
            elsewhere = "folder or none" if key == "data.retrieval" else "folder or hub"
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
            raise ConfigError(f"{key} lists {value} more than once, expected distinct entries; remove one")
