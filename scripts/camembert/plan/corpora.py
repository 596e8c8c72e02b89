"""The text corpora of an experiment, and all that it takes from the Hugging Face hub. It is pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from camembert.plan.keys import Corpus
from camembert.plan.sources import (
    ENGLISH,
    SourceError,
    in_language,
    languages_of,
    locale_of,
    refuse_unusable,
    splits_of,
    task_files,
    twice,
)

TEXT_LAYOUTS = ("{}.txt", "{}.txt.gz", "{}.jsonl", "{}.parquet", "{}-*.parquet", "{}/*.parquet")
"""How the text of a language may be kept in a folder; a line, a JSON object or a row a document."""

READ_OF_CLDR = ("name", "source", "share")


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


def unlabelled_sources(config: Mapping[str, Any]) -> list[TextSource]:
    """The corpora that fine-tuning reads without labels, in the order of ``finetuning.unlabelled``."""
    corpora = {corpus.name: corpus for corpus in _entries(config)}
    return [corpora[name] for name in config["finetuning"]["unlabelled"]]


def _entries(config: Mapping[str, Any]) -> list[TextSource]:
    """All corpora of a config. Those made from the CLDR are parallel, whole and text alone."""
    return [
        TextSource.model_construct(**entry)  # as it is written: 2 would become 2.0
        if entry["source"] != "cldr"
        else TextSource.model_construct(**{key: entry[key] for key in entry if key in READ_OF_CLDR}, parallel=True)
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
        SourceError: a name twice, a folder that is not there, shares that are all 0, no text in a language or for
            fine-tuning, or translations in a single language.
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
        told_apart = [corpus.files or "{language}", *map(str, corpus.filter.values())]
        if corpus.source == "folder" and len(languages) > 1 and not any("{language}" in each for each in told_apart):
            raise SourceError(
                f"{key}.files is {corpus.files!r}, expected {{language}} in it or in its filter; without it every"
                " language would read the same text"
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
    for corpus in unlabelled_sources(config):
        if not corpus.languages(languages):
            raise SourceError(
                f"finetuning.unlabelled names {corpus.name}, but {corpus.folder} has no text in {', '.join(languages)};"
                " add it, or take the name out"
            )


# --- downloads ---------------------------------------------------------------------------------------------------


def downloads(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What a config takes from the hub: repository, kind, revision and, of data sets, files, by name.

    Text is one download a corpus and language, retrieval one a language; a split of the task is one for all languages.
    """
    task, teacher, languages = config["data"]["task"], config["teacher"], config["languages"]
    wanted: dict[str, dict[str, Any]] = {}
    if teacher["source"] == "hub":
        wanted["teacher"] = teacher["hub"] | {"kind": "model"}
    if task["source"] == "hub":
        for split in splits_of(task):
            own = languages_of(split, languages, task["train_languages"])
            locales = [locale_of(task["locales"], language) for language in own]
            wanted[f"task-{split}"] = _dataset(task["hub"][split], locales)
    for entry in config["data"]["text"]:
        is_read = entry.get("share", 1.0) or entry["name"] in config["finetuning"]["unlabelled"]
        if entry["source"] == "hub" and is_read:
            for language in languages:
                locale = locale_of(entry.get("locales", {}), language)
                wanted[text_download(entry["name"], language)] = _dataset(entry["hub"], [locale])
    retrieval = config["data"]["retrieval"]
    if retrieval["source"] == "hub":
        source = {key: retrieval["hub"][key] for key in ("repository", "revision", "files")}
        for language in languages:
            if language != ENGLISH:
                locale = locale_of(retrieval["hub"]["locales"], language)
                wanted[retrieval_download(language)] = _dataset(source, [locale])
    return wanted


def retrieval_download(language: str) -> str:
    """The name of the download of a language's sentences for retrieval."""
    return f"retrieval-{language}"


def text_download(corpus: str, language: str) -> str:
    """The name of the download of a corpus in a language."""
    return f"text-{corpus}-{language}"


def is_text(name: str) -> bool:
    """Whether a download, by its name, is text."""
    return name.startswith("text-")


def _dataset(source: dict[str, Any], locales: list[str]) -> dict[str, Any]:
    files = sorted({in_language(source["files"], locale) for locale in locales})
    return source | {"kind": "dataset", "files": files}
