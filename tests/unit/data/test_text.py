"""Running text as people have it, which files of a folder are meant, and sentences of evaluations in it."""

import gzip
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from camembert.data import text
from camembert.data.records import DataError
from camembert.data.retrieval import number_sentences, write_sentences
from camembert.data.tasks import Example, write_examples
from camembert.data.text import (
    TrainingDocuments,
    check_corpus,
    normalise,
    read_documents,
    read_evaluated,
    read_sample,
)
from camembert.plan.corpora import TextSource, check_corpora, describe_left_out, text_sources, unlabelled_sources
from camembert.plan.sources import SourceError

DOCUMENTS = ["one", "two  words", "three\nlines", "四"]


@pytest.fixture
def write(tmp_path):
    """Writes documents as a file of the form that its name says."""

    def write(name, documents=DOCUMENTS):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if name.endswith(".parquet"):
            table = pa.table({"id": range(len(documents)), "text": pa.array(documents, pa.string())})
            pq.write_table(table, path, row_group_size=2)
        elif name.endswith(".jsonl"):
            path.write_text("".join(json.dumps({"text": text}) + "\n" for text in documents))
        else:
            lines = "".join(f"{text}\n" for text in documents).encode()
            path.write_bytes(gzip.compress(lines) if name.endswith(".gz") else lines)
        return path

    return write


def test_a_line_of_text_or_a_row_is_a_document(write):
    for name in ("en.parquet", "en.jsonl"):
        assert list(read_documents([write(name)])) == DOCUMENTS, name
    for name in ("en.txt", "en.txt.gz"):
        assert list(read_documents([write(name, ["one", "", " two \r", "四"])])) == ["one", "two", "四"], name


def test_empty_documents_are_left_out_and_a_limit_counts_the_others(write):
    path = write("en.parquet", ["", None, " one ", "\n", "two", "three"])
    counts = Counter()
    assert list(read_documents([path], limit=2, without=[1], left_out=counts)) == ["one"]
    assert list(read_documents([path], limit=2)) == ["one", "two"]
    assert counts == {"empty": 3, "evaluated": 1}


def test_a_sample_is_the_first_documents_and_leaves_no_file_open(write, monkeypatch):
    path = write("en.txt", ["", *map(str, range(9))])
    assert read_sample([path], 2) == read_sample([path], 99, limit=2) == ["0", "1"]
    documents = read_documents([path])  # which something holds
    monkeypatch.setattr(text, "read_documents", lambda files: documents)
    assert read_sample([path], 2) == ["0", "1"]
    assert list(documents) == [], "it is closed"


def test_several_files_are_read_one_after_another_and_a_folder_in_order(write, tmp_path):
    paths = [write("en/train-00001-of-00002.parquet", ["b"]), write("en/train-00000-of-00002.parquet", ["a"])]
    assert list(read_documents(paths)) == ["b", "a"]
    assert list(read_documents([tmp_path / "en"])) == ["a", "b"]


def test_the_text_of_all_languages_can_be_gone_through_again_without_what_was_left_out(write, tmp_path):
    files = {
        "en_own": [write("en.txt", ["a", "b", "c"])],
        "fr_own": [write("fr.txt", ["d"]), write("g.txt", ["e", "f"])],
    }
    (tmp_path / "own.json").write_text('{"en": [1]}')
    documents = TrainingDocuments(files, {name: {"limit": 2} for name in files}, [tmp_path / "own.json"])
    assert list(documents) == list(documents) == ["a", "d", "e"]
    assert {name: list(own) for name, own in documents.by_source().items()} == {"en_own": ["a"], "fr_own": ["d", "e"]}


# --- which files ----------------------------------------------------------------------------------------------


def config_of(corpora, folder, languages, unlabelled=()):
    """What is read of a config about its text."""
    task = {"source": "folder", "folder": str(folder)}
    data = {"task": task, "text": corpora}
    return {"languages": languages, "data": data, "finetuning": {"unlabelled": list(unlabelled)}}


@pytest.mark.parametrize(
    "names",
    [
        ["en.txt"],
        ["en.txt.gz"],
        ["en.jsonl"],
        ["en.parquet"],
        ["en-0.parquet", "en-1.parquet"],
        ["en/train-0.parquet", "en/train-1.parquet"],
    ],
)
def test_text_is_found_in_any_layout_and_of_its_language_alone(write, tmp_path, names):
    paths = [write(name) for name in names]
    write("eno.txt")
    write("de.txt")
    assert TextSource(name="own", source="folder", folder=str(tmp_path)).files_of("en") == paths


def test_a_language_without_text_is_refused_before_anything_runs(write, tmp_path):
    write("en.txt")
    corpus = {"name": "own", "source": "folder", "folder": str(tmp_path)}
    config = config_of([corpus], tmp_path, languages=["en", "sw"])
    with pytest.raises(SourceError, match=r"has no text in sw; expected one of sw\.txt, sw\.txt\.gz, .*: add it"):
        check_corpora(config)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "swa.tsv").write_text("text\n")
    other = {"name": "other", "source": "folder", "folder": str(tmp_path / "other"), "locales": {"sw": "swa"}}
    config["data"]["text"] = [corpus, other | {"files": "{language}.tsv"}]
    check_corpora(config)
    assert [each.languages(["en", "sw"]) for each in text_sources(config)] == [["en"], ["sw"]]
    config["data"]["text"][1]["share"] = 0
    with pytest.raises(SourceError, match="has no text in sw"):
        check_corpora(config)
    assert [each.name for each in text_sources(config)] == ["own"]
    config |= {"languages": ["en"], "finetuning": {"unlabelled": ["other"]}}
    with pytest.raises(SourceError, match=r"\[1\] is other, but .*/other has no text in en .* {language}\.tsv: add it"):
        check_corpora(config)
    config["languages"] = ["en", "sw"]
    config["data"]["text"][1] |= {"parallel": True, "share": 0.5}
    with pytest.raises(
        SourceError, match=r"data\.text\[1\] is parallel, but has files in sw alone; add other languages"
    ):
        check_corpora(config)


