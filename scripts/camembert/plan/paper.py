"""What an experiment's paper shows: its tables and figures, worked out from its config alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from camembert.plan.chain import Method, parse_chain
from camembert.plan.experiment import QUESTIONS, plan_comparisons, plan_experiment
from camembert.plan.sources import ENGLISH

TABLES = {
    "summary": "Summary",
    "accuracy_by_language": "Accuracy by language",
    "probe_by_language": "Linear probes by language",
    "retrieval_by_language": "Retrieval by language",
    "retrieval_readings": "Readings of retrieval",
    "comparisons": "Comparisons",
    "budgets": "Budgets",
    "ablation": "Ablation",
    "convergence": "Convergence of fine-tuning",
    "cost": "Cost",
    "efficiency": "Efficiency",
}
"""Titles of the tables, by name."""
FIGURES = {
    "finding": "Finding",
    "pareto": "Accuracy against latency",
    "budgets": "Accuracy against training",
    "accuracy_by_language": "Accuracy by language",
    "retrieval_by_language": "Retrieval by language",
    "ablation": "Ablation",
    "training_curves": "Training curves",
}
"""Titles of the figures, by name."""
CONCLUSION = "conclusion"
"""The sentences to be quoted, as .md alone."""
BY_MARKER = ("pareto", "accuracy_by_language", "retrieval_by_language", "training_curves")
"""Figures that tell models apart by hue, marker and filling."""
MOST_OF_A_METHOD = 4
"""More models of one method, as in an ablation, nobody tells apart by the filling of their markers."""
STUDENTS_BY_BUDGET = (Method.DIRECT, Method.DIRECT_LONGER, Method.CASCADE)
"""Methods whose students at several budgets are compared."""


def list_tables(config: Mapping[str, Any]) -> dict[str, str]:
    """The tables that an experiment has, by name, with their titles."""
    return {name: title for name, title in TABLES.items() if name not in _left_out(config)}


def list_figures(config: Mapping[str, Any]) -> dict[str, str]:
    """The figures that an experiment has, by name, with their titles."""
    experiment, left_out = plan_experiment(config), _left_out(config)
    if not any(pair.contrast in QUESTIONS for pair in plan_comparisons(config, experiment)):
        left_out.add("finding")
    if len({chain.layers for chain in experiment.chains}) == 1:
        left_out.add("pareto")
    models = {(encoder.recipe, encoder.chain) for encoder in experiment.encoders}
    by_method = Counter(experiment.method(chain) for _, chain in models)
    if max(by_method.values(), default=0) > MOST_OF_A_METHOD:
        left_out |= set(BY_MARKER)
    return {name: title for name, title in FIGURES.items() if name not in left_out}


def drop_budgets(chain: str) -> str:
    """A chain without its budgets, ``12-6-3``: students of several budgets went the same way."""
    parsed = parse_chain(chain)
    return "-".join(map(str, [parsed.root, *(hop.layers for hop in parsed.hops)]))


def shows_published_rows(config: Mapping[str, Any]) -> bool:
    """Whether accuracies are on the whole test set of XNLI after all of its training pairs, as published ones are."""
    task = config["data"]["task"]
    english = task["train_languages"] == [ENGLISH]
    return task["name"].startswith("xnli") and english and not task["split_dev"] and task["train_limit"] is None


def _left_out(config: Mapping[str, Any]) -> set[str]:
    """Tables and figures that there is nothing for."""
    experiment, left_out = plan_experiment(config), set()
    if not experiment.classifiers:
        left_out |= {"accuracy_by_language", "convergence"}
    trains = config["teacher"]["source"] == "pretrain" or any(chain.budget for chain in experiment.chains)
    if not (trains or experiment.classifiers):
        left_out.add("training_curves")
    if config["data"]["retrieval"]["source"] == "none":
        left_out |= {"retrieval_by_language", "retrieval_readings"}
    if not config["probe"]["enabled"]:
        left_out.add("probe_by_language")
    if len(config["recipes"]) == 1:
        left_out.add("ablation")
    students = [chain for chain in experiment.chains if experiment.method(chain) in STUDENTS_BY_BUDGET]
    if len({drop_budgets(str(chain)) for chain in students}) == len(students):
        left_out.add("budgets")
    return left_out
