"""The data of an experiment: the keys of the config's section `data`, its text corpora, and all that is downloaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from camembert.plan.schema import Count, Distinct, Natural, NotNegative, Section, T, Text, Two, distinct, key
from camembert.plan.sources import (
    ENGLISH,
    SourceError,
    check_folder,
    fill_language,
    find_files,
    find_locale,
    list_splits,
    refuse_unusable,
    repeated,
)

TEXT_LAYOUTS = ("{}.txt", "{}.txt.gz", "{}.jsonl", "{}.parquet", "{}-*.parquet", "{}/*.parquet")
"""How the text of a language may be kept in a folder; a line, a JSON object or a row a document."""

HubName = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*$")]
Pattern = Annotated[str, Field(pattern=r"\.(jsonl?|[ct]sv|txt|parquet)(\.gz|\*)?$")]
HubPattern = Annotated[str, Field(pattern=r"\.(jsonl?|[ct]sv|parquet)(\.gz|\*)?$")]
Filter = dict[str, str | int]
Locales = dict[str, Text]
Source = Literal["cldr", "folder", "hub"]
Split = Literal["train", "dev", "test"]
Column = Literal["text", "text_pair", "label", "id", "cluster"]


def _by_language(pattern: str) -> str:
    if "{language}" not in pattern:
        raise ValueError(f"{pattern!r} has no {{language}}, without which all languages would read the same; add it")
    return pattern


class HubModel(Section):
    repository: HubName = key("On the Hugging Face hub.")
    revision: Text = key("Branch, tag or commit.")


class Splits(Section, Generic[T]):
    train: T
    dev: T
    test: T


class HubDataset(HubModel):
    files: HubPattern = key("Those that are read.")


class HubDatasetByLanguage(HubModel):
    files: Annotated[HubPattern, AfterValidator(_by_language)] = key("Those of {language}.")


class TaskFiles(Section):
    train: Pattern = key("`*` stands for anything, {language} for each language.")
    dev: Pattern | None = key("null holds out a fifth of the training examples.")
    test: Pattern = key("Not read where `split_dev` is true.")


class Columns(Section):
    text: Text = key("Column, or field of JSON, of the (first) sentence.")
    text_pair: str | None = key("Of the second of a pair; null for single sentences.")
    label: Text = key('By name or number; examples with -1 or "-" are left out.')
    id: str | None = key("What an example shares with its translations; null numbers the rows.")
    cluster: str | None = key("What examples drawn together share, such as a premise.")


class Task(Section):
    name: str = key("What tables call it.", pattern="^[a-z0-9][a-z0-9._-]*$")
    source: Source = key("`cldr` makes CLDR-NLI here and reads nothing below.")
    folder: str | None = key("Where `files` are, of the source folder.")
    files: TaskFiles
    hub: Splits[HubDataset]
    header: Two[str] | None = key("Names of columns, for .csv, .tsv and .txt files without a header.")
    columns: Columns
    split_columns: dict[Split, dict[Column, str | None]] = key("Columns with other names in a split.")
    split_header: dict[Split, Two[str] | None] = key("The header of one split, where it is another.")
    labels: Literal["found"] | Annotated[Two[Text], AfterValidator(distinct)] = key(
        "Names in the order of their numbers, or `found`: those of the training examples, by alphabet."
    )
    label_names: dict[str, Text] = key("What labels of the files are called in `labels`.")
    no_text: list[Text] = key("Marks of a missing text, such as NS; these rows, and empty ones, are left out.")
    locales: Locales = key("What {language} stands for if not the code, such as {en: en-US}.")
    filter: Splits[Filter] = key("Values that rows have, such as {partition: train}; may name {language}.")
    parallel: bool = key("Whether examples are translations in all languages, which is checked.")
    train_languages: Distinct[Text] = key(
        "Those with labels to train on; zero-shot means all others. Of several, {language} names their files."
    )
    train_limit: Count | None = key("At most so many training examples a language; not of cldr.")
    split_dev: bool = key("Whether half of dev is the test set.")


class Corpus(Section):
    name: str = key("Its name, and that of its shards' folder.", pattern="^[a-z][a-z0-9_]*$")
    source: Source = key("`cldr` makes parallel text here and reads name and share alone.")
    share: NotNegative = key("Of documents drawn, relative to other corpora's; 0 leaves it out.", default=1.0)
    parallel: bool = key("Whether document i says the same in all languages; such are read in pairs.", default=False)
    folder: str | None = key("Of the source folder; null is the folder of `data.task`.", default=None)
    files: Pattern | None = key(
        "Its files in {language}; null looks for XX.txt and XX.txt.gz (a line a document), XX.jsonl and XX.parquet.",
        default=None,
    )
    optional: bool = key("Whether a folder without its files is no mistake; the start says so.", default=False)
    hub: HubDatasetByLanguage | None = key("Of the source hub.", default=None)
    column: Text = key("Column, or field of JSON, of the text.", default="text")
    filter: Filter = key("Values that rows have in other columns.", default={})
    locales: Locales = key("What {language} stands for if not the code.", default={})
    limit: Count | None = key("At most so many documents a language.", default=None)
    skip: Natural = key("So many documents a language, before those, are left out.", default=0)
    overlap: Literal["refuse", "leave_out"] = key(
        "If sentences of evaluations are in it, the run stops or trains without them.", default="refuse"
    )

    @model_validator(mode="after")
    def _source_is_described(self) -> Self:
        if self.source == "hub" and self.hub is None:
            raise ValueError("hub is missing, expected one since the source is hub; add it")
        return self


class Pair(Section):
    text: Text = key("Column of the sentence.")
    english: Text = key("Of the English one that says the same.")


class PairFiles(Section):
    text: Pattern = key("Those in {language}, if every language has English sentences of its own; else null.")
    english: Pattern = key("The English ones that say the same.")


class PairedDataset(HubDatasetByLanguage):
    columns: Pair
    locales: Locales = key("What {language} stands for if not the code.")


class Sentences(Section):
    source: Literal["cldr", "folder", "hub", "none"] = key("`none` leaves retrieval out.")
    folder: str | None = key("Of XX.txt or XX.txt.gz, line i the same in all languages.")
    files: PairFiles | None
    hub: PairedDataset
    limit: Annotated[int, Field(ge=2)] | None = key("The first so many sentences, repeated ones not counted.")


Balanced = Annotated[int, Field(ge=24, multiple_of=24)]


class Cldr(Section):
    seed: Natural = key("Of all that is drawn.")
    train: Balanced = key("Examples a language, a multiple of 24: 8 families of 3 labels.")
    dev: Balanced = key("Examples a language, a multiple of 24: 8 families of 3 labels.")
    test: Balanced = key("Examples a language, a multiple of 24: 8 families of 3 labels.")
    documents: Count = key("Parallel documents a language.")


class Data(Section):
    """What classifiers are fine-tuned on ([your-own-task.md](your-own-task.md)), the text of pre-training and
    distillation, the sentences for retrieval, and what of these is made from the Unicode CLDR."""

    task: Task
    text: list[Corpus] = key("The corpora; an overlay replaces the whole list.", min_length=1)
    retrieval: Sentences
    cldr: Cldr


# --- text ---------------------------------------------------------------------------------------------------------


class TextSource(Corpus):
    """One entry of data.text, with its files."""

    def files_of(self, language: str) -> list[Path]:
        """The files of a folder with the text of a language, in order; none where it has no such text.
        Raises a SourceError if one is empty, or files of two layouts leave unclear which are meant."""
        folder, locale = str(self.folder), find_locale(self.locales, language)
        if self.files is not None:
            return find_files(folder, self.files, locale, missing_ok=True)
        layouts = {layout.format(locale): sorted(Path(folder).glob(layout.format(locale))) for layout in TEXT_LAYOUTS}
        found = {name: paths for name, paths in layouts.items() if paths}
        if len(found) > 1:
            raise repeated(folder, f"the text in {locale}", found)
        paths = next(iter(found.values()), [])
        refuse_unusable(paths)
        return paths

    def languages(self, languages: Sequence[str]) -> list[str]:
        """The languages that the corpus has text in; of the hub's that is not known yet, so all."""
        return [language for language in languages if self.source != "folder" or self.files_of(language)]

    def reading(self, language: str) -> dict[str, Any]:
        """How its files are read: the arguments of `read_documents`."""
        here = find_locale(self.locales, language)
        rows = {column: fill_language(str(value), here) for column, value in self.filter.items()}
        skip = {"skip": self.skip} if self.skip else {}
        return {"column": self.column, "rows": rows, "limit": self.limit, "parallel": self.parallel} | skip


