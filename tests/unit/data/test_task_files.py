"""A task's examples out of files as people have them: what a preset says of them, and what is refused."""

import gzip
import json
import os
from pathlib import Path

import pandas as pd
import pytest
from task_folders import parquet, splits_of, task_in, write

from camembert.data.records import DataError
from camembert.data.tasks import Example, TaskError
from camembert.plan.config import load_yaml
from camembert.plan.sources import SourceError

ROOT = Path(__file__).parents[3]
REAL_DATA = os.environ.get("CAMEMBERT_REAL_DATA")
NLI = ["entailment", "neutral", "contradiction"]


# --- pairs: XTREME's layout, XNLI 1.0's, the hub's ------------------------------------------------------------


@pytest.fixture
def xtreme(tmp_path):
    """A folder in XTREME's layout, with labels in its test files."""
    write(tmp_path / "train-en.tsv", "a\tb\tneutral\n")
    for language in ("en", "de"):
        write(tmp_path / f"dev-{language}.tsv", f"p {language}\th\tneutral\n")
        write(tmp_path / f"test-{language}.tsv", f"q {language}\th\tentailment\r\n")
    return tmp_path


def test_a_folder_in_the_layout_of_xtreme_is_read(xtreme):
    splits, labels = splits_of(xtreme, ["en", "de"])
    assert labels == NLI
    assert splits["train"] == {"en": [Example("train-000001", "a", "b", 1, 0)]}
    assert splits["dev"]["de"] == [Example("dev-000001", "p de", "h", 1, 0)]
    assert splits["test"]["en"] == [Example("test-000001", "q en", "h", 0, 0)]


def test_examples_of_one_premise_are_a_cluster_named_alike_in_every_language(xtreme):
    write(xtreme / "dev-en.tsv", "p\th\tneutral\nq\ti\tneutral\np\tj\tneutral\n")
    write(xtreme / "dev-de.tsv", "x\th\tneutral\nx\ti\tneutral\ny\tj\tneutral\n")  # translated at random
    splits, _ = splits_of(xtreme, ["en", "de"])
    for language in ("en", "de"):
        assert [example.cluster for example in splits["dev"][language]] == [0, 1, 0]


def test_labels_may_be_in_another_language_than_english_or_in_several(xtreme):
    write(xtreme / "train-de.tsv", "c\td\tneutral\ne\tf\tneutral\n")
    files = {"train": "train-{language}.tsv", "dev": "dev-{language}.tsv", "test": "test-{language}.tsv"}
    splits, _ = splits_of(xtreme, ["de"], train_languages=["de"], files=files)
    assert splits["train"] == {"de": [Example("train-000001", "c", "d", 1, 0), Example("train-000002", "e", "f", 1, 1)]}
    both, _ = splits_of(xtreme, ["en", "de"], train_languages=["de", "en"], files=files, train_limit=1)
    assert {language: [each.text for each in own] for language, own in both["train"].items()} == {
        "de": ["c"],
        "en": ["a"],
    }


XNLI_1 = (
    "language\tgold_label\tsentence1_binary_parse\tsentence1\tsentence2\tpairID\n"
    'en\tentailment\t( ( \tHe said "no\tNo.\t7\nen\t-\t\tx\ty\t8\n'
    "de\tentailment\t\tEr sagte nein\tNein.\t7\nde\t-\t\tx\ty\t8\n"
)
MULTINLI = "gold_label\tsentence1_binary_parse\tsentence1\tsentence2\tpairID\tgenre\n"


def test_xnli_1_is_read_language_by_language_without_unlabelled_pairs(tmp_path, caplog):
    write(tmp_path / "multinli_1.0_train.txt", MULTINLI + "-\t\ta\tb\t1\tx\nneutral\t\tc\td\t2\ty\n")
    for split in ("dev", "test"):
        write(tmp_path / f"xnli.{split}.tsv", XNLI_1)
    with caplog.at_level("INFO", "camembert"):
        splits, _ = splits_of(tmp_path, ["en", "de"], "xnli-1.0")
    assert splits["train"]["en"] == [Example("train-2", "c", "d", 1, 0)]
    assert splits["dev"]["en"] == [Example("dev-7", 'He said "no', "No.", 0, 0)]
    assert splits["test"]["de"] == [Example("test-7", "Er sagte nein", "Nein.", 0, 0)]
    assert f"{tmp_path}, dev, de: 1 examples without a label are left out, 1 are kept" in caplog.text