def test_text_whose_files_are_not_named_by_language_is_read_in_any(write, tmp_path):
    unlabelled = {"name": "unlabelled", "source": "folder", "files": "*.txt"}  # in the folder of the task
    config = config_of([unlabelled], tmp_path, languages=["en"], unlabelled=["unlabelled"])
    with pytest.raises(SourceError, match=r"\[0\] is unlabelled, .* no text in en for it; expected \*\.txt: add it"):
        check_corpora(config)
    paths = [write("de.txt"), write("tr.txt")]
    check_corpora(config)
    assert [corpus.files_of("en") for corpus in unlabelled_sources(config)] == [paths]
    config["languages"] = ["en", "de"]
    with pytest.raises(SourceError, match=r"files is '\*\.txt', expected {language} in it .* languages names 2;"):
        check_corpora(config)


def test_an_optional_corpus_without_files_is_left_out_and_the_start_says_so(write, tmp_path):
    write("en.csv")
    optional = {"name": "more", "source": "folder", "files": "*.txt", "optional": True}
    labelled = {"name": "labelled", "source": "folder", "files": "en.csv"}
    config = config_of([labelled, optional], tmp_path, languages=["en"], unlabelled=["more"])
    check_corpora(config)
    assert [corpus.name for corpus in text_sources(config)] == ["labelled"]
    assert unlabelled_sources(config) == []
    assert describe_left_out(config) == [f"{tmp_path} has no file '*.txt': corpus more is left out."]
    write("de.txt")
    assert [corpus.name for corpus in text_sources(config)] == ["labelled", "more"]
    assert describe_left_out(config) == []


def test_rows_of_any_form_are_text_by_their_column_and_filter(tmp_path):
    rows = [{"utt": "wake me", "part": "train"}, {"utt": "stop", "part": "test"}, {"utt": "play", "part": "train"}]
    (tmp_path / "en.jsonl.gz").write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    (tmp_path / "en.tsv").write_text("part\tutt\n" + "".join(f"{row['part']}\t{row['utt']}\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "en.parquet")
    for name in ("en.jsonl.gz", "en.tsv", "en.parquet"):
        reading = {"column": "utt", "rows": {"part": "train"}, "parallel": True}
        assert list(read_documents([tmp_path / name], **reading)) == ["wake me", "play"], name


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "de.jsonl").write_text('{"text": "a"}\n{"text": 3}\n')
    pq.write_table(pa.table({"text": [3]}), tmp_path / "de.parquet")
    for name, where in (("de.jsonl", "de.jsonl:2"), ("de.parquet", "de.parquet: row 1")):
        with pytest.raises(DataError, match=f"{where} has 3 in the field 'text'; expected a text"):
            list(read_documents([tmp_path / name]))


# --- sentences of evaluations ---------------------------------------------------------------------------------

SENTENCES = {"en": {"wake me up", "stop"}, "de": {"weck mich"}}
TEXTS = {"en": ["play", " WAKE  me\tup ", "go on", "stop it", "Stop"], "de": ["a", "b", "Weck mich", "d", "e"]}


def test_case_spaces_and_forms_of_characters_do_not_hide_a_sentence():
    assert normalise("\uff37ake  Me\u00a0UP \ufb01") == "wake me up fi"
    assert check_corpus("own", {"en": [], "de": ["a"]}, {"en": {"a"}, "de": set()}, False, "refuse") == {
        "en": [],
        "de": [],
    }


def test_both_sentences_of_a_pair_and_those_of_retrieval_are_looked_for(tmp_path):
    write_examples([Example("a", "One", "TWO", 0)], tmp_path / "pairs.parquet")
    write_examples([Example("a", "Three", None, 0)], tmp_path / "single.parquet")
    write_sentences(number_sentences(["Four", "FIVE"]), tmp_path / "retrieval.parquet")
    examples = [tmp_path / "pairs.parquet", tmp_path / "single.parquet"]
    assert read_evaluated(examples, [tmp_path / "retrieval.parquet"]) == {"one", "two", "three", "four", "five"}


def test_text_without_sentences_of_evaluations_is_not_refused():
    assert check_corpus("own", {"en": ["go on"]}, SENTENCES, False, "refuse") == {"en": []}


def test_what_is_left_out_of_parallel_text_is_left_out_of_every_language(tmp_path):
    assert check_corpus("own", TEXTS, SENTENCES, False, "leave_out") == {"en": [1, 4], "de": [2]}
    left_out = check_corpus("own", TEXTS, SENTENCES, True, "leave_out")
    assert left_out == {"en": [1, 2, 4], "de": [1, 2, 4]}
    for language, texts in TEXTS.items():
        (tmp_path / f"{language}.txt").write_text("".join(f"{text}\n" for text in texts))
        kept = list(read_documents([tmp_path / f"{language}.txt"], parallel=True, without=left_out[language]))
        assert kept == [texts[0], texts[3]]
