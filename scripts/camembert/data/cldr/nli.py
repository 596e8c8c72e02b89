"""CLDR-NLI: NLI examples and parallel text that follow from the CLDR, in fifteen languages.

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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from camembert.data.cldr.facts import Proposition, render, render_all
from camembert.data.cldr.families import FAMILIES, LABELS, TOPICS, Family, fact_on, statements_on
from camembert.data.tasks import Example


class SizeError(ValueError):
    """A number of pairs that cannot be balanced, or of documents that there are not."""


# --- pairs ----------------------------------------------------------------------------------------------------


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
        return frozenset(map(_sorted_either, self.premise)), self.hypothesis


def _sorted_either(fact: Proposition) -> Proposition:
    return ("either", *sorted(fact[1:])) if fact[0] == "either" else fact


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


# --- text -----------------------------------------------------------------------------------------------------


Document = tuple[Proposition, ...]
DRAWS_A_DOCUMENT = 10
"""Documents drawn, at most, for each that is unseen."""


def draw_documents(number: int, seed: int, use: str = "text") -> Iterator[Document]:
    """Draws documents of the parallel corpus: consistent statements on one or two topics, in random order.

    Args:
        number: documents.
        seed: the same seed and use give the same documents.
        use: what they are for; another use draws others.
    """
    rng = random.Random(f"{seed} {use}")
    topics = ("place", "place", "alternatives", "calendar", "calendar", "interval", "offset")
    for _ in range(number):
        document = []
        for topic in rng.sample(topics, rng.randint(1, 2)):
            statements = statements_on(topic, rng)
            rng.shuffle(statements)
            document.extend(statements)
        yield tuple(document)


def facts_of(document: Document) -> frozenset[Proposition]:
    """What a document states, whatever the order of its statements and of "or"."""
    return frozenset(map(_sorted_either, document))


def draw_unseen_documents(number: int, seed: int, corpus_documents: int, languages: Sequence[str]) -> list[Document]:
    """Draws documents as those of the corpus that state together what no document of the corpus does.

    No two state the same, nor read the same in any language but for case and spaces.

    Args:
        number: documents wanted.
        seed: of the corpus, which is drawn anew to be compared with.
        corpus_documents: documents of the corpus.
        languages: in which they are to differ.

    Raises:
        SizeError: there are not so many.
    """
    stated = set(map(facts_of, draw_documents(corpus_documents, seed)))
    written: dict[str, set[str]] = {language: set() for language in languages}
    unseen: list[Document] = []
    for document in draw_documents(DRAWS_A_DOCUMENT * number, seed, "retrieval"):
        if len(unseen) == number:
            break
        if facts_of(document) in stated:
            continue
        texts = {language: normalised(render_all(document, language)) for language in languages}
        if any(text in written[language] for language, text in texts.items()):
            continue
        stated.add(facts_of(document))
        for language, text in texts.items():
            written[language].add(text)
        unseen.append(document)
    if len(unseen) < number:
        raise SizeError(
            f"retrieval.documents is {number}, but {DRAWS_A_DOCUMENT * number} draws gave {len(unseen)} documents that"
            " differ from each other and from the text corpus; lower it or data.cldr.documents"
        )
    return unseen


def normalised(text: str) -> str:
    """A text without differences of case and spaces."""
    return " ".join(text.casefold().split())