PARQUET = {"train": "train-en*.parquet", "dev": "dev-{language}.parquet", "test": "test-{language}.parquet"}


@pytest.fixture
def from_parquet(tmp_path):
    """A folder with the files of the hub, one a split and language."""
    for name in ("train-en", "dev-en", "dev-de", "test-en", "test-de"):
        parquet(tmp_path / f"{name}.parquet")
    return tmp_path


def test_the_hub_s_parquet_files_are_read_and_their_rows_counted_over_all_files(from_parquet):
    parquet(from_parquet / "train-en-2.parquet")
    for name in ("dev-en", "dev-de"):
        parquet(from_parquet / f"{name}.parquet", names=["contradiction", "neutral", "entailment"])
    splits, _ = splits_of(from_parquet, ["en", "de"], files=PARQUET)
    assert splits["train"]["en"] == [Example("train-000001", "a", "c", 2, 0), Example("train-000003", "a", "c", 2, 0)]
    assert splits["dev"]["de"] == [Example("dev-000001", "a", "c", 0, 0)], "labels are what the file names them"
    assert splits["test"]["en"] == splits["test"]["de"] == [Example("test-000001", "a", "c", 2, 0)]


# --- single sentences, many labels, two labels, not parallel --------------------------------------------------


def utterances(folder, locale, labels=60, order=1):
    """A file as MASSIVE has them: three partitions of utterances, every label twice in each."""
    rows = [
        {"id": f"{number}", "partition": partition, "scenario": f"s{number % labels // 4}", "utt": f"{locale} {number}"}
        | {"intent": f"intent_{number % labels:02d}"}
        for start, partition in enumerate(("train", "dev", "test"))
        for number in range(2 * labels * start, 2 * labels * (start + 1))
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows[::order])
    (folder / f"{locale}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))


def test_single_sentences_with_sixty_labels_are_read_by_partition_and_locale(tmp_path):
    utterances(tmp_path, "en-US")
    utterances(tmp_path, "sw-KE", order=-1)
    splits, labels = splits_of(tmp_path, ["en", "sw"], "massive")
    assert labels == [f"intent_{number:02d}" for number in range(60)]
    assert {split: {language: len(rows) for language, rows in of.items()} for split, of in splits.items()} == {
        "train": {"en": 120},
        "dev": {"en": 120, "sw": 120},
        "test": {"en": 120, "sw": 120},
    }
    assert splits["dev"]["sw"][1] == Example("dev-121", "sw-KE 121", None, 1), "in the order of English"
    _, scenarios = splits_of(tmp_path, ["en", "sw"], "massive-scenario")
    assert len(scenarios) == 15
    few, labels = splits_of(tmp_path, ["en"], "massive", train_limit=10)
    assert (len(few["train"]["en"]), len(labels)) == (10, 60), "labels are those of all training examples"


def test_two_labels_that_are_numbered_get_their_names(tmp_path):
    for language in ("en", "de"):
        for name in ("train", "dev_2k", "test_2k"):
            rows = f'1\tA "b" {language}\tB a\t1\n2\tC\tD\t0\n'
            write(tmp_path / language / f"{name}.tsv", "id\tsentence1\tsentence2\tlabel\n" + rows)
    splits, labels = splits_of(tmp_path, ["en", "de"], "pawsx")
    assert labels == ["different", "paraphrase"]
    assert splits["dev"]["de"] == [Example("dev-1", 'A "b" de', "B a", 1), Example("dev-2", "C", "D", 0)]


def topics(folder, language, rows, split):
    lines = "".join(f"{number}\ttopic {number % 7}\t{language} {number}\n" for number in rows)
    write(folder / language / f"{split}.tsv", "index_id\tcategory\ttext\n" + lines)


def test_examples_that_are_not_parallel_stay_as_they_are(tmp_path):
    for split in ("train", "dev", "test"):
        topics(tmp_path, "eng_Latn", range(14), split)
        topics(tmp_path, "tha_Thai", range(3, 9), split)
    with pytest.raises(TaskError, match=r"the dev examples in th and en in .* are not parallel: dev-0 is not in th"):
        splits_of(tmp_path, ["en", "th"], "sib200")
    splits, labels = splits_of(tmp_path, ["en", "th"], "sib200", parallel=False)
    assert len(labels) == 7
    assert [example.id for example in splits["test"]["th"]] == [f"test-{number}" for number in range(3, 9)]
    halved, _ = splits_of(tmp_path, ["en", "th"], "sib200", parallel=False, split_dev=True)
    assert [len(halved[split][language]) for language in ("en", "th") for split in ("dev", "test")] == [7, 7, 3, 3]


def test_comma_separated_files_may_quote_what_they_like(tmp_path):
    rows = [["He said, no", "neutral"], ["two\nlines", "yes"]]
    for name in ("train-en", "dev-en", "test-en"):
        write(tmp_path / f"{name}.csv", '\ufeffsentence,label\n"He said, ""no""",neutral\n"two\nlines",yes\n')
    change = {"header": None, "labels": "found", "parallel": False}
    columns = {"text": "sentence", "text_pair": None, "cluster": None}
    files = {split: f"{split}-{{language}}.csv" for split in ("train", "dev", "test")}
    splits, labels = splits_of(tmp_path, ["en"], columns=columns, files=files, **change)
    assert labels == ["neutral", "yes"]
    assert [example.text for example in splits["dev"]["en"]] == ['He said, "no"', rows[1][0]]


PAWSX = "id\tsentence1\tsentence2\tlabel\n1\tA {0}\tB\t1\n2\tC {0}\tNS\t0\n3\t\t\t1\n4\tD\tE\t0\n5\tF\t \u200b\t1\n"


@pytest.fixture
def pawsx(tmp_path):
    """PAWS-X's files, whose dev and test rows lack sentences in some languages."""
    for language in ("en", "de"):
        write(
            tmp_path / language / "train.tsv", "id\tsentence1\tsentence2\tlabel\n1\tA\tB\t1\n2\tNS\tB\t1\n3\tC\tD\t0\n"
        )
        for split in ("dev_2k", "test_2k"):
            write(tmp_path / language / f"{split}.tsv", PAWSX.format(language))
    return tmp_path


def test_rows_without_a_text_in_one_language_are_examples_in_none(pawsx, caplog):
    write(pawsx / "en" / "dev_2k.tsv", PAWSX.format("en").replace("\tNS\t", "\tthere\t"))
    write(pawsx / "de" / "dev_2k.tsv", PAWSX.format("de").replace("D\tE", "NS\tE"))
    with caplog.at_level("INFO", "camembert"):
        task = task_in(pawsx, ["en", "de"], "pawsx")
    assert [example.id for example in task.splits["train"]["en"]] == ["train-1", "train-3"]
    for language in ("en", "de"):
        assert [example.id for example in task.splits["dev"][language]] == ["dev-1"]
        assert [example.id for example in task.splits["test"][language]] == ["test-1", "test-4"]
        assert task.counts["dev"][language] == {"kept": 1, "without a label": 0, "without text": 4}
    assert f"{pawsx / 'en'}, dev, en: 4 examples without text are left out, 1 are kept" in caplog.text


def test_training_examples_that_are_evaluated_too_are_counted_in_the_log(xtreme, caplog):
    write(xtreme / "train-en.tsv", "p\th\tneutral\nq\th\tneutral\n")
    write(xtreme / "test-en.tsv", "q\th\tneutral\n")
    with caplog.at_level("INFO", "camembert"):
        splits_of(xtreme, ["en"])
    assert "train, en: 1 of 2 are dev or test examples too, and stay" in caplog.text


def test_texts_of_the_marks_are_left_out_even_where_languages_are_not_parallel(pawsx):
    task = task_in(pawsx, ["en"], "pawsx", no_text=["B"], parallel=False)
    assert [example.text for example in task.splits["dev"]["en"]] == ["C en", "D"]


def test_splits_whose_columns_and_labels_have_other_names_are_read(tmp_path):
    write(tmp_path / "train.tsv", "premise\thypo\tlabel\na\tb\tcontradictory\nc\td\tneutral\n")
    for split in ("dev", "test"):
        write(tmp_path / f"{split}-en.jsonl", '{"sentence1": "e", "sentence2": "f", "gold_label": "contradiction"}\n')
    preset = {
        "header": ["sentence1", "sentence2", "gold_label"],
        "columns": {"text": "sentence1", "text_pair": "sentence2", "label": "gold_label", "cluster": "sentence1"},
        "split_columns": {"train": {"text": "premise", "text_pair": "hypo", "label": "label", "cluster": None}},
        "split_header": {"train": None},
        "label_names": {"contradictory": "contradiction"},
        "files": {"train": "train.tsv", "dev": "dev-{language}.jsonl", "test": "test-{language}.jsonl"},
    }
    splits, _ = splits_of(tmp_path, ["en"], **preset)
    assert splits["train"]["en"] == [Example("train-000001", "a", "b", 2), Example("train-000002", "c", "d", 1)]
    assert splits["dev"]["en"] == [Example("dev-000001", "e", "f", 2, 0)]
    assert splits_of(tmp_path, ["en"], **preset, labels="found")[1] == ["contradiction", "neutral"]


# --- what is refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\t3\n", r"dev-de\.tsv:1 has label '3'; expected one of data\.task\.labels: 'entailment'"),
        ("a\tb\t0.5\n", r"dev-de\.tsv:1 has label \"0\.5\"; expected a name or a whole number: check"),
        ("a\tb\tneutral\n" * 2, r"are not parallel: dev-000002 is not in en; expected the same ids"),
    ],
)
def test_a_wrong_row_is_named_by_file_and_line(xtreme, text, message):
    write(xtreme / "dev-de.tsv", text)
    with pytest.raises((DataError, TaskError), match=message):
        splits_of(xtreme, ["en", "de"])


