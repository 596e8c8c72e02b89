"""Parallel text from the CLDR: documents of consistent statements, for the corpus and for retrieval."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from camembert.data.cldr.facts import Proposition, SizeError, facts_of, render_all
from camembert.data.cldr.families import statements_on

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
