"""What an experiment's paper shows: its models, comparisons, tables and figures, worked out from its config alone.

It is pure: the Snakefile imports it, and so does what makes a record's tables again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from camembert.plan.comparisons import comparisons_of
from camembert.plan.experiment import experiment_of
from camembert.plan.readings import headline_of
from camembert.plan.sources import ENGLISH

TABLES = {
    "summary": "Summary",
    "accuracy_by_language": "Accuracy by language",
    "probe_by_language": "Linear probes by language",
    "retrieval_by_language": "Retrieval by language",
    "retrieval_readings": "Readings of retrieval",
    "comparisons": "Comparisons",
    "ablation": "Ablation",
    "convergence": "Convergence of fine-tuning",
    "cost": "Cost",
    "efficiency": "Efficiency",
}
"""Titles of the tables for people, by name."""
FIGURES = {
    "accuracy_by_language": "Accuracy by language",
    "retrieval_by_language": "Retrieval by language",
    "retrieval_readings": "Readings of retrieval",
    "accuracy_along_cascade": "Accuracy along the cascade",
    "pareto": "Accuracy against cost",
    "languages": "Where compression hurts",
    "ablation": "Ablation",
    "training_curves": "Training curves",
}
"""Titles of the figures, by name."""
DATA_TABLES = ("accuracy", "languages")
"""Tables that programs read, as .csv alone."""
CONCLUSION = "conclusion"
"""The sentences to be quoted, as .md alone."""


def paper_settings(config: dict[str, Any]) -> dict[str, Any]:
    """What tables and figures need to know beside answers, metrics and curves: the settings of `Material.read`."""
    experiment = experiment_of(config)
    return {
        "experiment": config["experiment"],
        "task": config["data"]["task"]["name"],
        "models": [
            {
                "recipe": encoder.recipe,
                "chain": str(encoder.chain),
                "label": experiment.label(encoder.chain),
                "method": str(experiment.method(encoder.chain)),
            }
            for encoder in experiment.encoders
        ],
        "planned": [
            {"contrast": str(pair.contrast), "first": list(pair.first), "second": list(pair.second)}
            for pair in comparisons_of(config, experiment)
        ],
        "margin": config["comparisons"]["margin"],
        "recipes": config["recipes"],
        "lengths": config["efficiency"]["lengths"],
        "reading": headline_of(config["retrieval"]).name,
        "trained_on": config["data"]["task"].get("train_languages", [ENGLISH]),
        "soft_labels": config["finetuning"].get("teacher", "none"),
    }


def tables_of(config: dict[str, Any]) -> Mapping[str, str]:
    """The tables for people that an experiment has, by name."""
    return {name: title for name, title in TABLES.items() if name not in _left_out(config)}


def data_tables_of(config: dict[str, Any]) -> list[str]:
    """The tables for programs that an experiment has."""
    return [name for name in DATA_TABLES if name not in _left_out(config)]


def figures_of(config: dict[str, Any]) -> Mapping[str, str]:
    """The figures that an experiment has, by name."""
    compares = bool(comparisons_of(config, experiment_of(config)))
    left_out = _left_out(config) | (set() if compares else {"retrieval_readings"})
    return {name: title for name, title in FIGURES.items() if name not in left_out}


def shows_published_rows(config: dict[str, Any]) -> bool:
    """Whether accuracies are on the whole test set of XNLI after all of its training pairs, as published ones are."""
    task = config["data"]["task"]
    english = task.get("train_languages", [ENGLISH]) == [ENGLISH]
    return task["name"].startswith("xnli") and english and not task["split_dev"] and task["train_limit"] is None


def _left_out(config: dict[str, Any]) -> set[str]:
    """Tables and figures that there is nothing for."""
    experiment = experiment_of(config)
    left_out = set()
    if not experiment.classifiers:
        left_out |= {"accuracy_by_language", "convergence", "languages"}
    trains = config["teacher"]["source"] == "pretrain" or any(chain.budget for chain in experiment.chains)
    if not (trains or experiment.classifiers):
        left_out.add("training_curves")
    if config["data"]["retrieval"]["source"] == "none":
        left_out |= {"retrieval_by_language", "retrieval_readings"}
    if not config["probe"]["enabled"]:
        left_out.add("probe_by_language")
    if len(config["recipes"]) == 1:
        left_out.add("ablation")
    if not (experiment.reads_text(config) and any(chain.parent for chain in experiment.chains)):
        left_out.add("languages")
    return left_out