def test_without_test_labels_half_of_dev_is_the_test_set(xtreme):
    for language in ("en", "de"):
        (xtreme / f"test-{language}.tsv").unlink()
        rows = (f"p {language} {number // 3}\th{number}\tneutral\n" for number in range(12))
        write(xtreme / f"dev-{language}.tsv", "".join(rows))
    splits, _ = splits_of(xtreme, ["en", "de"], split_dev=True)
    for language in ("en", "de"):
        premises = [{example.text for example in splits[split][language]} for split in ("dev", "test")]
        assert (len(premises[0]), len(premises[1]), premises[0] & premises[1]) == (2, 2, set())
    assert [example.id for example in splits["test"]["en"]] == [example.id for example in splits["test"]["de"]]


def test_without_dev_files_a_fifth_of_train_is_dev_and_test(tmp_path):
    files = {"train": "train-en.tsv", "dev": None, "test": "test-en.tsv"}
    write(tmp_path / "train-en.tsv", "".join(f"p{number}\th\tneutral\n" for number in range(100)))
    splits, _ = splits_of(tmp_path, ["en"], files=files, split_dev=True)
    assert [len(splits[split]["en"]) for split in ("train", "dev", "test")] == [80, 10, 10]
    assert len({example.text for own in splits.values() for example in own["en"]}) == 100
    write(tmp_path / "test-en.tsv", "q\th\tneutral\n")
    splits, _ = splits_of(tmp_path, ["en"], files=files)
    assert [len(splits[split]["en"]) for split in ("train", "dev", "test")] == [80, 20, 1]
    with pytest.raises(SourceError, match=r"data\.task\.files\.dev is null, but languages are en, de, expected dev"):
        splits_of(tmp_path, ["en", "de"], files=files)
    with pytest.raises(SourceError, match=r"parallel is true, but what is held out of train is not the same"):
        splits_of(tmp_path, ["en", "de"], files=files, train_languages=["en", "de"])
    write(tmp_path / "train-en.tsv", "p\th\tneutral\n" * 19)
    with pytest.raises(DataError, match=r"train-en\.tsv has 19 examples, expected at least 20 where dev is taken"):
        splits_of(tmp_path, ["en"], files=files)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": [0, 3]}, r"dev-en\.parquet: row 2 has label '3'; expected one of data\.task\.labels: 'entailment"),
        ({"premise": ["a", None], "label": [0, 1]}, r'row 2 is \{"premise": null.*; expected text in premise hypoth'),
    ],
)
def test_what_is_wrong_in_a_parquet_file_is_named(from_parquet, columns, message):
    parquet(from_parquet / "dev-en.parquet", **columns)
    with pytest.raises(DataError, match=message):
        splits_of(from_parquet, ["en", "de"], files=PARQUET)


