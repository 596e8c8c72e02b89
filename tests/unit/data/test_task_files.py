"""Reading inference data as people have it."""

import csv
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from camembert.data.nli import InferenceDataError, Pair

from camembert.data import nli, nli_sources
from camembert.plan import sources

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
    assert nli_sources.read_tsv(path, "dev") == [
        Pair("dev-000001", 'a "quoted', "b\u2028c\x85d\u0085", 1),
        Pair("dev-000002", '"', '"', 0),
    ]


def test_a_file_quoted_as_csv_is_unquoted_and_no_other(tmp_path):
    rows = [['He said "no"', "b, c", "neutral"], ['"', 'e""f', "entailment"], ["plain", "'g'", "neutral"]]
    with open(tmp_path / "dev-en.tsv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t").writerows(rows)
    pairs = nli_sources.read_tsv(tmp_path / "dev-en.tsv", "dev")
    assert [[pair.premise, pair.hypothesis, nli.LABELS[pair.label]] for pair in pairs] == rows
    for text in ('"quoted"\tb\tneutral\n', '"a ""b"" c"\tan inch is 1"\tneutral\n'):
        path = write(tmp_path / "dev-en.tsv", text)
        assert "\t".join(nli_sources.read_tsv(path, "dev")[0][1:3]) == text.rsplit("\t", 1)[0]


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path, xnli_1):
    assert nli_sources.read_tsv(write(tmp_path / "a.tsv", "\ufeffp\th\tneutral\n"), "dev")[0].premise == "p"
    write(xnli_1 / "xnli.dev.tsv", "\ufeff" + XNLI_1)
    assert splits_of(xnli_1, ["en", "de"])["dev"]["de"] == [Pair("dev-7", "Er sagte nein", "Nein.", 0)]


def test_both_line_ends_read_alike(tmp_path):
    unix = write(tmp_path / "a.tsv", "p\th\tneutral\nq\ti\tcontradiction\n")
    windows = write(tmp_path / "b.tsv", "p\th\tneutral\r\nq\ti\tcontradiction\r\n")
    assert nli_sources.read_tsv(unix, "dev") == nli_sources.read_tsv(windows, "dev")


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
        nli_sources.read_tsv(write(tmp_path / "x.tsv", text), "dev")


def test_another_encoding_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(InferenceDataError, match=r"x\.tsv is not UTF-8"):
        nli_sources.read_tsv(write(tmp_path / "x.tsv", "é\tb\tneutral\n", "latin-1"), "dev")
    with pytest.raises(InferenceDataError, match=r"y\.tsv does not exist"):
        nli_sources.read_tsv(tmp_path / "y.tsv", "dev")


def splits_of(folder, languages, split_dev=False):
    """What the workflow reads from a folder."""
    files = {"train": [sources.training_file(folder)]}
    for split in ("dev",) if split_dev else ("dev", "test"):
        files[split] = sources.evaluation_files(folder, split, languages)
    return nli_sources.read_splits(files, {}, languages, None)


@pytest.fixture
def xtreme(tmp_path):
    """A folder in XTREME's layout, with labels in its test files."""
    write(tmp_path / "train-en.tsv", "a\tb\tneutral\n")
    for language in ("en", "de"):
        write(tmp_path / f"dev-{language}.tsv", f"p {language}\th\tneutral\n")
        write(tmp_path / f"test-{language}.tsv", f"q {language}\th\tentailment\r\n")
    return tmp_path


XNLI_1 = (
    "language\tgold_label\tsentence1_binary_parse\tsentence1\tsentence2\tpairID\n"
    'en\tentailment\t( ( \tHe said "no\tNo.\t7\nen\t-\t\tx\ty\t8\n'
    "de\tentailment\t\tEr sagte nein\tNein.\t7\nde\t-\t\tx\ty\t8\n"
)


