"""Sentences of dev and test in the text that is trained on: found whatever their form, refused or left out."""

from camembert.data.leaks import check_corpus, matches, normalised, sentences_of
from camembert.data.retrieval import Sentence, write_sentences
from camembert.data.tasks import Example, write_examples
from camembert.data.text import read_documents

SENTENCES = {"en": {"wake me up", "stop"}, "de": {"weck mich"}}
TEXTS = {"en": ["play", " WAKE  me\tup ", "go on", "stop it", "Stop"], "de": ["a", "b", "Weck mich", "d", "e"]}


def test_case_spaces_and_forms_of_characters_do_not_hide_a_sentence():
    assert normalised("\uff37ake  Me\u00a0UP \ufb01") == "wake me up fi"
    assert matches(TEXTS["en"], SENTENCES["en"]) == ([1, 4], 5)
    assert matches([], SENTENCES["en"]) == ([], 0)
    assert matches(["a"], set()) == ([], 1)


def test_both_sentences_of_a_pair_and_those_of_retrieval_are_looked_for(tmp_path):
    write_examples([Example("a", "One", "TWO", 0)], tmp_path / "pairs.parquet")
    write_examples([Example("a", "Three", None, 0)], tmp_path / "single.parquet")
    write_sentences([Sentence("line-1", "Four"), Sentence("line-2", "FIVE")], tmp_path / "retrieval.parquet")
    examples = [tmp_path / "pairs.parquet", tmp_path / "single.parquet"]
    assert sentences_of(examples, [tmp_path / "retrieval.parquet"]) == {"one", "two", "three", "four", "five"}


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
