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
from collections.abc import Mapping
from dataclasses import dataclass

from camembert.data.cldr.facts import Proposition, SizeError, facts_of, render, render_all
from camembert.data.cldr.families import FAMILIES, LABELS, TOPICS, Family, fact_on
from camembert.data.tasks import Example


@dataclass(frozen=True)
class Pair:
    """A premise (two facts), a hypothesis and its label, in no language yet."""

    family: str
    premise: tuple[Proposition, Proposition]
    hypothesis: Proposition
    label: int

    @property
    def key(self) -> tuple[frozenset[Proposition], Proposition]:
        """What the pair says, whatever the order of its facts and of "or"."""
        return facts_of(self.premise), self.hypothesis


def _draw(family: Family, label: int, rng: random.Random) -> Pair:
    hypothesis = family.hypothesis(rng)
    fact = family.premise(rng, hypothesis, label)
    others = [topic for topic in TOPICS if topic != family.topic]
    facts = [fact_on(topic, rng) for topic in others] if fact is None else [fact, fact_on(rng.choice(others), rng)]
    rng.shuffle(facts)
    return Pair(family.name, (facts[0], facts[1]), hypothesis, label)


def draw_splits(sizes: Mapping[str, int], seed: int) -> dict[str, list[Pair]]:
    """Draws disjoint splits, each with equally many pairs of every family and label.

    Args:
        sizes: pairs a split; a multiple of 3 labels x the number of families.
        seed: the same seed and sizes give the same splits.

    Raises:
        SizeError: a size is not such a multiple.
    """
    cells = [(family, label) for family in FAMILIES for label in range(len(LABELS))]
    seen: set[tuple] = set()
    splits = {}
    for split, size in sizes.items():
        if size % len(cells):
            raise SizeError(f"data.cldr.{split} is {size}; choose a multiple of {len(cells)} (families x labels)")
        rng = random.Random(f"{seed} {split}")
        pairs = []
        for family, label in cells:
            wanted = size // len(cells)
            while wanted:
                pair = _draw(family, label, rng)
                key = pair.key
                if key not in seen:
                    seen.add(key)
                    pairs.append(pair)
                    wanted -= 1
        rng.shuffle(pairs)
        splits[split] = pairs
    return splits


def render_split(pairs: list[Pair], split: str, language: str) -> list[Example]:
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
