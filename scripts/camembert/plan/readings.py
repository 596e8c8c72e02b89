"""Readings: the ways in which one evaluation is counted, each with its name in files and tables.

Vectors of sentences can be read in many ways, and what looks like a difference between two encoders may belong to one
of them. So every encoder is read in all ways that the config lists, and docs/method.md says which one leads the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import product
from typing import Any, NamedTuple, Self

AS_IS = "as_is"
"""The reading of a task's predictions as they are."""
CENTRED = "centred"
"""The reading of a task's predictions after every language's mean was moved to that of English."""


class Similarity(StrEnum):
    """How two vectors are compared; see `evaluation.retrieval`. The names of ``retrieval.readings`` in the config."""

    COSINE = "cosine"
    CENTRED = "centred"
    CENTRED_ON_TRAINING = "centred_on_training"
    MARGIN = "margin"
    CENTRED_MARGIN = "centred_margin"


class Direction(StrEnum):
    """Which language is searched: hubs are not symmetric, so both are."""

    INTO_ENGLISH = "into_english"
    FROM_ENGLISH = "from_english"


class Reading(NamedTuple):
    """One way to read retrieval: how states of tokens become a vector (cls, mean), how vectors are compared, and which
    language is searched."""

    pooling: str
    similarity: Similarity
    direction: Direction

    @property
    def name(self) -> str:
        """Its name in files: ``mean/centred_margin/into_english``."""
        return "/".join(self)

    @classmethod
    def parse(cls, name: str) -> Self:
        """The reading of a name."""
        pooling, similarity, direction = name.split("/")
        return cls(pooling, Similarity(similarity), Direction(direction))

    @property
    def title(self) -> str:
        """What tables call it, without its direction: ``mean, centred margin``."""
        return f"{'[CLS]' if self.pooling == 'cls' else self.pooling}, {self.similarity.replace('_', ' ')}"


def sort_readings(names: Iterable[str]) -> list[str]:
    """Sorts names of readings by pooling, as they come, then by similarity and direction, as they are defined here."""
    names = list(names)
    poolings = dict.fromkeys(Reading.parse(name).pooling for name in names)
    order = {Reading(*parts).name: place for place, parts in enumerate(product(poolings, Similarity, Direction))}
    return sorted(names, key=order.__getitem__)


def list_readings(retrieval: Mapping[str, Any], reads_text: bool) -> list[Reading]:
    """All readings of a config's section `retrieval`, pooling by pooling; without training text (`reads_text`) there
    are no means of it to centre on."""
    similarities = [Similarity(name) for name in retrieval["readings"]]
    if not reads_text:
        similarities = [each for each in similarities if each is not Similarity.CENTRED_ON_TRAINING]
    return [Reading(*parts) for parts in product(retrieval["poolings"], similarities, Direction)]


def choose_headline(retrieval: Mapping[str, Any]) -> Reading:
    """The reading that leads tables and figures."""
    return Reading(retrieval["pooling"], Similarity(retrieval["reading"]), Direction.INTO_ENGLISH)
