"""Sentences for retrieval: aligned, each there once, and never read in training."""

import logging
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from camembert.data.cldr import documents, nli
from camembert.data.cldr import facts as cldr
from camembert.data.cldr.documents import draw_documents, draw_unseen_documents, normalised
from camembert.data.records import DataError
from camembert.data.retrieval import (
    Sentence,
    language_of,
    numbered,
    read_aligned,
    read_pair,
    read_sentences,
    write_sentences,
)
from camembert.plan.config import load_yaml

CONFIG = load_yaml(Path(__file__).parents[3] / "config.yaml")
LANGUAGES = CONFIG["languages"]
SEED, CORPUS_DOCUMENTS = (CONFIG["data"]["cldr"][key] for key in ("seed", "documents"))


# --- the toy documents ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unseen():
    return draw_unseen_documents(CONFIG["retrieval"]["documents"], SEED, CORPUS_DOCUMENTS, LANGUAGES)


@pytest.fixture(scope="module")
def pairs():
    return nli.draw_splits({split: CONFIG["data"]["cldr"][split] for split in ("train", "dev", "test")}, SEED)


def test_none_states_what_a_document_of_the_corpus_states_in_any_order(unseen):
    corpus = {cldr.facts_of(document) for document in draw_documents(CORPUS_DOCUMENTS, SEED)}
    assert not corpus & set(map(cldr.facts_of, unseen))


@pytest.mark.parametrize("language", LANGUAGES)
def test_none_reads_like_another_or_like_anything_that_is_trained_on(unseen, pairs, language):
    texts = [normalised(cldr.render_all(document, language)) for document in unseen]
    assert len(set(texts)) == len(texts)
    corpus = draw_documents(CORPUS_DOCUMENTS, SEED)
    read = {normalised(cldr.render_all(document, language)) for document in corpus}
    for split in ("train", "dev"):
        for pair in pairs[split]:
            read.add(normalised(cldr.render_all(pair.premise, language)))
            read.add(normalised(cldr.render(pair.hypothesis, language)))
    assert not read & set(texts)


def test_the_seed_decides_which_they_are():
    one, same, other = (draw_unseen_documents(30, seed, 100, ["en", "th"]) for seed in (1, 1, 2))
    assert one == same != other


def test_more_documents_than_there_are_are_refused(monkeypatch):
    few = list(draw_documents(20, 0))
    monkeypatch.setattr(documents, "draw_documents", lambda number, seed, use="text": few if use != "text" else few[:9])
    with pytest.raises(cldr.SizeError, match=r"retrieval\.documents is 50, but 500 draws gave \d+ documents"):
        draw_unseen_documents(50, 0, 9, ["en"])


# --- files that someone brings ------------------------------------------------------------------------------


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
    sentences = numbered(["ein Satz", "نص", "ข้อความ"])
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
    own, english = read_pair(files, COLUMNS, "fr", limit=3)
    assert [sentence.text for sentence in own] == ["un", "deux", "trois"]
    assert [sentence.text for sentence in english] == ["one", "two", "three"], "a repeated line is left out in both"
    assert [sentence.id for sentence in own] == [sentence.id for sentence in english]


def test_a_column_that_is_not_there_is_named(tmp_path):
    files = paired_rows(tmp_path, ["un", "deux"], ["one", "two"])
    with pytest.raises(DataError, match="has no column 'translation'"):
        read_pair(files, COLUMNS | {"english": "translation"}, "fr")


def test_the_language_of_a_file_is_in_its_name():
    names = {"data/retrieval/fr.parquet": "fr", "en.parquet": "en", "data/retrieval/english-for-fr.parquet": "en"}
    assert {path: language_of(path) for path in names} == names
