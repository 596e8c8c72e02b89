"""Which pairs of models an experiment compares. It is pure: the Snakefile imports it before any job runs."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from camembert.plan.chain import Chain, Hop, Method, parse_chain
from camembert.plan.config import ConfigError
from camembert.plan.experiment import Experiment, controls_of, encoder_of

STUDENTS = (Method.DIRECT, Method.DIRECT_LONGER, Method.ASSISTANT, Method.CASCADE)


class Question(StrEnum):
    """What a pair of models is compared for: the names of ``comparisons.questions`` in the config, and other."""

    DIRECT_EQUAL_COMPUTE = "direct_equal_compute"
    DIRECT = "direct"
    SCRATCH_EQUAL_COMPUTE = "scratch_equal_compute"
    COPIED_LAYERS = "copied_layers"
    TEACHER = "teacher"
    OTHER = "other"


class Comparison(NamedTuple):
    """A pair of models, each with its recipe: how far is the first above the second?"""

    question: Question
    first: tuple[str, str]
    second: tuple[str, str]


def comparisons_of(config: dict[str, Any], experiment: Experiment) -> list[Comparison]:
    """Works out the pairs a config asks about, recipe by recipe, in the order of its questions.

    A question whose second model the experiment does not hold, such as copied layers of that depth, has no pair.

    Raises:
        ConfigError: a pair of ``comparisons.pairs`` names a chain that the experiment does not hold.
    """
    pairs = [pair for name in config["comparisons"]["questions"] for pair in _pairs(Question(name), config, experiment)]
    for texts in config["comparisons"]["pairs"]:
        first, second = (parse_chain(str(text)) for text in texts)
        for chain in (first, second):
            if chain not in experiment.chains:
                raise ConfigError(
                    f"comparisons.pairs names chain '{chain}', but the experiment does not build it; add it to chains"
                )
        pairs.append((Question.OTHER, first, second))
    return list(
        dict.fromkeys(
            Comparison(question, _model(first, recipe), _model(second, recipe))
            for question, first, second in pairs
            if second in experiment.chains
            for recipe in experiment.recipes
        )
    )


def _pairs(
    question: Question, config: dict[str, Any], experiment: Experiment
) -> Iterator[tuple[Question, Chain, Chain]]:
    controls = controls_of(config)
    for chain in experiment.chains:
        method = experiment.method(chain)
        if method is Method.CASCADE:
            if question is Question.DIRECT:
                yield question, chain, Chain(chain.root, (Hop(chain.layers, 1.0),))
            if question in (Question.DIRECT_EQUAL_COMPUTE, Question.SCRATCH_EQUAL_COMPUTE) and chain in controls:
                yield question, chain, controls[chain][question is Question.SCRATCH_EQUAL_COMPUTE]
        if method in STUDENTS and chain.root:
            if question is Question.COPIED_LAYERS:
                yield question, chain, Chain(chain.root, (Hop(chain.layers, 0.0),))
            if question is Question.TEACHER:
                yield question, chain, Chain(chain.root, ())


def _model(chain: Chain, recipe: str) -> tuple[str, str]:
    """Recipe and chain of a model as tables name it."""
    return encoder_of(chain, recipe, 0).recipe, str(chain)