def text_sources(config: Mapping[str, Any]) -> list[TextSource]:
    """The corpora that encoders read: those with a share, but for optional ones without files."""
    return [corpus for corpus in _corpora(config) if corpus.share and not _is_left_out(corpus, config)]


def unlabelled_sources(config: Mapping[str, Any]) -> list[TextSource]:
    """Those that fine-tuning reads without labels, in the order of ``finetuning.unlabelled``; the same is left out."""
    corpora = {corpus.name: corpus for corpus in _corpora(config)}
    named = [corpora[name] for name in config["finetuning"]["unlabelled"]]
    return [corpus for corpus in named if not _is_left_out(corpus, config)]


def describe_left_out(config: Mapping[str, Any]) -> list[str]:
    """A sentence on each optional corpus that has no files."""
    return [
        f"{corpus.folder} has no file {corpus.files or '{language}.txt'!r}: corpus {corpus.name} is left out."
        for corpus in _corpora(config)
        if _is_left_out(corpus, config)
    ]


def _is_left_out(corpus: TextSource, config: Mapping[str, Any]) -> bool:
    return corpus.optional and not corpus.languages(config["languages"])


def _corpora(config: Mapping[str, Any]) -> list[TextSource]:
    """All corpora of a config. Those made from the CLDR are parallel, whole and text alone."""
    task = config["data"]["task"]
    here = task["folder"] if task["source"] == "folder" else None
    return [
        TextSource.model_construct(**entry | {"folder": entry.get("folder") or here})  # as it is: 2 would become 2.0
        if entry["source"] != "cldr"
        else TextSource.model_construct(name=entry["name"], source="cldr", share=entry.get("share", 1.0), parallel=True)
        for entry in config["data"]["text"]
    ]