def test_files_that_are_not_parallel_are_refused(xtreme):
    write(xtreme / "dev-de.tsv", "a\tb\tentailment\n")
    with pytest.raises(InferenceDataError, match=r"the dev pairs in de and en in .* are not parallel \(1 and 1 rows"):
        splits_of(xtreme, ["en", "de"])


def test_a_folder_in_the_layout_of_xtreme_is_read(xtreme):
    splits = splits_of(xtreme, ["en", "de"])
    assert splits["dev"]["de"] == [Pair("dev-000001", "p de", "h", 1)]
    assert splits["test"]["en"] == [Pair("test-000001", "q en", "h", 0)]


def test_test_files_without_labels_are_refused_with_a_way_out(xtreme):
    write(xtreme / "test-de.tsv", "q\th\n")
    with pytest.raises(InferenceDataError, match=r"test-de\.tsv:1 has no label, .* or set data\.nli\.split_dev: true"):
        splits_of(xtreme, ["en", "de"])
    assert set(splits_of(xtreme, ["en", "de"], split_dev=True)) == {"train", "dev", "test"}


@pytest.fixture
def xnli_1(tmp_path):
    """A folder with XNLI 1.0's files, and training pairs."""
    write(tmp_path / "train-en.tsv", "a\tb\tneutral\n")
    for split in ("dev", "test"):
        write(tmp_path / f"xnli.{split}.tsv", XNLI_1)
    return tmp_path


def test_xnli_1_is_read_language_by_language_without_unlabelled_pairs(xnli_1):
    splits = splits_of(xnli_1, ["en", "de"])
    assert splits["dev"]["en"] == [Pair("dev-7", 'He said "no', "No.", 0)]
    assert splits["test"]["de"] == [Pair("test-7", "Er sagte nein", "Nein.", 0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            XNLI_1.replace("gold_label", "label"),
            r"xnli\.dev\.tsv:1 names no column gold_label; expected XNLI",
        ),
        (XNLI_1 + "de\tneutral\n", r"xnli\.dev\.tsv:6 has 2 tab-separated columns; its header has 6"),
        (XNLI_1.replace("de\tent", "de\tEnt"), r"xnli\.dev\.tsv:4 has label 'Entailment'; expected one of"),
        (XNLI_1.replace("de\t", "fr\t"), r"xnli\.dev\.tsv, de: no labelled pairs found"),
        (XNLI_1.replace("Nein.\t7", "Nein.\t9"), r"the dev pairs in de and en in .* are not parallel"),
    ],
)
def test_what_is_wrong_in_xnli_1_is_named(xnli_1, text, message):
    write(xnli_1 / "xnli.dev.tsv", text)
    with pytest.raises(InferenceDataError, match=message):
        splits_of(xnli_1, ["en", "de"])


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("xnli.test.tsv", "the test pairs"),
        ("xnli.dev.tsv", "the dev pairs"),
        ("multinli_1.0_train.txt", "the training"),
    ],
)
def test_pairs_in_two_layouts_at_once_are_refused(xtreme, name, what):
    write(xtreme / name, XNLI_1)
    with pytest.raises(sources.SourceError, match=f"has {what}.* more than once, as .*{name}.*; keep one of them"):
        splits_of(xtreme, ["en", "de"])


def test_xnli_1_must_say_which_language_a_row_is_in(xnli_1):
    write(xnli_1 / "xnli.dev.tsv", XNLI_1.replace("language\t", "lang\t"))
    with pytest.raises(InferenceDataError, match=r"xnli\.dev\.tsv:1 names no column language"):
        splits_of(xnli_1, ["en", "de"])


def test_a_folder_may_hold_the_hub_s_parquet_files(tmp_path):
    for name in ("train-en", "dev-en", "dev-de", "test-en"):
        parquet(tmp_path / f"{name}.parquet")
    write(tmp_path / "test-de.tsv", "a\tc\tcontradiction\n")
    splits = splits_of(tmp_path, ["en", "de"])
    assert splits["train"]["en"] == [Pair("train-000001", "a", "c", 2)]
    assert splits["test"]["en"] == splits["test"]["de"] == [Pair("test-000001", "a", "c", 2)]


