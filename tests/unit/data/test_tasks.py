"""Examples in files of their own, and their halves."""

import pyarrow.parquet as pq
import pytest

from camembert.data.tasks import (
    NO_LABEL,
    Example,
    TaskError,
    find_unlabelled_languages,
    halve,
    hold_out,
    make_unlabelled_examples,
    read_examples,
    write_examples,
)


def test_examples_survive_parquet(tmp_path):
    pairs = [Example("a-1", 'He said "no"', "你好", 2, 0), Example("a-2", " spaces kept ", "", 59, 0)]
    single = [Example("a", "one", None, 0), Example("b", "two", None, 1)]
    for examples, columns in ((pairs, Example._fields), (single, ("id", "text", "label"))):
        write_examples(examples, tmp_path / "x.parquet")
        assert read_examples(tmp_path / "x.parquet") == examples
        assert sorted(pq.read_schema(tmp_path / "x.parquet").names) == sorted(columns)


def test_halves_share_no_cluster_and_lose_no_row():
    for cluster in (None, 1):
        examples = [
            Example(str(i), f"premise {i // 3}" if cluster is None else "x", f"h{i}", i % 3, cluster and i // 3)
            for i in range(60)
        ]
        first, second = halve(examples)
        assert sorted(first + second) == list(range(60))
        assert not {i // 3 for i in first} & {i // 3 for i in second}
        assert abs(len(first) - len(second)) <= 3


def test_sentences_without_labels_are_all_but_labelled_ones(tmp_path):
    examples = make_unlabelled_examples({"de_own": ["labelled", "another"]}, [" labelled "])
    assert examples == [Example("de_own-000002", "another", None, NO_LABEL)]
    write_examples(examples, tmp_path / "unlabelled.parquet")
    assert find_unlabelled_languages([tmp_path / "unlabelled.parquet"]) == ["de"]
    with pytest.raises(TaskError, match=r"no sentence but those of labelled examples; add text, or set"):
        make_unlabelled_examples({"de_own": ["labelled"]}, ["labelled"])


def test_what_is_held_out_shares_no_sentence_with_what_is_left():
    examples = [Example(str(i), f"sentence {i // 2}", None, i % 2) for i in range(100)]
    left, held_out = hold_out(examples)
    assert sorted(left + held_out) == sorted(examples)
    assert (len(left), len(held_out)) == (80, 20)
    assert not {each.text for each in left} & {each.text for each in held_out}