def check_corpora(config: Mapping[str, Any]) -> None:
    """Raises a SourceError if corpora share a name, a folder or all files of a corpus that is read are not there,
    shares are all 0, there is no text in a language, or translations are in a single language."""
    corpora, languages = _corpora(config), config["languages"]
    names = [corpus.name for corpus in corpora]
    for number, corpus in enumerate(corpora):
        key = f"data.text[{number}]"
        if corpus.name in names[:number]:
            raise SourceError(f"{key}.name is {corpus.name}, as another's; give every corpus a name of its own")
        if corpus.source == "folder":
            check_folder(key, corpus.folder)
            told_apart = [corpus.files or "{language}", *map(str, corpus.filter.values())]
            if len(languages) > 1 and not any("{language}" in each for each in told_apart):
                raise SourceError(
                    f"{key}.files is {corpus.files!r}, expected {{language}} in it or in its filter, since languages"
                    f" names {len(languages)}; name files by language, or set languages to the one of the labels, as"
                    " experiments/compress.yaml does (docs/compress.md)"
                )
        there = corpus.languages(languages)
        if there and corpus.parallel and len(there) < 2 <= len(languages):
            raise SourceError(
                f"{key} is parallel, but has files in {there[0]} alone; add other languages, or set its parallel: false"
            )
    read = [corpus for corpus in corpora if corpus.share]
    if not read:
        raise SourceError("the shares of data.text are all 0, expected one above 0; raise one")
    for number, corpus in enumerate(corpora):
        is_read = corpus.share or corpus.name in config["finetuning"]["unlabelled"]
        if is_read and not corpus.optional and not corpus.languages(languages):
            wanted = corpus.files or ", ".join(layout.format("XX") for layout in TEXT_LAYOUTS)
            raise SourceError(
                f"data.text[{number}] is {corpus.name}, but {corpus.folder} has no text in {', '.join(languages)} for"
                f" it; expected {wanted}: add it, take the corpus out, or set its optional: true"
            )
    for language in languages:
        if not any(corpus.languages([language]) for corpus in read):
            wanted = ", ".join(layout.format(language) for layout in TEXT_LAYOUTS)
            raise SourceError(
                f"{' and '.join(str(corpus.folder) for corpus in read)} has no text in {language}; expected one of"
                f" {wanted}: add it, or take {language} out of languages"
            )


# --- downloads ----------------------------------------------------------------------------------------------------


def list_downloads(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What a config takes from the hub: repository, kind, revision and, of data sets, files, by name.

    Text is one download a corpus and language, retrieval one a language; a split of the task is one for all languages.
    """
    task, teacher, languages = config["data"]["task"], config["teacher"], config["languages"]
    wanted: dict[str, dict[str, Any]] = {}
    if teacher["source"] == "hub":
        wanted["teacher"] = teacher["hub"] | {"kind": "model"}
    if task["source"] == "hub":
        for split in list_splits(task):
            own = task["train_languages"] if split == "train" else languages
            wanted[f"task-{split}"] = _dataset(task["hub"][split], task["locales"], own)
    for entry in config["data"]["text"]:
        is_read = entry.get("share", 1.0) or entry["name"] in config["finetuning"]["unlabelled"]
        if entry["source"] == "hub" and is_read:
            for language in languages:
                wanted[f"text-{entry['name']}-{language}"] = _dataset(
                    entry["hub"], entry.get("locales", {}), [language]
                )
    retrieval = config["data"]["retrieval"]
    if retrieval["source"] == "hub":
        source = {key: retrieval["hub"][key] for key in ("repository", "revision", "files")}
        for language in languages:
            if language != ENGLISH:
                wanted[f"retrieval-{language}"] = _dataset(source, retrieval["hub"]["locales"], [language])
    return wanted


def _dataset(source: dict[str, Any], locales: Mapping[str, str], languages: Iterable[str]) -> dict[str, Any]:
    files = sorted({fill_language(source["files"], find_locale(locales, language)) for language in languages})
    return source | {"kind": "dataset", "files": files}