def test_labels_lose_spaces_rows_without_one_are_left_out_and_rare_ones_are_named(tmp_path, caplog):
    caplog.set_level("INFO")
    for split, labels in {
        "train": ["refund", "refund "] * 6 + ["bill"] * 10 + ["", " ", "blil"],
        "dev": ["bill"],
    }.items():
        lines = "".join(f"{number}\t{label}\tx{number}\n" for number, label in enumerate(labels))
        write(tmp_path / "eng_Latn" / f"{split}.tsv", "index_id\tcategory\ttext\n" + lines)
    write(tmp_path / "eng_Latn" / "test.tsv", "index_id\tcategory\ttext\n0\tbill\ty\n")
    splits, labels = splits_of(tmp_path, ["en"], "sib200")
    assert labels == ["bill", "blil", "refund"]
    assert [example.label for example in splits["train"]["en"]] == [2] * 12 + [0] * 10 + [1]
    assert "train, en: 2 examples without a label are left out, 23 are kept" in caplog.text
    assert "3 labels are found in the training examples" in caplog.text
    assert "labels with fewer than 10 training examples, maybe misspelt: 'blil' (1)" in caplog.text


def test_labels_that_are_too_few_or_named_as_a_column_are_refused(tmp_path):
    for labels, message in (
        ("aa", "the labels are a; expected two or more"),
        (["label", "b"], "a label is called label"),
    ):
        for split in ("train", "dev", "test"):
            topics(tmp_path, "eng_Latn", [], split)
            lines = "".join(f"{number}\t{label}\tx\n" for number, label in enumerate(labels))
            write(tmp_path / "eng_Latn" / f"{split}.tsv", "index_id\tcategory\ttext\n" + lines)
        with pytest.raises(TaskError, match=message):
            splits_of(tmp_path, ["en"], "sib200")


