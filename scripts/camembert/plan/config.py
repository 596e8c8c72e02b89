"""The config: it is read, and what keys of different sections ask of each other is checked, before any job runs."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from camembert.plan import corpora, sources, teachers
from camembert.plan.chain import ChainError, check_against_teacher, parse_chain
from camembert.plan.experiment import RESERVED_RECIPES, Experiment, list_stages, plan_experiment
from camembert.plan.keys import Config
from camembert.plan.schema import ConfigError, describe_error

# --- reading ------------------------------------------------------------------------------------------------------


class _UniqueKeyLoader(yaml.SafeLoader):
    """Reads YAML and refuses a key written twice, of which plain YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names = [name.value for name, _ in node.value]
        for i, (name, _) in enumerate(node.value):
            if name.value in names[:i]:
                raise yaml.MarkedYAMLError(problem=f"the key {name.value!r} is repeated", problem_mark=name.start_mark)
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
    for name in sorted(config):
        value = config.pop(name)
        if isinstance(value, dict):
            sort_keys(value)
        config[name] = value


# --- checking -----------------------------------------------------------------------------------------------------


def check_config(config: dict[str, Any]) -> None:
    """Checks a whole config, overlays merged, before anything is built from it.

    Sizes of a local teacher that are null become what its config.json says.

    Raises:
        ConfigError: on the first thing that is wrong, in one sentence.
    """
    try:
        checked = Config.model_validate(config)
        if checked.teacher.source == "folder":
            sources.check_folder("teacher", checked.teacher.folder)
        teachers.fill_sizes(config)
        _check_languages(checked)
        _check_chains(checked, config["teacher"]["num_hidden_layers"])
        experiment = plan_experiment(config)
        _check_recipes(checked, experiment)
        _check_pairs(checked, experiment)
        _check_runs(checked)
        _check_soft_labels(checked)
        _check_evaluations(checked, experiment.reads_text(config))
        _check_sizes(checked, config["teacher"])
        _check_resources(checked, list_stages(config, experiment))
        _check_files(config)
    except ValidationError as error:
        raise ConfigError(describe_error(error, config, Config)) from None
    except (ChainError, sources.SourceError) as error:
        raise ConfigError(str(error)) from None


def _check_languages(config: Config) -> None:
    """Checks that labels and English are among the languages, and that what is made here can be made in all of them."""
    languages, data = config.languages, config.data
    for language in data.task.train_languages:
        if language not in languages:
            raise ConfigError(
                f"languages is {', '.join(languages)}, expected {language} among them; add it, classifiers are trained"
                " on it by data.task.train_languages"
            )
    if data.retrieval.source != "none" and sources.ENGLISH not in languages:
        raise ConfigError(
            f"languages is {', '.join(languages)}, expected en among them, as sentences are retrieved in English; add"
            " it, or set data.retrieval.source to none"
        )
    if (data.task.source == "cldr") != (data.task.name == sources.CLDR_TASK) or data.task.name == "retrieval":
        raise ConfigError(
            f"data.task.name is {data.task.name}, but data.task.source is {data.task.source}, expected the source cldr"
            f" for {sources.CLDR_TASK}, folder or hub for others (none called retrieval); correct one, or take a preset"
            " of experiments/tasks"
        )
    others = [language for language in languages if language not in sources.CLDR_LANGUAGES]
    made = {"data.task": data.task.source} | {f"data.text[{i}]": each.source for i, each in enumerate(data.text)}
    for section, source in (made | {"data.retrieval": data.retrieval.source}).items():
        if source == "cldr" and others:
            raise ConfigError(
                f"languages names {others[0]}, expected some of {', '.join(sources.CLDR_LANGUAGES)}, in which"
                f" {section} can be made; remove it, or choose another {section}.source"
            )
    if languages == [sources.ENGLISH] and data.retrieval.source != "none":
        raise ConfigError(
            "languages is en alone, but retrieval needs another language to find sentences in; add one, or set"
            " data.retrieval.source to none"
        )


def _check_chains(config: Config, layers: int) -> None:
    """Checks that chains start from the teacher or random weights, and that what is matched is a cascade."""
    asked = {name: [parse_chain(text) for text in getattr(config, name)] for name in ("chains", "compute_matched")}
    for name, chains in asked.items():
        try:
            for chain in chains:
                check_against_teacher(chain, layers)
        except ChainError as error:
            raise ConfigError(f"{name}: {error}") from None
    for chain in asked["compute_matched"]:
        if not (chain.root and len(chain.hops) > 1 and all(hop.budget for hop in chain.hops)):
            raise ConfigError(
                f"compute_matched: chain '{chain}' is not a cascade, expected the teacher and two or more hops with"
                " training; correct or remove it"
            )
    encoders = asked["chains"] + asked["compute_matched"]  # assistants on the way are deeper
    shallowest = min(encoders, key=lambda chain: chain.layers)
    if isinstance(config.retrieval.layer, int) and config.retrieval.layer > shallowest.layers:
        raise ConfigError(
            f"retrieval.layer is {config.retrieval.layer}, expected top or a layer that every encoder has, 1 to"
            f" {shallowest.layers} (chain '{shallowest}' has no more); correct it"
        )