def test_multinli_itself_is_training_data(tmp_path):
    header = "gold_label\tsentence1_binary_parse\tsentence1\tsentence2\tpairID\tgenre\n"
    path = write(tmp_path / "multinli_1.0_train.txt", header + "-\t\ta\tb\t1\tx\nneutral\t\tc\td\t2\ty\n")
    assert sources.training_file(tmp_path) == path
    assert nli_sources.read_headed_tsv(path, "train", "en") == [Pair("train-2", "c", "d", 1)]


# --- the hub's parquet files ----------------------------------------------------------------------------------


def parquet(path, names=None, **columns):
    table = pa.table({"premise": ["a", "b"], "hypothesis": ["c", "d"], "label": [2, -1]} | columns)
    if names:
        features = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    pq.write_table(table, path)
    return path


def test_pairs_without_a_label_are_dropped_and_counted(tmp_path, caplog):
    with caplog.at_level("INFO", "camembert"):
        pairs = nli_sources.read_parquet([parquet(tmp_path / "a.parquet"), parquet(tmp_path / "b.parquet")], "train")
    assert pairs == [Pair("train-000001", "a", "c", 2), Pair("train-000003", "a", "c", 2)]
    assert "a.parquet, b.parquet: 2 pairs without a gold label are left out, 2 are kept" in caplog.text


def test_labels_are_read_as_the_file_names_them(tmp_path):
    path = parquet(tmp_path / "a.parquet", names=["contradiction", "neutral", "entailment"])
    assert nli_sources.read_parquet([path], "dev") == [Pair("dev-000001", "a", "c", 0)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": [0, 3]}, r'a\.parquet: row 2 is .*"label": 3.*; expected two texts and a label out of 0, 1, 2'),
        ({"premise": ["a", None], "label": [0, 1]}, r'a\.parquet: row 2 is \{"premise": null'),
        ({"label": [-1, -1]}, r"a\.parquet: no labelled pairs found"),
        ({"names": ["yes", "no"]}, r"a\.parquet has the labels yes, no; expected entailment, neutral, contradiction"),
    ],
)
def test_what_is_wrong_in_a_parquet_file_is_named(tmp_path, columns, message):
    with pytest.raises(InferenceDataError, match=message):
        nli_sources.read_parquet([parquet(tmp_path / "a.parquet", **columns)], "dev")


def test_a_parquet_file_without_the_columns_or_cut_short_is_refused(tmp_path):
    pq.write_table(pa.table({"premise": ["a"], "label": [0]}), tmp_path / "a.parquet")
    with pytest.raises(InferenceDataError, match=r"a\.parquet has no column hypothesis; expected premise, hypothesis"):
        nli_sources.read_parquet([tmp_path / "a.parquet"], "dev")
    whole = parquet(tmp_path / "b.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InferenceDataError, match=r"b\.parquet is no whole parquet file"):
        nli_sources.read_parquet([tmp_path / "b.parquet"], "dev")


# --- halves, and the real thing -------------------------------------------------------------------------------


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
    splits = splits_of(folder, languages, split_dev=True)
    assert len(splits["train"]["en"]) == (folder / "train-en.tsv").read_bytes().count(b"\n")
    assert [sum(len(splits[split][language]) for split in ("dev", "test")) for language in languages] == [2490] * 15
    dev = {language: nli_sources.read_tsv(folder / f"dev-{language}.tsv", "dev") for language in languages}
    assert len(dev) == 15
    for language, pairs in dev.items():
        assert len(pairs) == 2490
        assert [sum(pair.label == label for pair in pairs) for label in range(3)] == [830, 830, 830]
        lines = [f"{pair.premise}\t{pair.hypothesis}\t{nli.LABELS[pair.label]}\n" for pair in pairs]
        assert "".join(lines).encode() == (folder / f"dev-{language}.tsv").read_bytes()
