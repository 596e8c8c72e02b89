"""The release: which classifier it is, what its forms cost, and that the documented lines run on it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from camembert.core.files import write_json
from camembert.models.classifier import classifier_from, save_classifier
from camembert.models.encoder import save_encoder
from camembert.release.forms import ENCODER_FOLDER, FORMS
from camembert.release.modelcard import model_card, training_rows
from camembert.release.onnx_export import export, quantize
from camembert.release.release import best_on_dev, format_release, release_note, release_table

ROOT = Path(__file__).parents[3]
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}


NLI = ["entailment", "neutral", "contradiction"]
CLDR_NLI = {"name": "cldr-nli", "source": "cldr", "pairs": True}
XNLI = {"name": "xnli", "source": "hub", "pairs": True}
MASSIVE = {"name": "massive", "source": "folder", "pairs": False}


def finetuned(run, dev_accuracy, finetuning=1):
    return {
        "recipe": "toplayer",
        "chain": "6-3",
        "layers": 3,
        "run": run,
        "finetuning": finetuning,
        "dev_accuracy": dev_accuracy,
        "accuracy": {"en": 1 - dev_accuracy},
        "kept_step": 5,
        "tokens": 10,
        "seconds": 2.0,
    }


def evaluated(form, average, rows_per_second):
    speed = [{"tokens": 8, "latency_ms": 1.0, "rows_per_second": rows_per_second, "joules_per_row": None}]
    accuracy = {"en": average + 0.2, "fr": average, "th": average - 0.2}
    facts = {"form": form, "bytes": 2**20, "accuracy": accuracy, "speed": speed, "batch": 4, "threads": 1}
    return facts | {"processor": "P", "peak_memory_mib": 100}


MEASURED = {form: evaluated(form, 0.6, 100.0) for form in FORMS}
MEASURED["onnx-int8"] = evaluated("onnx-int8", 0.595, 180.0)


@pytest.fixture
def metrics(tmp_path):
    """Metrics of a teacher, of its student in one run, and of two classifiers of the student."""
    cost = {"steps": 4, "tokens": 100, "seconds": 3.0}
    facts = [
        {"recipe": "teacher", "chain": "6", "run": 0, "training_flops": 9e12, **cost},
        {"recipe": "toplayer", "chain": "6-3", "run": 1, "training_flops": 2e12, **cost},
        finetuned(1, 0.7),
        finetuned(1, 0.8, finetuning=2),
    ]
    paths = [tmp_path / f"{i}.json" for i in range(len(facts))]
    for path, one in zip(paths, facts, strict=True):
        write_json(path, one)
    return paths


@pytest.fixture
def choice(metrics):
    return best_on_dev(metrics[2:])


def test_the_classifier_best_on_english_dev_is_taken_whatever_its_test_accuracy(choice):
    assert (choice["run"], choice["finetuning"]) == (1, 2)
    assert choice["candidates"] == {"r1-f1": 0.7, "r1-f2": 0.8}


def test_the_table_has_a_row_a_form_and_averages_of_kept_and_of_all_languages():
    table = release_table(MEASURED, kept=["en", "fr"]).set_index("form")
    assert list(table.index) == list(FORMS)
    row = table.loc["classifier"]
    assert row["english"] == pytest.approx(0.8)
    assert row["kept_languages"] == pytest.approx(0.7)
    assert row["average"] == pytest.approx(0.6)
    shown = format_release(table.reset_index(), [8])
    assert shown.loc[0, ["Weights (MiB)", "All languages", "Examples/s, 8 tokens"]].tolist() == ["1.0", "60.0", "100"]


def test_the_note_says_what_eight_bits_win_and_lose():
    note = release_note(release_table(MEASURED, ["en"]), MEASURED, ["en"])
    assert "The 8-bit model is -0.5 points from the float32 one" in note
    assert "runs 1.8 times as many examples a second" in note


def test_training_is_told_from_the_teacher_to_the_classifier(metrics, choice):
    from camembert.plan.chain import parse_chain
    from camembert.plan.experiment import ClassifierId, encoder_of

    encoder = encoder_of(parse_chain("6-3"), "toplayer", 1)
    rows = training_rows(ClassifierId(encoder, choice["run"], choice["finetuning"]), metrics)
    assert [row["model"] for row in rows] == ["6", "6-3", "classifier"]
    assert rows[1]["what"] == "distilled from 6"
    assert [row["training_flops"] for row in rows] == [9e12, 2e12, None]


def test_a_given_teacher_is_named_with_its_licence(metrics, choice):
    teacher = json.loads(metrics[0].read_text())
    facts = {"experiment": "paper", "kept": ["en"], "task": XNLI, "labels": NLI, "citation": ROOT / "CITATION.cff"}
    for source, name, base in (({"repository": "a/bert"}, "a/bert", "a/bert"), ("models/bert", "bert", None)):
        write_json(metrics[0], teacher | {"source": source, "steps": 0})
        card = model_card("classifier", choice, metrics, MEASURED, **facts)
        header = yaml.safe_load(card.split("---")[1])
        assert (header["license"], header.get("base_model")) == ("other", base)
        assert f"| `6` | given: {name} | 0 |" in card
        assert f"The licence of its teacher, {name}, holds for these weights too." in card


def test_a_card_names_the_architecture(metrics, choice):
    facts = {"experiment": "paper", "kept": ["en"], "task": XNLI, "labels": NLI, "citation": ROOT / "CITATION.cff"}
    measured = {form: each | {"model_type": "xlm-roberta"} for form, each in MEASURED.items()}
    for form, sentence in (("encoder", "An encoder (XLM-R) of 3 layers"), ("classifier", "Its encoder (XLM-R) has 3")):
        card = model_card(form, choice, metrics, measured, **facts)
        assert sentence in card
        assert yaml.safe_load(card.split("---")[1])["tags"][0] == "xlm-roberta"


@pytest.mark.parametrize("form", [ENCODER_FOLDER, *FORMS])
@pytest.mark.parametrize("task", [CLDR_NLI, XNLI, MASSIVE], ids=lambda task: task["name"])
def test_a_model_card_holds_what_the_hub_reads_and_what_users_must_know(metrics, choice, form, task):
    labels = [f"intent-{number}" for number in range(60)] if task == MASSIVE else NLI
    facts = {"experiment": "embedded", "kept": ["en", "fr"], "task": task, "labels": labels}
    card = model_card(form, choice, metrics, MEASURED, citation=ROOT / "CITATION.cff", **facts)
    header = yaml.safe_load(card.split("---")[1])
    assert header["license"] == "mit"
    assert header["language"] == (["en", "fr"] if form == "classifier-trimmed" else ["en", "fr", "th"])
    assert header["pipeline_tag"] == ("feature-extraction" if form == "encoder" else "text-classification")
    assert "| en | 79.5 |" in card if form == "onnx-int8" else "| en | 80.0 |" in card
    assert "| `6-3` | distilled from 6 | 4 | 100 | 3 | 2.00 |" in card
    assert ("Do not use it for anything but trying out the software" in card) == (task == CLDR_NLI)
    if form != "encoder":
        assert (
            ("A classifier of pairs of sentences" in card)
            == ("text_pair" in card or "Another." in card)
            == task["pairs"]
        )
        assert ("and 40 more, all in config.json" in card) == (task == MASSIVE)
    assert "author = {DeGenaro, Dan and Kalita, Jugal}" in card
    assert "{{" not in card
    assert "\n\n\n" not in card


# --- the folders, used as documented ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def release(teacher_folder, make_encoder, tmp_path_factory):
    """A working directory with a release of tiny random weights where the documentation expects one."""
    directory = tmp_path_factory.mktemp("release")
    folder = directory / "results" / "embedded" / "release"
    classifier = classifier_from(teacher_folder, NLI, dropout=0.0, seed=1)
    save_encoder(make_encoder(3), folder / "encoder", teacher_folder)
    save_classifier(classifier, folder / "classifier", teacher_folder)
    save_classifier(classifier, folder / "classifier-trimmed", teacher_folder)
    export(classifier, folder / "onnx-fp32", folder / "classifier")
    quantize(folder / "onnx-fp32", folder / "onnx-int8")
    return directory


def run_lines(code, directory):
    """Runs Python as a user would, offline; whatever it has to say beside its results is a failure."""
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=directory, env=os.environ | OFFLINE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = [line for line in process.stderr.splitlines() if line and not line.startswith("Loading weights")]
    assert process.returncode == 0, process.stderr
    assert said == []
    return process.stdout.strip()


def test_the_documented_lines_run_offline_without_a_warning(release):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "release.md").read_text(encoding="utf-8"), re.DOTALL)
    with_pytorch, without = blocks
    assert len(with_pytorch.strip().splitlines()) <= 10
    answers = run_lines(with_pytorch, release).splitlines()
    assert len(answers) == 2
    assert all(re.search(r"-> (entailment|neutral|contradiction) [01]\.\d\d$", answer) for answer in answers)
    logits = json.loads(run_lines(without, release).replace("'", '"'))
    assert list(logits) == ["entailment", "neutral", "contradiction"]


def test_the_lines_of_the_model_cards_run_offline_without_a_warning(release, metrics, choice):
    facts = {"experiment": "embedded", "kept": ["en"], "task": CLDR_NLI, "labels": NLI}
    facts |= {"citation": ROOT / "CITATION.cff"}
    cards = [model_card(form, choice, metrics, MEASURED, **facts) for form in (ENCODER_FOLDER, *FORMS)]
    blocks = [block for card in cards for block in re.findall(r"```python\n(.*?)```", card, re.DOTALL)]
    assert len(blocks) == len(cards)
    answers = run_lines("\n".join(blocks), release / "results" / "embedded" / "release").splitlines()
    assert len(answers) == 2, "of the two classifiers in PyTorch"