def _check_recipes(config: Config, experiment: Experiment) -> None:
    """Checks that recipes are described, and that the layers they list are those of every teacher."""
    recipes = config.distillation.recipes
    for name in RESERVED_RECIPES:
        if name in recipes:
            raise ConfigError(f"distillation.recipes has the name {name}, which is that of other models; rename it")
    hops = [(link, link.parent) for link in experiment.chains if link.parent and link.budget]
    for name in config.recipes:
        if name not in recipes:
            raise ConfigError(
                f"recipes names {name}, expected some of {', '.join(recipes)}; correct it, or describe it under"
                " distillation.recipes"
            )
        start: Any = recipes[name].initialisation
        for student, teacher in hops if isinstance(start, list) else []:
            if len(start) != student.layers or start != sorted(set(start)) or start[-1] > teacher.layers:
                raise ConfigError(
                    f"distillation.recipes.{name}.initialisation is {start}, expected {student.layers} rising numbers"
                    f" from 1 to {teacher.layers}, of layers that chain '{student}' starts from; correct it, or"
                    " compare this chain with another recipe"
                )


def _check_pairs(config: Config, experiment: Experiment) -> None:
    """Checks that the pairs that are compared are built."""
    for chain in (parse_chain(text) for pair in config.comparisons.pairs for text in pair):
        if chain not in experiment.chains:
            raise ConfigError(
                f"comparisons.pairs names chain '{chain}', but the experiment does not build it; add it to chains"
            )


def _check_runs(config: Config) -> None:
    """Checks that no more runs are asked for than there are, and that encoders from random weights can be planned."""
    for name in ("scratch_runs", "finetuned_runs", "reference_runs"):
        if (asked := getattr(config, name) or 0) > len(config.runs):
            raise ConfigError(f"{name} is {asked}, expected at most the number of runs ({len(config.runs)}); lower it")
    scratch = [chain for chain in config.chains if str(chain).startswith("0")]
    if scratch and not config.scratch_runs:
        raise ConfigError(
            f"scratch_runs is 0, but chains lists {scratch[0]}, which starts from random weights; raise the one, or"
            f" take {scratch[0]} out of chains"
        )
    vocabulary = config.teacher.vocabulary
    if vocabulary != teachers.ALL and config.teacher.source == "pretrain":
        raise ConfigError(
            f"teacher.vocabulary is {vocabulary}, expected {teachers.ALL} of a teacher that is pre-trained here; its"
            " size is tokenizer.vocab_size"
        )
    if vocabulary != teachers.ALL and config.compute_matched and config.scratch_runs:
        raise ConfigError(
            f"teacher.vocabulary is {vocabulary}, which leaves unknown how many rows there will be, and what the"
            " control from scratch of compute_matched costs depends on it; set scratch_runs: 0, or teacher.vocabulary:"
            f" {teachers.ALL}"
        )


def _check_soft_labels(config: Config) -> None:
    """Checks that every run has the classifiers that teach, and that sentences without labels can be learned from."""
    unlabelled, task = config.finetuning.unlabelled, config.data.task
    names = [corpus.name for corpus in config.data.text]
    for name in unlabelled:
        if name not in names:
            raise ConfigError(
                f"finetuning.unlabelled names {name}, expected corpora of data.text ({', '.join(names)}); correct it,"
                " or describe that corpus there (share: 0 keeps it out of distillation)"
            )
    if unlabelled and config.finetuning.teacher == "none":
        raise ConfigError(
            f"finetuning.unlabelled names {unlabelled[0]}, but finetuning.teacher is none, so that its sentences have"
            " neither gold nor soft labels; set finetuning.teacher to root or parent, or unlabelled to []"
        )
    if unlabelled and (task.source == "cldr" or task.columns.text_pair):
        raise ConfigError(
            f"finetuning.unlabelled names {unlabelled[0]}, whose documents are single texts, but the examples of"
            f" {task.name} are pairs; set it to [] (soft labels of the training pairs stay)"
        )
    finetuned = config.runs[: config.finetuned_runs]
    if config.finetuning.teacher != "none" and finetuned != finetuned[: config.reference_runs]:
        raise ConfigError(
            f"reference_runs is {config.reference_runs}, but finetuning.teacher is {config.finetuning.teacher}, so that"
            " students of every run learn from a classifier of that run; set reference_runs to null"
        )


