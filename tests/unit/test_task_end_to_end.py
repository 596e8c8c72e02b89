"""A task of every kind, from the files that people have to predictions, at the smallest size."""

import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import run_download, serving
from task_folders import parquet, splits_of, task_of, write

from camembert.core.files import write_json
from camembert.data.task_files import read_task
from camembert.data.tasks import write_examples
from camembert.evaluation.classification import evaluate, labels_of
from camembert.evaluation.predictors import pytorch_predictor
from camembert.models.classifier import load_classifier
from camembert.plan import sources
from camembert.tokens.tokenizer import load_tokenizer, token_id

WORDS = {
    "en": "one two three cats dogs birds see hear like red big old today never here".split(),
    "fr": "un deux trois chats chiens oiseaux voient entendent aiment rouge grand vieux maintenant jamais ici".split(),
}
SIZES = {"train": 120, "dev": 60, "test": 60}


def rows(language, split, labels):
    """Some words of a language, of which the first depends on the label."""
    words = WORDS[language]
    return [
        {"id": number, "text": f"{words[number % labels % 15]} {words[number % 7]} {split}", "label": number % labels}
        for number in range(SIZES[split])
    ]


def single_sentences(folder, labels):
    """As MASSIVE has them: JSON lines, all splits in one file."""
    for language, locale in (("en", "en-US"), ("fr", "fr-FR")):
        lines = [
            json.dumps(
                {"id": f"{split} {row['id']}", "partition": split, "utt": row["text"], "intent": f"i{row['label']:02d}"}
            )
            for split in SIZES
            for row in rows(language, split, labels)
        ]
        (folder / f"{locale}.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return splits_of(folder, ["en", "fr"], "massive")


def pairs(folder, labels):
    """As PAWS-X has them: tab-separated, numbered labels."""
    for language in ("en", "fr"):
        for split, name in (("train", "train"), ("dev", "dev_2k"), ("test", "test_2k")):
            lines = [
                f"{row['id']}\t{row['text']}\t{row['text']}\t{row['label']}\n" for row in rows(language, split, labels)
            ]
            write(folder / language / f"{name}.tsv", "id\tsentence1\tsentence2\tlabel\n" + "".join(lines))
    return splits_of(folder, ["en", "fr"], "pawsx")


def premises(folder, labels):
    """As the hub has XNLI: parquet, no ids, clusters of one premise."""
    for language in ("en", "fr"):
        for split in SIZES:
            own = rows(language, split, labels)
            columns = {"premise": [f"{row['id'] // 3}" for row in own], "hypothesis": [row["text"] for row in own]}
            parquet(folder / f"{split}-{language}.parquet", **columns, label=[row["label"] for row in own])
    return splits_of(folder, ["en", "fr"], files={split: f"{split}-{{language}}.parquet" for split in SIZES})


def not_parallel(folder, labels):
    """As SIB-200 has them, but with fewer test examples in another language."""
    for language, locale in (("en", "eng_Latn"), ("fr", "fra_Latn")):
        for split in SIZES:
            own = rows(language, split, labels)[: 9 if language == "fr" else None]
            lines = "".join(f"{row['id']}\tt{row['label']}\t{row['text']}\n" for row in own)
            write(folder / locale / f"{split}.tsv", "index_id\tcategory\ttext\n" + lines)
    return splits_of(folder, ["en", "fr"], "sib200", parallel=False)


@pytest.mark.parametrize(
    ("make", "labels", "columns"),
    [(single_sentences, 60, []), (pairs, 2, []), (premises, 3, ["cluster"]), (not_parallel, 7, [])],
)
def test_a_task_of_any_kind_ends_in_predictions_of_its_labels(make, labels, columns, finetuning, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    splits, names = make(folder, labels)
    assert len(names) == labels
    for split, by_language in splits.items():
        for language, examples in by_language.items():
            write_examples(examples, tmp_path / f"{split}-{language}.parquet")
    write_json(tmp_path / "labels.json", names)
    finetuning(
        train_examples=[tmp_path / "train-en.parquet"],
        dev_examples=[tmp_path / "dev-en.parquet"],
        labels=tmp_path / "labels.json",
        epochs=1,
        output=tmp_path / "classifier",
        checkpoints=tmp_path / "checkpoints",
    )
    assert labels_of(tmp_path / "classifier") == names
    predictor = pytorch_predictor(load_classifier(tmp_path / "classifier"))
    tokenizer = load_tokenizer(tmp_path / "classifier")
    for language in ("en", "fr"):
        data, output = tmp_path / f"test-{language}.parquet", tmp_path / f"{language}.parquet"
        share = evaluate(predictor, tokenizer, names, data, output, 32, 512, token_id(tokenizer, "[PAD]"))
        table = pq.read_table(output)
        assert table.column_names == ["id", "label", *columns, *names]
        assert table.num_rows == len(splits["test"][language])
        assert 0 <= share <= 1


def test_the_same_preset_reads_the_hub(tmp_path):
    """MASSIVE with labels as `ClassLabel` has them, in another order of numbers, from a branch of its repository."""
    task = task_of("massive", source="hub")
    folders, patterns = {}, {split: sources.task_pattern(task, split) for split in SIZES}
    with serving() as hub:
        hub.branches.append("refs/convert/parquet")
        files = hub.files["datasets"]["AmazonScience/massive"] = {}
        for language, locale in (("en", "en-US"), ("fr", "fr-FR")):
            for split, name in (("train", "train"), ("dev", "validation"), ("test", "test")):
                files[f"{locale}/{name}/0000.parquet"] = class_labels(rows(language, split, 60), split)
        for split in SIZES:
            wanted = [sources.in_language(patterns[split], locale) for locale in ("en-US", "fr-FR")]
            source = task["hub"][split]
            (tmp_path / split).mkdir()
            process = run_download(
                hub, tmp_path / split, source["repository"], revision=source["revision"], pattern=" ".join(wanted)
            )
            assert process.returncode == 0, process.stderr
            folders[split] = tmp_path / split / "output"
    files = sources.files_of_task(folders, patterns, task["locales"], ["en", "fr"], ["en"])
    splits, names, _ = read_task(files, task)
    assert names == [f"i{number:02d}" for number in range(60)]
    assert splits["test"]["fr"][59][:4] == ("test-59", f"{WORDS['fr'][59 % 15]} {WORDS['fr'][59 % 7]} test", None, 59)


def class_labels(own, split):
    """The bytes of a parquet file whose labels count backwards."""
    table = pa.table(
        {
            "id": [str(row["id"]) for row in own],
            "partition": [split] * len(own),
            "utt": [row["text"] for row in own],
            "intent": [59 - row["label"] for row in own],
        }
    )
    names = [f"i{number:02d}" for number in reversed(range(60))]
    features = {"info": {"features": {"intent": {"names": names, "_type": "ClassLabel"}}}}
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(features)}), buffer)
    return buffer.getvalue()
