"""CLDR-NLI: NLI examples that follow from the CLDR, in fifteen languages.

Every pair is drawn as propositions, in no language, so it exists in all languages with the same label.

A premise states two facts that belong to two different topics (place, calendar, offset), a hypothesis one:

* entailment: the hypothesis follows from the premise ("Japan and in 2 weeks" - "Asia"),
* contradiction: the premise rules it out ("Japan and in 2 weeks" - "Europe"),
* neutral: the premise leaves it open: it says nothing on the topic ("March 12, 2024 and in 2 weeks" -
  "Asia"), or, in the family `alternatives`, it names two places that differ ("Japan or Peru" - "Asia").

A hypothesis is drawn before its label, so it says nothing about the label.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from camembert.data.cldr import (
    ATTRIBUTES,
    OFFSETS,
    YEARS,
    Proposition,
    SizeError,
    draw_date,
    draw_months,
    draw_offset,
    draw_territory,
    find_quarter,
    merge_facts,
    refine_offset,
    render,
    render_all,
)
from camembert.data.tasks import Example

LABELS = ("entailment", "neutral", "contradiction")
ENTAILMENT, NEUTRAL, CONTRADICTION = range(3)
TOPICS = ("place", "calendar", "offset")


# --- families -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Family:
    """A kind of inference: which hypotheses there are, and a fact that makes one of them true, false or open.

    `facts` are the kinds of premise that decide a hypothesis. `premise(rng, hypothesis, label)` draws one that does;
    for neutral only where it `decides_neutral`: else a neutral premise says nothing on the topic.
    """

    name: str
    topic: str
    facts: tuple[str, ...]
    hypothesis: Callable[[random.Random], Proposition]
    premise: Callable[[random.Random, Proposition, int], Proposition]
    decides_neutral: bool = False


def _territory_family(attribute: str) -> Family:
    def hypothesis(rng: random.Random) -> Proposition:
        return (attribute, getattr(draw_territory(rng), attribute))

    def premise(rng: random.Random, hypothesis: Proposition, label: int) -> Proposition:
        holds = label == ENTAILMENT
        fits = draw_territory(rng, lambda t: (getattr(t, attribute) == hypothesis[1]) == holds)
        return ("territory", fits.code)

    return Family(attribute, "place", ("territory",), hypothesis, premise)


def _either(rng: random.Random, hypothesis: Proposition, label: int) -> Proposition:
    inside = {
        ENTAILMENT: (True, True),
        CONTRADICTION: (False, False),
        NEUTRAL: rng.choice([(True, False), (False, True)]),
    }[label]
    first = draw_territory(rng, lambda t: (t.continent == hypothesis[1]) == inside[0])
    second = draw_territory(rng, lambda t: (t.continent == hypothesis[1]) == inside[1] and t != first)
    return ("either", first.code, second.code)


def _date(rng: random.Random, hypothesis: Proposition, label: int) -> Proposition:
    _, year, quarter = hypothesis
    while True:
        day = draw_date(rng).replace(year=year, day=rng.randint(1, 28))
        if (find_quarter(day) == quarter) == (label == ENTAILMENT):
            return ("date", day.toordinal())


def _full_date(rng: random.Random, hypothesis: Proposition, label: int) -> Proposition:
    while True:
        day = draw_date(rng)
        if (day.weekday() == hypothesis[1]) == (label == ENTAILMENT):
            return ("full date", day.toordinal())


def _months(rng: random.Random, hypothesis: Proposition, label: int) -> Proposition:
    _, year, month = hypothesis
    while True:
        first, last = draw_months(rng)
        if (first <= month <= last) == (label == ENTAILMENT):
            return ("months", year, first, last)


def _offset(rng: random.Random, hypothesis: Proposition, label: int) -> Proposition:
    while True:
        unit, number = draw_offset(rng)
        if label == CONTRADICTION and rng.random() < 0.5:  # the same distance on the other side of now
            unit, number = next((u, -hypothesis[1] // m) for u, (f, m, _) in OFFSETS.items() if f == hypothesis[2])
        if (refine_offset(unit, number) == hypothesis) == (label == ENTAILMENT):
            return ("offset", number, unit)


FAMILIES = (
    *map(_territory_family, ATTRIBUTES),
    Family(
        "alternatives", "place", ("either",), lambda rng: ("continent", draw_territory(rng).continent), _either, True
    ),
    Family("quarter", "calendar", ("date",), lambda rng: ("quarter", rng.choice(YEARS), rng.randint(1, 4)), _date),
    Family("weekday", "calendar", ("full date",), lambda rng: ("weekday", rng.randint(0, 6)), _full_date),
    Family("interval", "calendar", ("months",), lambda rng: ("month", rng.choice(YEARS), rng.randint(1, 12)), _months),
    Family("offset", "offset", ("offset",), lambda rng: refine_offset(*draw_offset(rng)), _offset),
)


def _draw_fact(topic: str, rng: random.Random) -> Proposition:
    """A fact of a topic that a premise of any family may carry beside its own."""
    if topic == "place":
        one = draw_territory(rng)
        return rng.choice([("territory", one.code), ("either", one.code, draw_territory(rng, lambda t: t != one).code)])
    if topic == "calendar":
        day, months = draw_date(rng), draw_months(rng)
        return rng.choice([("date", day.toordinal()), ("full date", day.toordinal()), ("months", day.year, *months)])
    unit, number = draw_offset(rng)
    return ("offset", number, unit)


# --- pairs ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NliPair:
    """A premise (two facts), a hypothesis and its label, in no language yet."""

    family: str
    premise: tuple[Proposition, Proposition]
    hypothesis: Proposition
    label: int


def _draw_pair(family: Family, label: int, rng: random.Random) -> NliPair:
    hypothesis = family.hypothesis(rng)
    others = [topic for topic in TOPICS if topic != family.topic]
    if label == NEUTRAL and not family.decides_neutral:
        facts = [_draw_fact(topic, rng) for topic in others]
    else:
        facts = [family.premise(rng, hypothesis, label), _draw_fact(rng.choice(others), rng)]
    rng.shuffle(facts)
    return NliPair(family.name, (facts[0], facts[1]), hypothesis, label)


def draw_splits(sizes: Mapping[str, int], seed: int) -> dict[str, list[NliPair]]:
    """Draws disjoint splits, each with equally many pairs of every family and label; `seed` and `sizes` decide them.

    Raises:
        SizeError: a size is no multiple of the families x labels.
    """
    cells = [(family, label) for family in FAMILIES for label in range(len(LABELS))]
    seen: set[tuple] = set()
    splits = {}
    for split, size in sizes.items():
        if size % len(cells):
            raise SizeError(f"data.cldr.{split} is {size}; choose a multiple of {len(cells)} (families x labels)")
        rng = random.Random(f"{seed} {split}")
        pairs: list[NliPair] = []
        for number, (family, label) in enumerate(cells, start=1):
            while len(pairs) < number * size // len(cells):
                pair = _draw_pair(family, label, rng)
                said = merge_facts(pair.premise), pair.hypothesis
                if said not in seen:
                    seen.add(said)
                    pairs.append(pair)
        rng.shuffle(pairs)
        splits[split] = pairs
    return splits


def render_split(pairs: list[NliPair], split: str, language: str) -> list[Example]:
    """Writes a split in a language; ids carry the family and are the same in every language."""
    return [
        Example(
            f"{split}-{number:05d}-{each.family}",
            render_all(each.premise, language),
            render(each.hypothesis, language),
            each.label,
        )
        for number, each in enumerate(pairs)
    ]
