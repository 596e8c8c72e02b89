"""What the other files share: the plan of the experiment, paths, inputs.

Needs the merged config; refuses a wrong one in one sentence before anything runs.
"""

import os

from camembert.chain import parse_chain
from camembert.config import ConfigError, check_config
from camembert.experiment import EncoderId, experiment_of
from camembert.provenance import hash_of

try:
    check_config(config, Path(workflow.basedir) / "schemas" / "config.schema.yaml")
except ConfigError as error:
    raise WorkflowError(str(error)) from None

EXPERIMENT = experiment_of(config)
RESULTS = f"results/{config['experiment']}"
CONFIG_HASH = hash_of(config)
ENCODER = "{recipe}/{chain}/d{distill_seed}"
CLASSIFIER = f"{ENCODER}-s{{seed}}"

for folder in (Path(RESULTS), *Path(RESULTS).parents):
    if folder.exists():
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise WorkflowError(
                f"{folder.resolve()} cannot be written to; results go there: choose another --directory"
            )
        break


wildcard_constraints:
    language="|".join(config["languages"]),
    recipe="[a-z]+",
    chain=r"[\dx.-]+",
    distill_seed=r"\d+",
    seed=r"\d+",


def result(path):
    """A path inside the experiment's results folder; wildcards stay as they are."""
    return f"{RESULTS}/{path}"


def encoder_folder(encoder):
    """The folder of an encoder."""
    return result(f"encoders/{encoder.path}")


def encoder_at(wildcards):
    """The encoder that a job's wildcards name."""
    return EncoderId(wildcards.recipe, parse_chain(wildcards.chain), int(wildcards.distill_seed))


def display_order():
    """Recipe, chain, display name and method of every model, in the order of tables and figures."""
    return [
        {
            "recipe": encoder.recipe,
            "chain": str(encoder.chain),
            "label": EXPERIMENT.label(encoder.chain),
            "method": str(EXPERIMENT.method(encoder.chain)),
        }
        for encoder in EXPERIMENT.encoders
    ]


def of_all_classifiers(pattern):
    """A path for every classifier; `{}` stands for the classifier."""
    return [result(pattern.format(classifier.path)) for classifier in EXPERIMENT.classifiers]


def of_all_encoders(pattern):
    """A path for every encoder; `{}` stands for the encoder."""
    return [result(pattern.format(encoder.path)) for encoder in EXPERIMENT.encoders]


def pretraining_steps(wildcards):
    """Optimiser steps of an encoder that starts from random weights; 0 leaves it random."""
    chain = parse_chain(wildcards.chain)
    if chain.is_teacher:
        return config["pretraining"]["steps"]
    return round(chain.budget * config["distillation"]["steps"])


def teacher_folder(wildcards):
    """The encoder one link up the chain."""
    return encoder_folder(encoder_at(wildcards).parent)


def show_results():
    """Prints the main table and where tables and figures are; says nothing where there is no table yet."""
    table = Path(result("tables/accuracy_by_language.md"))
    if table.is_file():
        print(table.read_text(encoding="utf-8"))
        for folder in ("tables", "figures"):
            print(f"{folder}:", *sorted(str(path) for path in Path(result(folder)).iterdir()), sep="\n  ")
