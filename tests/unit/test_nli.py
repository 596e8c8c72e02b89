"""Reading inference data as people have it."""

import os
from pathlib import Path

import pytest

from camembert import nli
from camembert.nli import InferenceDataError, Pair

REAL_DATA = os.environ.get("CAMEMBERT_REAL_DATA")


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def test_pairs_survive_parquet(tmp_path):
    pairs = [Pair("a-1", 'He said "no"', "你好", 2), Pair("a-2", " spaces kept ", "", 0)]
    nli.write_pairs(pairs, tmp_path / "x.parquet")
    assert nli.read_pairs(tmp_path / "x.parquet") == pairs


def test_quotes_and_separators_inside_a_field_are_kept(tmp_path):
    path = write(tmp_path / "dev-en.tsv", 'a "quoted\tb\u2028c\x85d\u0085\tneutral\n"\t"\tentailment\n')
    assert nli.read_tsv(path, "dev") == [
        Pair("dev-000001", 'a "quoted', "b\u2028c\x85d\u0085", 1),
        Pair("dev-000002", '"', '"', 0),
    ]


def test_both_line_ends_read_alike(tmp_path):
    unix = write(tmp_path / "a.tsv", "p\th\tneutral\nq\ti\tcontradiction\n")
    windows = write(tmp_path / "b.tsv", "p\th\tneutral\r\nq\ti\tcontradiction\r\n")
    assert nli.read_tsv(unix, "dev") == nli.read_tsv(windows, "dev")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\tneutral\na\tb\n", r"x\.tsv:2 has 2 tab-separated columns; expected premise, hypothesis, label"),
        ("a\tb\tmaybe\n", r"x\.tsv:1 has label 'maybe'; expected one of entailment, neutral, contradiction"),
        ("", r"x\.tsv is empty"),
    ],
)
def test_a_malformed_row_is_named_by_file_and_line(tmp_path, text, message):
    with pytest.raises(InferenceDataError, match=message):
        nli.read_tsv(write(tmp_path / "x.tsv", text), "dev")


def test_another_encoding_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(InferenceDataError, match=r"x\.tsv is not UTF-8"):
        nli.read_tsv(write(tmp_path / "x.tsv", "é\tb\tneutral\n", "latin-1"), "dev")
    with pytest.raises(InferenceDataError, match=r"y\.tsv does not exist"):
        nli.read_tsv(tmp_path / "y.tsv", "dev")


def test_files_that_are_not_parallel_are_refused(tmp_path):
    write(tmp_path / "dev-en.tsv", "a\tb\tneutral\n")
    write(tmp_path / "dev-de.tsv", "a\tb\tentailment\n")
    with pytest.raises(InferenceDataError, match=r"dev-de\.tsv and dev-en\.tsv .* are not parallel"):
        nli.read_parallel(tmp_path, "dev", ["en", "de"])


def test_halves_share_no_premise_and_lose_no_row():
    pairs = [Pair(str(i), f"premise {i // 3}", f"h{i}", i % 3) for i in range(60)]
    first, second = nli.halve_by_premise(pairs)
    assert sorted(first + second) == list(range(60))
    assert not {pairs[i].premise for i in first} & {pairs[i].premise for i in second}
    assert abs(len(first) - len(second)) <= 3


@pytest.mark.skipif(REAL_DATA is None, reason="CAMEMBERT_REAL_DATA does not name a folder with real XNLI")
def test_real_xnli_loads_whole():
    folder = Path(str(REAL_DATA)) / "xnli"
    languages = sorted(path.stem.removeprefix("dev-") for path in folder.glob("dev-*.tsv"))
    dev = nli.read_parallel(folder, "dev", languages)
    assert len(dev) == 15
    for language, pairs in dev.items():
        assert len(pairs) == 2490
        assert [sum(pair.label == label for pair in pairs) for label in range(3)] == [830, 830, 830]
        lines = [f"{pair.premise}\t{pair.hypothesis}\t{nli.LABELS[pair.label]}\n" for pair in pairs]
        assert "".join(lines).encode() == (folder / f"dev-{language}.tsv").read_bytes()
    assert len(nli.read_tsv(folder / "train-en.tsv", "train")) == 29340