def _check_evaluations(config: Config, reads_text: bool) -> None:
    """Checks that anything is evaluated, and that retrieval can be read as is asked."""
    retrieval = config.retrieval
    if config.data.retrieval.source == "none":
        if config.finetuned_runs == 0 and not config.probe.enabled:
            raise ConfigError(
                "finetuned_runs is 0, probe.enabled is false and data.retrieval.source is none, so that no encoder"
                " would be evaluated; turn one of them on"
            )
        return
    if config.data.retrieval.source == "cldr":
        _at_most("retrieval.neighbours", retrieval.neighbours, "retrieval.documents less 1", retrieval.documents - 1)
    elif limit := config.data.retrieval.limit:
        _at_most("retrieval.neighbours", retrieval.neighbours, "data.retrieval.limit less 1", limit - 1)
    if retrieval.reading == "centred_on_training" and not reads_text:
        raise ConfigError(
            "retrieval.reading is centred_on_training, but this experiment trains no encoder, so that there is no"
            " training text to take means of; expected another of retrieval.readings"
        )


def _check_sizes(config: Config, teacher: dict[str, Any]) -> None:
    """Checks that heads divide the width, and that rows and batches are no longer than what they are of."""
    hidden, heads, longest = (teacher[size] for size in ("hidden_size", "num_attention_heads", "max_length"))
    if hidden % heads:
        raise ConfigError(
            f"teacher.hidden_size is {hidden}, expected a multiple of teacher.num_attention_heads ({heads}); change one"
        )
    _at_most("text.sequence_length", config.text.sequence_length, "teacher.max_length", longest)
    _at_most("finetuning.max_length", config.finetuning.max_length, "teacher.max_length", longest)
    for i, tokens in enumerate(config.efficiency.lengths):
        _at_most(f"efficiency.lengths[{i}]", tokens, "teacher.max_length", longest)
    batch, limit = config.finetuning.batch_size, config.data.task.train_limit
    if config.data.task.source == "cldr":
        _at_most("finetuning.batch_size", batch, "data.cldr.train", config.data.cldr.train)
    elif limit:
        _at_most("finetuning.batch_size", batch, "data.task.train_limit", limit)


def _check_resources(config: Config, stages: list[str]) -> None:
    """Checks of stages with jobs that every GPU that is reserved computes, and has rows and threads of its own."""
    batches = dict.fromkeys(("pretraining", "distillation"), ("text.batch_size", config.text.batch_size))
    batches["finetuning"] = ("finetuning.batch_size", config.finetuning.batch_size)
    for stage in stages:
        gpus, reserved = getattr(config.resources, stage).gpu, f"resources.{stage}.gpu"
        if config.device == "cuda" and not gpus:
            raise ConfigError(f"device is cuda, but {reserved} is 0; reserve a GPU there, or set device to auto or cpu")
        if config.device == "cpu" and gpus:
            raise ConfigError(
                f"device is cpu, but {reserved} is {gpus}, and nothing would compute on what it reserves; set it to 0,"
                " or device to auto or cuda"
            )
        if stage not in batches:
            if gpus > 1:
                raise ConfigError(f"{reserved} is {gpus}, but its jobs compute on one GPU each; set it to 1")
            continue
        _at_most(reserved, gpus, *batches[stage])
        if gpus > 1:
            _at_most(reserved, gpus, f"threads.{stage}", getattr(config.threads, stage))


def _at_most(name: str, value: int, limit_name: str, limit: int) -> None:
    if value > limit:
        raise ConfigError(
            f"{name} is {value}, expected at most {limit_name} ({limit}); lower the one or raise the other"
        )


def _check_files(config: dict[str, Any]) -> None:
    """Checks that what a source names is there: every file of a folder; of a teacher, its kind and its sizes."""
    task, teacher, retrieval = config["data"]["task"], config["teacher"], config["data"]["retrieval"]
    for name, section in (("data.task", task), ("data.retrieval", retrieval)):
        if section["source"] == "folder":
            sources.check_folder(name, section["folder"])
    sources.check_task(task, config["languages"])
    corpora.check_corpora(config)
    if retrieval["source"] == "folder" and sources.is_pairwise(retrieval):
        sources.find_paired_files(retrieval["folder"], retrieval["files"], config["languages"])
    elif retrieval["source"] == "folder":
        sources.find_aligned_files(retrieval["folder"], config["languages"])
    if teacher["source"] == "folder":
        teachers.find_teacher_files(teacher["folder"])
        teachers.check_architecture(teacher["folder"], teacher, config["tokenizer"]["vocab_size"])
