"""Text that is a sentence of dev, test or retrieval: found, and refused or left out, before anything is trained."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from camembert.core.files import read_json
from camembert.data.retrieval import read_sentences
from camembert.data.tasks import read_examples
from camembert.data.text import Documents

LONGER = 4
"""A document so many times as long as the longest sentence is not compared with any."""
REFUSE, LEAVE_OUT = "refuse", "leave_out"


class LeakError(ValueError):
    """Training text that holds sentences of an evaluation, or translations that are not aligned, with numbers."""


def normalised(text: str) -> str:
    """A text as it is compared: Unicode's NFKC, without case, spaces as one."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def sentences_of(
    examples: Iterable[str | os.PathLike[str]], retrieval: Iterable[str | os.PathLike[str]] = ()
) -> set[str]:
    """The sentences of files of examples, both of a pair, and of files of sentences for retrieval; normalised."""
    read = (example for path in examples for example in read_examples(path))
    texts = {text for example in read for text in (example.text, example.text_pair) if text}
    texts |= {sentence.text for path in retrieval for sentence in read_sentences(path)}
    return {normalised(text) for text in texts}


def matches(documents: Iterable[str], sentences: Collection[str]) -> tuple[list[int], int]:
    """The numbers, from 0, of the documents that are one of the sentences, and how many documents there are."""
    longest = LONGER * max(map(len, sentences), default=0)
    found, number = [], -1
    for number, document in enumerate(documents):
        if len(document) <= longest and normalised(document) in sentences:
            found.append(number)
    return found, number + 1


def check_corpus(
    name: str,
    documents: Mapping[str, Iterable[str]],
    sentences: Mapping[str, Collection[str]],
    parallel: bool,
    overlap: str,
) -> dict[str, list[int]]:
    """Looks for sentences that are evaluated on in a corpus.

    Args:
        name: of the corpus.
        documents: by language.
        sentences: of dev, test and retrieval, by language, normalised.
        parallel: whether document i says the same in every language; then it is left out of all.
        overlap: "refuse" what is found, or "leave_out".

    Returns:
        By language, the numbers of the documents to be left out.

    Raises:
        LeakError: there are some and they are refused, or parallel text is not of one length.
    """
    found, sizes = {}, {}
    for language, texts in documents.items():
        found[language], sizes[language] = matches(texts, sentences[language])
    if parallel and len(set(sizes.values())) > 1:
        shown = ", ".join(f"{size} documents in {language}" for language, size in sizes.items())
        raise LeakError(
            f"corpus {name} is parallel, but has {shown}; expected as many in every language: correct its files, or set"
            " its parallel: false"
        )
    leaks = {language: len(numbers) for language, numbers in found.items() if numbers}
    if leaks and overlap == REFUSE:
        shown = ", ".join(f"{number} of {sizes[language]} in {language}" for language, number in leaks.items())
        raise LeakError(
            f"documents of corpus {name} are sentences of dev, test or retrieval: {shown}; take them out, or set"
            " its overlap: leave_out to train without them"
        )
    together = sorted(set().union(*found.values()))
    return dict.fromkeys(found, together) if parallel else found


def documents_read(
    files: Mapping[str, Sequence[str | os.PathLike[str]]],
    readings: Mapping[str, Mapping[str, Any]],
    checked: Iterable[str | os.PathLike[str]],
) -> Documents:
    """The documents that training reads, without those left out; the arguments are those of `documents_of`."""
    found = documents_of(files, readings, checked).values()
    return Documents([source for documents in found for source in documents.sources])


def documents_of(
    files: Mapping[str, Sequence[str | os.PathLike[str]]],
    readings: Mapping[str, Mapping[str, Any]],
    checked: Iterable[str | os.PathLike[str]],
) -> dict[str, Documents]:
    """The documents of each language and corpus, without those left out.

    Args:
        files: of each language and corpus, by ``LANGUAGE_CORPUS``.
        readings: how they are read: other arguments of `read_documents`, by the same.
        checked: what was left out of corpora, in files ``CORPUS.json``.
    """
    left_out = {Path(path).stem: read_json(path) for path in checked}

    def without(name: str) -> set[int]:
        language, corpus = name.split("_", 1)
        return set(left_out.get(corpus, {}).get(language, ()))

    return {
        name: Documents([(files[name], {**reading, "without": without(name)})]) for name, reading in readings.items()
    }
