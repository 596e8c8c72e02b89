"""Sentences for retrieval: aligned, and each there once."""

import logging
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from camembert.data.records import DataError
from camembert.data.retrieval import (
    Sentence,
    find_language,
    number_sentences,
    read_aligned,
    read_paired,
    read_sentences,
    write_sentences,
)


@pytest.fixture
def aligned(tmp_path):
    """Writes a file for each language."""

    def write(**contents) -> dict[str, Path]:
        files = {}
        for language, content in contents.items():
            files[language] = tmp_path / f"{language}.txt"
            files[language].write_text("".join(f"{line}\n" for line in content))
        return files

    return write


def test_line_i_has_the_same_id_in_every_language(aligned):
    read = read_aligned(aligned(en=["one", "two"], fr=["un ", "deux"]))
    assert read == {
        "en": [Sentence("line-000001", "one"), Sentence("line-000002", "two")],
        "fr": [Sentence("line-000001", "un"), Sentence("line-000002", "deux")],
    }


def test_a_repeated_sentence_is_left_out_in_every_language_and_counted(aligned, caplog):
    caplog.set_level(logging.INFO)
    files = aligned(en=["a", "b", "c", "a", "d"], fr=["A", "B", "B", "C", "D"])
    assert [[s.id[-1] for s in rows] for rows in read_aligned(files).values()] == [["1", "2", "5"]] * 2
    assert "2 of 5 lines repeat an earlier one in some language and are left out in all, 3 are left" in caplog.text
    assert "lines in fr that repeat an earlier one: 1" in caplog.text
    assert [[s.id[-1] for s in rows] for rows in read_aligned(files, limit=2).values()] == [["1", "2"]] * 2


def test_sentences_come_back_as_they_were_written(tmp_path):
    sentences = number_sentences(["ein Satz", "نص", "ข้อความ"])
    write_sentences(sentences, tmp_path / "x.parquet")
    assert read_sentences(tmp_path / "x.parquet") == sentences


# --- aligned in pairs ---------------------------------------------------------------------------------------


def paired_lines(folder, own, english):
    """Files as XTREME's script writes Tatoeba's."""
    paths = [folder / "tatoeba.fr-en.fr", folder / "tatoeba.fr-en.en"]
    for path, sentences in zip(paths, (own, english), strict=True):
        path.write_text("".join(f"{text}\n" for text in sentences))
    return paths


def paired_rows(folder, own, english):
    """A folder as a download of the hub leaves it."""
    (folder / "fra-eng" / "test").mkdir(parents=True)
    pq.write_table(pa.table({"sentence1": own, "sentence2": english}), folder / "fra-eng" / "test" / "0000.parquet")
    return [folder]


COLUMNS = {"text": "sentence1", "english": "sentence2"}


@pytest.mark.parametrize("write", [paired_lines, paired_rows])
def test_every_language_has_its_own_english_side(tmp_path, write):
    files = write(tmp_path, ["un", "deux", "un", " trois "], ["one", "two", "one again", "three"])
    own, english = read_paired(files, COLUMNS, "fr", limit=3)
    assert [sentence.text for sentence in own] == ["un", "deux", "trois"]
    assert [sentence.text for sentence in english] == ["one", "two", "three"], "a repeated line is left out in both"
    assert [sentence.id for sentence in own] == [sentence.id for sentence in english]


def test_a_column_that_is_not_there_is_named(tmp_path):
    files = paired_rows(tmp_path, ["un", "deux"], ["one", "two"])
    with pytest.raises(DataError, match="has no column 'translation'"):
        read_paired(files, COLUMNS | {"english": "translation"}, "fr")


def test_the_language_of_a_file_is_in_its_name():
    names = {"data/retrieval/fr.parquet": "fr", "en.parquet": "en", "data/retrieval/english-for-fr.parquet": "en"}
    assert {path: find_language(path) for path in names} == names