# --- the real thing -------------------------------------------------------------------------------------------


@pytest.mark.skipif(REAL_DATA is None, reason="CAMEMBERT_REAL_DATA does not name a folder with real XNLI")
def test_real_xnli_loads_whole():
    folder = Path(str(REAL_DATA)) / "xnli"
    languages = ["en", *sorted(path.stem.removeprefix("dev-") for path in folder.glob("dev-*.tsv"))]
    languages = list(dict.fromkeys(languages))
    splits, labels = splits_of(folder, languages, split_dev=True)
    assert len(splits["train"]["en"]) == (folder / "train-en.tsv").read_bytes().count(b"\n")
    assert len(languages) == 15
    for language in languages:
        both = sorted([*splits["dev"][language], *splits["test"][language]])
        assert [sum(example.label == label for example in both) for label in range(3)] == [830, 830, 830]
        lines = [f"{example.text}\t{example.text_pair}\t{labels[example.label]}\n" for example in both]
        assert "".join(lines).encode() == (folder / f"dev-{language}.tsv").read_bytes()


@pytest.mark.skipif(REAL_DATA is None, reason="CAMEMBERT_REAL_DATA does not name a folder with MASSIVE and SIB-200")
@pytest.mark.parametrize(
    ("preset", "folder", "labels", "sizes"),
    [
        ("massive", "massive", 60, (11514, 2033, 2974)),
        ("massive-scenario", "massive", 18, (11514, 2033, 2974)),
        ("sib200", "sib200", 7, (701, 99, 204)),
    ],
)
def test_real_files_hold_what_their_preset_says(preset, folder, labels, sizes):
    languages = load_yaml(ROOT / "experiments" / "tasks" / f"{preset}.yaml")["languages"]
    splits, names = splits_of(Path(str(REAL_DATA)) / folder, languages, preset)
    assert len(names) == labels
    assert not [each for of in splits.values() for rows in of.values() for each in rows if each.text.startswith('""')]
    assert tuple({len(rows) for rows in splits[split].values()} for split in splits) == tuple({size} for size in sizes)


@pytest.mark.skipif(REAL_DATA is None, reason="CAMEMBERT_REAL_DATA does not name a folder with SIB-200")
def test_real_sib_200_is_read_as_pandas_which_wrote_it_reads_it():
    folder = Path(str(REAL_DATA)) / "sib200"
    preset = load_yaml(ROOT / "experiments" / "tasks" / "sib200.yaml")
    locales = preset["data"]["task"]["locales"]
    splits, _ = splits_of(folder, preset["languages"], "sib200")
    quoted = 0
    for split, languages in splits.items():
        for language, rows in languages.items():
            path = folder / locales[language] / f"{split}.tsv"
            theirs = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
            assert {row.id: row.text for row in rows} == dict(
                zip(f"{split}-" + theirs.index_id, theirs.text, strict=True)
            )
            quoted += (split, language) == ("train", "en") and sum('"' in row.text for row in rows)
    assert quoted == 41
