"""Tasks of sentences and of pairs, from the files that people have to predictions, at the smallest size."""

import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import run_download, serving
from task_folders import parquet, splits_of, task_of

from camembert.core.files import write_json
from camembert.data.task_files import read_task
from camembert.data.tasks import write_examples
from camembert.evaluation.classification import evaluate, load_predictor, read_labels, text_predictor
from camembert.plan import sources

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


def premises(folder, labels):
    """As the hub has XNLI: parquet, no ids, clusters of one premise."""
    for language in ("en", "fr"):
        for split in SIZES:
            own = rows(language, split, labels)
            columns = {"premise": [f"{row['id'] // 3}" for row in own], "hypothesis": [row["text"] for row in own]}
            parquet(folder / f"{split}-{language}.parquet", **columns, label=[row["label"] for row in own])
    return splits_of(folder, ["en", "fr"], files={split: f"{split}-{{language}}.parquet" for split in SIZES})


@pytest.mark.parametrize(("make", "labels", "columns"), [(single_sentences, 60, []), (premises, 3, ["cluster"])])
def test_a_task_ends_in_predictions_of_its_labels(make, labels, columns, finetuning, tmp_path):
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
    assert read_labels(tmp_path / "classifier") == names
    logits = text_predictor(load_predictor(tmp_path / "classifier", threads=1), tmp_path / "classifier", 32, 512)
    test = {language: tmp_path / f"test-{language}.parquet" for language in ("en", "fr")}
    shares = evaluate(logits, names, test, [tmp_path / f"{language}.parquet" for language in test])
    for language, share in shares.items():
        table = pq.read_table(tmp_path / f"{language}.parquet")
        assert table.column_names == ["id", "label", *columns, *names]
        assert table.num_rows == len(splits["test"][language])
        assert share == pytest.approx(accuracy_in(table, names))


def accuracy_in(table, names):
    """The accuracy that a table of predictions gives."""
    logits = np.column_stack([table[name] for name in names])
    return (logits.argmax(1) == table["label"].to_numpy()).mean()


def test_the_same_preset_reads_the_hub(tmp_path):
    """MASSIVE with labels as `ClassLabel` has them, in another order of numbers, from a branch of its repository."""
    task = task_of("massive", source="hub")
    folders, patterns = {}, {split: sources.find_pattern(task, split) for split in SIZES}
    with serving() as hub:
        hub.branches.append("refs/convert/parquet")
        files = hub.files["datasets"]["AmazonScience/massive"] = {}
        for language, locale in (("en", "en-US"), ("fr", "fr-FR")):
            for split, name in (("train", "train"), ("dev", "validation"), ("test", "test")):
                files[f"{locale}/{name}/0000.parquet"] = class_labels(rows(language, split, 60), split)
        for split in SIZES:
            wanted = [sources.fill_language(patterns[split], locale) for locale in ("en-US", "fr-FR")]
            source = task["hub"][split]
            (tmp_path / split).mkdir()
            process = run_download(
                hub, tmp_path / split, source["repository"], revision=source["revision"], pattern=" ".join(wanted)
            )
            assert process.returncode == 0, process.stderr
            folders[split] = tmp_path / split / "output"
    files = sources.find_task_files(folders, patterns, task["locales"], ["en", "fr"], ["en"])
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
