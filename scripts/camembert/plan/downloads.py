"""What an experiment takes from the Hugging Face hub. It is pure."""

from __future__ import annotations

from typing import Any

from camembert.plan.corpora import text_sources
from camembert.plan.sources import ENGLISH, in_language, languages_of, locale_of, splits_of


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
            locales = [locale_of(task["locales"], language) for language in languages_of(split, languages)]
            wanted[f"task-{split}"] = _dataset(task["hub"][split], locales)
    for corpus in text_sources(config):
        if corpus.source == "hub" and corpus.hub:
            for language in languages:
                locale = locale_of(corpus.locales, language)
                wanted[text_download(corpus.name, language)] = _dataset(dict(corpus.hub), [locale])
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
