"""The text corpora of an experiment: which files they are, found and checked before any job. It is pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from camembert.plan.keys import Corpus
from camembert.plan.sources import SourceError, in_language, locale_of, refuse_unusable, task_files, twice

TEXT_LAYOUTS = ("{}.txt", "{}.txt.gz", "{}.jsonl", "{}.parquet", "{}-*.parquet", "{}/*.parquet")
"""How the text of a language may be kept in a folder; a line, a JSON object or a row a document."""


class TextSource(Corpus):
    """One entry of data.text, with its files."""

    def files_of(self, language: str) -> list[Path]:
        """The files of a folder with the text of a language, in order; none where it has no such text.

        Raises:
            SourceError: an empty one, or files of more than one layout, so that it is unclear which is meant.
        """
        if self.files is not None:
            return task_files(str(self.folder), self.files, locale_of(self.locales, language), missing_ok=True)
        return text_files(str(self.folder), locale_of(self.locales, language))

    def languages(self, languages: Sequence[str]) -> list[str]:
        """The languages that the corpus has text in; of the hub's that is not known yet, so all."""
        return [language for language in languages if self.source != "folder" or self.files_of(language)]

    def reading(self, language: str) -> dict[str, Any]:
        """How its files are read: the arguments of `read_documents`."""
        here = locale_of(self.locales, language)
        rows = {column: in_language(str(value), here) for column, value in self.filter.items()}
        skip = {"skip": self.skip} if self.skip else {}
        return {"column": self.column, "rows": rows, "limit": self.limit, "parallel": self.parallel} | skip


def text_sources(config: Mapping[str, Any]) -> list[TextSource]:
    """The corpora of a config that are read: those with a share."""
    return [corpus for corpus in _entries(config) if corpus.share]


def _entries(config: Mapping[str, Any]) -> list[TextSource]:
    """All corpora of a config. Those made from the CLDR are parallel, whole and text alone."""
    return [
        TextSource(name=entry["name"], source="cldr", share=entry.get("share", 1.0), parallel=True)
        if entry["source"] == "cldr"
        else TextSource(**entry)
        for entry in config["data"]["text"]
    ]


def text_files(folder: str, language: str) -> list[Path]:
    """The files with the text of a language, whichever layout it is kept in; empty where there are none.

    Raises:
        SourceError: an empty file, or files of more than one layout.
    """
    layouts = {layout: sorted(Path(folder).glob(layout.format(language))) for layout in TEXT_LAYOUTS}
    found = {layout: paths for layout, paths in layouts.items() if paths}
    if len(found) > 1:
        raise twice(folder, f"the text in {language}", [layout.format(language) for layout in found])
    paths = next(iter(found.values()), [])
    refuse_unusable(paths)
    return paths


def check_corpora(config: Mapping[str, Any]) -> None:
    """Checks what one key of data.text asks of another, and that there is text in every language.

    Raises:
        SourceError: a name twice, a folder that is not there, shares that are all 0, no text in a language, or
            translations in a single one.
    """
    corpora, languages = _entries(config), config["languages"]
    names = [corpus.name for corpus in corpora]
    for number, corpus in enumerate(corpora):
        key = f"data.text[{number}]"
        if corpus.name in names[:number]:
            raise SourceError(f"{key}.name is {corpus.name}, as another's; give every corpus a name of its own")
        if corpus.source == "folder" and not Path(str(corpus.folder)).is_dir():
            raise SourceError(
                f"{key}.folder is {corpus.folder!r}, but there is no folder {Path(str(corpus.folder)).resolve()};"
                " correct the path or create the folder"
            )
        if corpus.parallel and len(corpus.languages(languages)) < 2 <= len(languages):
            raise SourceError(
                f"{key} is parallel, but has files in {', '.join(corpus.languages(languages)) or 'no language'} alone;"
                " add other languages, or set its parallel: false"
            )
    if not sum(corpus.share for corpus in corpora):
        raise SourceError("the shares of data.text are all 0, expected one above 0; raise one")
    for language in languages:
        if not any(language in corpus.languages(languages) for corpus in text_sources(config)):
            folders = " and ".join(str(corpus.folder) for corpus in text_sources(config))
            wanted = ", ".join(layout.format(language) for layout in TEXT_LAYOUTS)
            raise SourceError(
                f"{folders} has no text in {language}; expected one of {wanted}: add it, or take {language} out of"
                " languages"
            )
