"""The families of CLDR-NLI and the facts of their topics: what a premise states and a hypothesis asks."""

from __future__ import annotations

import datetime
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from camembert.data.cldr.facts import OFFSETS, YEARS, Proposition, Territory, territories

LABELS = ("entailment", "neutral", "contradiction")
ENTAILMENT, NEUTRAL, CONTRADICTION = range(3)


@dataclass(frozen=True)
class Family:
    """A kind of inference: which hypotheses there are, and a fact that makes one of them true, false or open.

    `facts` are the kinds of premise that decide a hypothesis. `premise(rng, hypothesis, label)` returns one of
    them, or None where a neutral premise says nothing on the topic.
    """

    name: str
    topic: str
    facts: tuple[str, ...]
    hypothesis: Callable[[random.Random], Proposition]
    premise: Callable[[random.Random, Proposition, int], Proposition | None]


def _choose_territory(rng: random.Random, accept: Callable[[Territory], bool]) -> Territory:
    """A territory that fits, continents being equally likely so that none hints at a label."""
    fitting = defaultdict(list)
    for territory in territories():
        if accept(territory):
            fitting[territory.continent].append(territory)
    return rng.choice(fitting[rng.choice(sorted(fitting))])


def _any_territory(rng: random.Random) -> Territory:
    return _choose_territory(rng, lambda _: True)


def _territory_family(attribute: str) -> Family:
    def hypothesis(rng: random.Random) -> Proposition:
        return (attribute, getattr(_any_territory(rng), attribute))

    def premise(rng: random.Random, hypothesis: Proposition, label: int) -> Proposition | None:
        if label == NEUTRAL:
            return None
        holds = label == ENTAILMENT
        fits = _choose_territory(rng, lambda t: (getattr(t, attribute) == hypothesis[1]) == holds)
        return ("territory", fits.code)

    return Family(attribute, "place", ("territory",), hypothesis, premise)


def _alternatives_premise(rng: random.Random, hypothesis: Proposition, label: int) -> Proposition:
    inside = {
        ENTAILMENT: (True, True),
        CONTRADICTION: (False, False),
        NEUTRAL: rng.choice([(True, False), (False, True)]),
    }[label]
    first = _choose_territory(rng, lambda t: (t.continent == hypothesis[1]) == inside[0])
    second = _choose_territory(rng, lambda t: (t.continent == hypothesis[1]) == inside[1] and t != first)
    return ("either", first.code, second.code)


def _random_date(rng: random.Random) -> datetime.date:
    first, last = datetime.date(YEARS[0], 1, 1), datetime.date(YEARS[-1], 12, 31)
    return datetime.date.fromordinal(rng.randint(first.toordinal(), last.toordinal()))


def _quarter(day: datetime.date) -> int:
    return (day.month + 2) // 3


def _quarter_premise(rng: random.Random, hypothesis: Proposition, label: int) -> Proposition | None:
    if label == NEUTRAL:
        return None
    _, year, quarter = hypothesis
    while True:
        day = _random_date(rng).replace(year=year, day=rng.randint(1, 28))
        if (_quarter(day) == quarter) == (label == ENTAILMENT):
            return ("date", day.toordinal())


def _weekday_premise(rng: random.Random, hypothesis: Proposition, label: int) -> Proposition | None:
    if label == NEUTRAL:
        return None
    while True:
        day = _random_date(rng)
        if (day.weekday() == hypothesis[1]) == (label == ENTAILMENT):
            return ("full date", day.toordinal())


def _random_months(rng: random.Random) -> tuple[int, int]:
    length = rng.randint(2, 6)
    first = rng.randint(1, 13 - length)
    return first, first + length - 1


def _interval_premise(rng: random.Random, hypothesis: Proposition, label: int) -> Proposition | None:
    if label == NEUTRAL:
        return None
    _, year, month = hypothesis
    while True:
        first, last = _random_months(rng)
        if (first <= month <= last) == (label == ENTAILMENT):
            return ("months", year, first, last)


def _random_offset(rng: random.Random) -> tuple[str, int]:
    unit = rng.choice(sorted(OFFSETS))
    return unit, rng.choice([-1, 1]) * rng.randint(1, OFFSETS[unit][2])


def _finer(unit: str, number: int) -> Proposition:
    finer, many, _ = OFFSETS[unit]
    return ("offset", number * many, finer)


def _offset_premise(rng: random.Random, hypothesis: Proposition, label: int) -> Proposition | None:
    if label == NEUTRAL:
        return None
    while True:
        unit, number = _random_offset(rng)
        if label == CONTRADICTION and rng.random() < 0.5:  # the same distance on the other side of now
            unit, number = next((u, -hypothesis[1] // m) for u, (f, m, _) in OFFSETS.items() if f == hypothesis[2])
        if (_finer(unit, number) == hypothesis) == (label == ENTAILMENT):
            return ("offset", number, unit)


FAMILIES = (
    _territory_family("continent"),
    _territory_family("currency"),
    _territory_family("language"),
    Family(
        "alternatives",
        "place",
        ("either",),
        lambda rng: ("continent", _any_territory(rng).continent),
        _alternatives_premise,
    ),
    Family(
        "quarter",
        "calendar",
        ("date",),
        lambda rng: ("quarter", rng.choice(YEARS), rng.randint(1, 4)),
        _quarter_premise,
    ),
    Family("weekday", "calendar", ("full date",), lambda rng: ("weekday", rng.randint(0, 6)), _weekday_premise),
    Family(
        "interval",
        "calendar",
        ("months",),
        lambda rng: ("month", rng.choice(YEARS), rng.randint(1, 12)),
        _interval_premise,
    ),
    Family("offset", "offset", ("offset",), lambda rng: _finer(*_random_offset(rng)), _offset_premise),
)
TOPICS = ("place", "calendar", "offset")


def fact_on(topic: str, rng: random.Random) -> Proposition:
    """A fact of a topic that a premise of any family may carry beside its own."""
    if topic == "place":
        territory = _any_territory(rng)
        return rng.choice(
            [
                ("territory", territory.code),
                ("either", territory.code, _choose_territory(rng, lambda t: t != territory).code),
            ]
        )
    if topic == "calendar":
        day = _random_date(rng)
        return rng.choice(
            [("date", day.toordinal()), ("full date", day.toordinal()), ("months", day.year, *_random_months(rng))]
        )
    unit, number = _random_offset(rng)
    return ("offset", number, unit)


def statements_on(topic: str, rng: random.Random) -> list[Proposition]:
    """Two or three consistent propositions of one topic."""
    if topic == "place":
        territory = _any_territory(rng)
        attributes: list[Proposition] = [
            (name, getattr(territory, name)) for name in ("continent", "currency", "language")
        ]
        return [("territory", territory.code), *rng.sample(attributes, rng.randint(1, 2))]
    if topic == "alternatives":
        first = _any_territory(rng)
        second = _choose_territory(rng, lambda t: t.continent == first.continent and t != first)
        return [("either", first.code, second.code), ("continent", first.continent)]
    if topic == "calendar":
        day = _random_date(rng)
        return [
            rng.choice([("date", day.toordinal()), ("full date", day.toordinal())]),
            rng.choice(
                [("quarter", day.year, _quarter(day)), ("weekday", day.weekday()), ("month", day.year, day.month)]
            ),
        ]
    if topic == "interval":
        year, (opening, closing) = rng.choice(YEARS), _random_months(rng)
        return [("months", year, opening, closing), ("month", year, rng.randint(opening, closing))]
    unit, number = _random_offset(rng)
    return [("offset", number, unit), _finer(unit, number)]
