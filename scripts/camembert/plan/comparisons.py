"""Planned comparisons: which pairs of models an experiment compares, settled before any job runs.

It is pure: the Snakefile imports it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from camembert.plan.chain import Chain, Hop, Method, parse_chain
from camembert.plan.config import ConfigError
from camembert.plan.experiment import Experiment, controls_of, encoder_of

STUDENTS = (Method.DIRECT, Method.DIRECT_LONGER, Method.ASSISTANT, Method.CASCADE)
"""Methods that distil."""


class Contrast(StrEnum):
    """What a model is compared with: the names of ``comparisons.planned`` in the config, and other."""

    DIRECT_EQUAL_COMPUTE = "direct_equal_compute"
    DIRECT = "direct"
    SCRATCH_EQUAL_COMPUTE = "scratch_equal_compute"
    COPIED_LAYERS = "copied_layers"
    TEACHER = "teacher"
    OTHER = "other"


QUESTIONS = (Contrast.DIRECT_EQUAL_COMPUTE, Contrast.OTHER)
"""What an experiment is about: does a cascade pay, and what the config asks by name."""


class PlannedComparison(NamedTuple):
    """A pair of models, each its recipe and chain: how far is the first above the second?"""

    contrast: Contrast
    first: tuple[str, str]
    second: tuple[str, str]


def read_planned(planned: Iterable[Mapping[str, Any]]) -> list[PlannedComparison]:
    """Reads planned comparisons: mappings with contrast, first and second (recipe and chain each)."""
    return [
        PlannedComparison(Contrast(pair["contrast"]), tuple(pair["first"]), tuple(pair["second"])) for pair in planned
    ]


def comparisons_of(config: dict[str, Any], experiment: Experiment) -> list[PlannedComparison]:
    """Works out the comparisons a config plans, recipe by recipe, in the order of its contrasts.

    A contrast whose second model the experiment does not hold, such as copied layers of that depth, has no pair.

    Raises:
        ConfigError: a pair of ``comparisons.pairs`` names a chain that the experiment does not hold.
    """
    pairs = [pair for name in config["comparisons"]["planned"] for pair in _pairs(Contrast(name), config, experiment)]
    for texts in config["comparisons"]["pairs"]:
        first, second = map(parse_chain, texts)
        for chain in (first, second):
            if chain not in experiment.chains:
                raise ConfigError(
                    f"comparisons.pairs names chain '{chain}', but the experiment does not build it; add it to chains"
                )
        pairs.append((Contrast.OTHER, first, second))
    return list(
        dict.fromkeys(
            PlannedComparison(contrast, _model(first, recipe), _model(second, recipe))
            for contrast, first, second in pairs
            if second in experiment.chains
            for recipe in experiment.recipes
        )
    )


def _pairs(
    contrast: Contrast, config: dict[str, Any], experiment: Experiment
) -> Iterator[tuple[Contrast, Chain, Chain]]:
    controls = controls_of(config)
    for chain in experiment.chains:
        method = experiment.method(chain)
        if method is Method.CASCADE:
            if contrast is Contrast.DIRECT:
                yield contrast, chain, Chain(chain.root, (Hop(chain.layers, 1.0),))
            if contrast in (Contrast.DIRECT_EQUAL_COMPUTE, Contrast.SCRATCH_EQUAL_COMPUTE) and chain in controls:
                yield contrast, chain, controls[chain][contrast is Contrast.SCRATCH_EQUAL_COMPUTE]
        if method in STUDENTS and chain.root:
            if contrast is Contrast.COPIED_LAYERS:
                yield contrast, chain, Chain(chain.root, (Hop(chain.layers, 0.0),))
            if contrast is Contrast.TEACHER:
                yield contrast, chain, Chain(chain.root, ())


def _model(chain: Chain, recipe: str) -> tuple[str, str]:
    """Recipe and chain of a model as tables name it."""
    return encoder_of(chain, recipe, 0).recipe, str(chain)
