"""The release: which classifier it is, what its forms cost, and that the documented lines run on it."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from transformers import AutoTokenizer

from camembert.core.files import read_json, write_json
from camembert.data.tasks import Example
from camembert.evaluation.classification import encode_examples
from camembert.evaluation.sentence_vectors import embed_sentences
from camembert.models.classifier import init_classifier
from camembert.models.encoder import load_encoder, save_model
from camembert.paper.intervals import Interval
from camembert.plan import keys
from camembert.plan.chain import parse_chain
from camembert.plan.config import load_yaml
from camembert.plan.experiment import identify_encoder, plan_experiment
from camembert.release.choice import (
    CLASSIFIER,
    FORMS,
    INT8,
    ReleaseError,
    check_languages,
    choose_best,
    find_candidates,
    find_teachers,
    list_measured,
)
from camembert.release.folders import set_longest, write_modules
from camembert.release.modelcard import model_card, training_rows
from camembert.release.onnx_export import export, quantize
from camembert.release.table import accuracy_interval, draw_release, format_release, release_note, release_table
from camembert.tokens.tokenizer import load_tokenizer

ROOT = Path(__file__).parents[3]
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}


LONGEST = 12
NLI = ["entailment", "neutral", "contradiction"]
CLDR_NLI = {"name": "cldr-nli", "source": "cldr", "pairs": True}
XNLI = {"name": "xnli", "source": "hub", "pairs": True}
MASSIVE = {"name": "massive", "source": "folder", "pairs": False}


RELEASED = [name for name, form in FORMS.items() if not form.of_teacher]


def evaluated(form, average, latency):
    speed = [{"tokens": 8, "latency_ms": latency, "latency_spread": 0.02, "rows_per_second": 100.0}]
    classifies = FORMS[form].model == CLASSIFIER
    accuracy = {"en": average + 0.2, "fr": average, "th": average - 0.2} if classifies else {}
    facts = {"chain": "6-3", "model_type": "bert", "vocabulary": 99, "loss_of_eight_bits": None, "bytes": 10**6}
    return facts | {
        "accuracy": accuracy, "speed": speed, "batch": 4, "threads": 1, "processor": "P", "peak_memory_mib": 100
    }  # fmt: skip


MEASURED = {form: evaluated(form, 0.6, 4.0) for form in FORMS}
MEASURED["classifier-onnx-int8"] = evaluated("classifier-onnx-int8", 0.585, 1.0) | {"loss_of_eight_bits": 0.015}
MEASURED["encoder-onnx-int8"] |= {"loss_of_eight_bits": 0.0005}
ACCURACY = {
    name: Interval(facts["accuracy"]["fr"], facts["accuracy"]["fr"] - 0.01, facts["accuracy"]["fr"] + 0.01)
    for name, facts in MEASURED.items()
    if facts["accuracy"]
}


@pytest.fixture
def metrics(tmp_path):
    """Metrics of a teacher, of its student in one run, and of two classifiers of the student."""
    cost = {"steps": 4, "tokens": 100, "seconds": 3.0}
    student = {"recipe": "toplayer", "chain": "6-3", "layers": 3, "run": 1, **cost}
    facts = [
        {"recipe": "teacher", "chain": "6", "run": 0, "training_flops": 9e12, **cost},
        student | {"training_flops": 2e12},
        student | {"finetuning": 1, "dev_accuracy": 0.7, "accuracy": {"en": 0.9}, "kept_step": 5},
        student | {"finetuning": 2, "dev_accuracy": 0.8, "accuracy": {"en": 0.1}, "kept_step": 5},
    ]
    paths = [tmp_path / f"{i}.json" for i in range(len(facts))]
    for path, one in zip(paths, facts, strict=True):
        write_json(path, one)
    return paths


@pytest.fixture
def choice(metrics):
    return {"student": choose_best(metrics[2:]), "named": False}


def test_the_classifier_best_on_english_dev_is_taken_whatever_its_test_accuracy(choice):
    assert choice["student"]["path"] == "toplayer/6-3/r1-f2"
    assert choice["student"]["candidates"] == {"toplayer/6-3/r1-f1": 0.7, "toplayer/6-3/r1-f2": 0.8}


# --- which model it is --------------------------------------------------------------------------------------------


def asked(release, **changes):
    """Chains of the classifiers that a release is chosen among, in the toy experiment with some changes."""
    config = load_yaml(ROOT / "config.yaml") | changes
    found = find_candidates(
        plan_experiment(config), config["release"] | release, config["teacher"]["num_hidden_layers"]
    )
    return sorted({str(each.encoder.chain) for each in found})


CHAINS = {"chains": ["6", "0-3", "6-3x0", "6-3", "6-2", "6-4-3"], "compute_matched": []}


def test_a_release_is_chosen_among_direct_students_of_one_depth():
    assert asked({}, **CHAINS) == ["6-2"], "the shallowest"
    assert asked({"layers": 3}, **CHAINS) == ["6-3", "6-3x0"], "no cascade, nothing from random weights"
    assert asked({"layers": 3}, chains=["6"], compute_matched=["6-4-3"]) == ["6-3x2.07"]
    assert asked({"chain": "6-4-3"}, **CHAINS) == ["6-4-3"], "unless it is named"


@pytest.mark.parametrize(
    ("release", "changes", "said"),
    [
        (
            {},
            {"chains": ["6-4-3"], "compute_matched": []},
            "no direct student of 3 layers to release, but 6, 6-4, 6-4-3;",
        ),
        ({"layers": 5}, CHAINS, "chains has no direct student of 5 layers to release, but 6, .*; add '6-5', or name"),
        ({}, {"chains": ["6"], "compute_matched": []}, "no direct student of 1 layers to release, but 6; add '6-1'"),
        ({"chain": "6-3", "layers": 2}, CHAINS, "release.chain is 6-3, but release.layers is 2; set one of them to"),
        ({"chain": "7-3"}, CHAINS, "release.chain: chain '7-3'"),
        ({"chain": "6-5"}, CHAINS, "release names chain 6-5 of recipe toplayer, which this experiment does not build"),
        ({"recipe": "minilm"}, {**CHAINS, "chains": ["6", "6-3"]}, "of recipe minilm, which this experiment does not"),
        ({}, {"finetuned_runs": 0}, "finetuned_runs is 0, so that there is no classifier .*; set finetuned_runs: 1"),
    ],
)
def test_a_release_that_cannot_be_made_is_refused_in_one_sentence(release, changes, said):
    with pytest.raises(ReleaseError, match=said):
        asked(release, **changes)


def test_the_teacher_is_compared_with_the_release_unless_it_is_the_release():
    config = load_yaml(ROOT / "config.yaml")
    experiment = plan_experiment(config)
    students = find_candidates(experiment, config["release"], 6)
    assert {str(each.encoder.chain) for each in find_teachers(experiment, students)} == {"6"}
    teachers = find_candidates(experiment, config["release"] | {"chain": 6}, 6)
    assert find_teachers(experiment, teachers) == []


def test_languages_that_are_kept_are_languages_of_the_experiment():
    assert check_languages({"languages": None}, ["en", "fr"]) == ["en", "fr"]
    with pytest.raises(ReleaseError, match=r"release\.languages names th, expected languages of this experiment"):
        check_languages({"languages": ["en", "th"]}, ["en", "fr"])


def test_the_teacher_is_measured_in_the_formats_that_are_released():
    assert list_measured(["encoder", "encoder-onnx", "classifier-trimmed-onnx-int8"], True) == [
        "teacher", "teacher-onnx-int8", "encoder", "encoder-onnx", "classifier", "classifier-trimmed-onnx-int8"
    ]  # fmt: skip
    assert list_measured(["encoder"], False) == ["encoder", "classifier"]


def test_the_keys_list_the_forms_that_there_are():
    assert list(get_args(keys.FormName)) == RELEASED


# --- what it keeps and costs --------------------------------------------------------------------------------------


def test_the_table_has_a_row_a_form_with_accuracy_size_and_speed():
    table = release_table(MEASURED, ACCURACY, kept=["en", "fr"]).set_index("form")
    assert list(table.index) == list(FORMS)
    row = table.loc["classifier"]
    assert row["english"] == pytest.approx(0.8)
    assert row["kept_languages"] == pytest.approx(0.7)
    assert row["batch_ms_8"] == pytest.approx(40)
    shown = format_release(table.reset_index(), 8, 4).set_index("Form")
    columns = ["Accuracy", "95 % interval", "On disk (MB)", "1 sentence of 8 tokens (ms)", "4 sentences (ms)"]
    assert shown.loc["Student, PyTorch", columns].tolist() == ["60.0", "59.0 to 61.0", "1.0", "4.00", "40.0"]
    assert shown.loc["Encoder, PyTorch", "Accuracy"] == "–"


def test_the_note_compares_with_the_teacher_and_warns_where_eight_bits_lose_more_than_a_point():
    note = release_note(release_table(MEASURED, ACCURACY, ["en"]), MEASURED, ["en"], 8)
    assert "Student, ONNX, 8-bit integers answers one sentence 4.0 times as fast as Teacher, PyTorch" in note
    assert "at -1.5 points" in note
    assert "eight bits change accuracy on dev by -1.5 points. **That is more than a point" in note
    assert "vectors have a mean cosine of 0.9995" in note
    assert "Repeats did not agree" not in note
    speed = MEASURED["teacher"]["speed"][0] | {"latency_spread": 0.5}
    unsteady = MEASURED | {"teacher": MEASURED["teacher"] | {"speed": [speed]}}
    assert "used this machine: Teacher, PyTorch." in release_note(
        release_table(unsteady, ACCURACY, ["en"]), unsteady, ["en"], 8
    )
    small = {name: facts | {"loss_of_eight_bits": 0.009} for name, facts in MEASURED.items()}
    assert "**" not in release_note(release_table(small, ACCURACY, ["en"]), small, ["en"], 8)


def predicted(folder, language, right):
    path = folder / f"{language}.parquet"
    pq.write_table(
        pa.table({"label": [0] * len(right), "a": [float(each) for each in right], "b": [0.5] * len(right)}), path
    )
    return path


def test_the_interval_counts_an_item_and_its_translations_once(tmp_path):
    half = [1, 0] * 50
    same = {language: predicted(tmp_path, language, half) for language in ("en", "fr")}
    one = accuracy_interval([same["en"]], ["a", "b"], parallel=True)
    assert accuracy_interval(same.values(), ["a", "b"], parallel=True) == one
    assert (one.mean, one.high - one.mean) == (0.5, pytest.approx(0.1, abs=0.003))
    apart = accuracy_interval(same.values(), ["a", "b"], parallel=False)
    assert apart.high - apart.mean == pytest.approx(0.07, abs=0.003)
    longer = same | {"fr": predicted(tmp_path, "fr", [1] * 300)}
    assert accuracy_interval(longer.values(), ["a", "b"], parallel=False).mean == pytest.approx(0.75), (
        "a mean over languages"
    )


def test_the_picture_has_every_classifier_with_its_accuracy_where_it_keeps_its_tokens(monkeypatch, tmp_path):
    figures = []
    monkeypatch.setattr("camembert.paper.figures.style.save", lambda figure, stem: figures.append(figure))
    draw_release(release_table(MEASURED, ACCURACY, ["en", "fr"]), ["en", "fr"], 8, tmp_path / "release")
    (axes,) = figures[0].axes
    rows = [label.get_text() for label in axes.get_yticklabels()]
    forms = [form for name, form in FORMS.items() if name in ACCURACY]
    assert rows == [form.label for form in forms]
    assert [line.get_xdata()[0] for line in axes.lines] == [
        MEASURED[form.name]["speed"][0]["latency_ms"] for form in forms
    ]
    shown = [text.get_text() for text in axes.texts][1:-2:2]
    assert shown == [
        "70.0 in en fr" if form.trimmed else "58.5" if form.format == INT8 and not form.of_teacher else "60.0"
        for form in forms
    ]


# --- model cards --------------------------------------------------------------------------------------------------


def card_of(form, choice, metrics, measured=MEASURED, **facts):
    facts = {
        "experiment": "paper", "kept": ["en", "fr"], "pooling": "mean", "max_length": 32, "task": XNLI, "labels": NLI,
        "citation": ROOT / "CITATION.cff",
    } | facts  # fmt: skip
    return model_card(FORMS[form], choice, metrics, measured[form], measured["classifier"], **facts)


def test_the_languages_of_sentences_without_labels_are_told_where_they_are_known(metrics):
    for unlabelled, languages in ((["en"], ""), (["de", "en"], " in de, en")):
        write_json(metrics[3], read_json(metrics[3]) | {"unlabelled": unlabelled})
        rows = training_rows(identify_encoder(parse_chain("6-3"), "toplayer", 1).classifier(1, 2), metrics)
        assert rows[-1]["what"] == f"fine-tuned on English, and on soft labels of sentences without labels{languages}"


def test_training_is_told_from_the_teacher_to_the_classifier(metrics):
    rows = training_rows(identify_encoder(parse_chain("6-3"), "toplayer", 1).classifier(1, 2), metrics)
    assert [row["model"] for row in rows] == ["6", "6-3", "classifier"]
    assert rows[1]["what"] == "distilled from 6"
    assert [row["training_flops"] for row in rows] == [9e12, 2e12, None]


@pytest.mark.parametrize(
    ("source", "name", "base"), [({"repository": "a/bert"}, "a/bert", "a/bert"), ("models/bert", "bert", None)]
)
def test_a_given_teacher_is_named_with_its_licence_and_architecture(metrics, choice, source, name, base):
    write_json(metrics[0], read_json(metrics[0]) | {"source": source, "steps": 0})
    measured = {form: each | {"model_type": "xlm-roberta"} for form, each in MEASURED.items()}
    card = card_of("classifier", choice, metrics, measured)
    header = yaml.safe_load(card.split("---")[1])
    assert (header["license"], header.get("base_model"), header["tags"][0]) == ("other", base, "xlm-roberta")
    assert f"| `6` | given: {name} | 0 |" in card
    assert f"The licence of its teacher, {name}, holds for these weights too." in card
    assert "Its encoder (XLM-R) has 3 layers" in card
    assert "An encoder (XLM-R) of 3 layers" in card_of("encoder", choice, metrics, measured)


def test_a_card_says_which_model_was_taken_and_why(metrics, choice):
    card = card_of("encoder", choice, metrics)
    assert "distilled from a larger multilingual encoder: chain `6-3`, recipe `toplayer`." in card
    assert "Of 2 classifiers it is the one best on development examples" in card
    assert "| `toplayer/6-3/r1-f1` | 70.0 |" in card
    assert "The config names its chain" not in card
    assert "The config names its chain" in card_of("encoder", choice | {"named": True}, metrics)
    assert "eight bits change accuracy on dev by -1.5 points" in card_of("classifier-onnx-int8", choice, metrics)


@pytest.mark.parametrize("form", RELEASED)
@pytest.mark.parametrize("task", [CLDR_NLI, XNLI, MASSIVE], ids=lambda task: task["name"])
def test_a_model_card_holds_what_the_hub_reads_and_what_users_must_know(metrics, choice, form, task):
    labels = [f"intent-{number}" for number in range(60)] if task == MASSIVE else NLI
    card = card_of(form, choice, metrics, task=task, labels=labels)
    classifies = FORMS[form].model == CLASSIFIER
    header = yaml.safe_load(card.split("---")[1])
    assert header["license"] == "mit"
    assert header["language"] == (["en", "fr"] if FORMS[form].trimmed else ["en", "fr", "th"])
    assert header["pipeline_tag"] == ("text-classification" if classifies else "sentence-similarity")
    assert "| en | 78.5 |" in card if form == "classifier-onnx-int8" else "| en | 80.0 |" in card
    assert "| `6-3` | distilled from 6 | 4 | 100 | 3 | 2.00 |" in card
    assert ("Do not use it for anything but trying out the software" in card) == (task == CLDR_NLI)
    if classifies:
        assert (
            ("A classifier of pairs of sentences" in card)
            == ("text_pair" in card or "Another." in card)
            == task["pairs"]
        )
        assert ("and 40 more, all in config.json" in card) == (task == MASSIVE)
    assert ("Sentences are cut at 32 tokens" in card) == classifies
    assert "author = {DeGenaro, Dan and Kalita, Jugal}" in card
    assert "{{" not in card
    assert "\n\n\n" not in card


# --- the folders, used as documented ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def release(teacher_folder, make_encoder, tmp_path_factory):
    """A working directory with a release of tiny random weights where the documentation expects one, or another."""
    directory = tmp_path_factory.mktemp("release")
    folder = directory / "results" / "toy" / "release"
    classifier = init_classifier(teacher_folder, NLI, dropout=0.0, seed=1)
    save_model(make_encoder(3), folder / "encoder", teacher_folder)
    write_modules(folder / "encoder", "mean")
    save_model(classifier, folder / "classifier", teacher_folder)
    set_longest(folder / "classifier", LONGEST)
    for model, pooling in (("encoder", "mean"), ("classifier", None)):
        export(folder / model, folder / f"{model}-onnx", pooling)
        quantize(folder / f"{model}-onnx", folder / f"{model}-onnx-int8")
    (directory / "results" / "mine").symlink_to("toy")
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


SENTENCE_TRANSFORMERS = pytest.mark.skipif(
    not find_spec("sentence_transformers"), reason="sentence-transformers is not installed"
)


def documented():
    """The Python of docs/release.md: with PyTorch, without, of a pair, with sentence-transformers."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "release.md").read_text(encoding="utf-8"), re.DOTALL)


def test_the_documented_lines_run_offline_without_a_warning(release):
    with_pytorch, without, of_pairs, _ = documented()
    sentences = run_lines(with_pytorch, release).splitlines()
    assert len(sentences) == 2
    assert all(re.search(r" -> (entailment|neutral|contradiction) 0\.\d\d$", sentence) for sentence in sentences)
    in_onnx = run_lines(without.replace("-onnx-int8", "-onnx"), release).splitlines()
    assert in_onnx == [sentence.partition(" -> ")[2] for sentence in sentences], "as with PyTorch"
    pair = "classify([('Bulgarie et 8 mars 2024', 'bulgare')])"
    assert pair.replace("'", '"') in (ROOT / "docs" / "release.md").read_text(encoding="utf-8")
    answer = json.loads(run_lines(of_pairs, release).replace("'", '"'))[0]
    assert answer["label"] in NLI
    label, probability = run_lines(f"{without}\nprint(*{pair}[0])", release).splitlines()[-1].split()
    assert label in NLI
    assert 0 < float(probability) < 1


def test_a_classifier_s_tokenizer_cuts_texts_where_they_were_cut_in_training(release, lines):
    folder = release / "results" / "toy" / "release"
    texts = [" ".join(lines["en"][:9]), "cats"]
    examples = [Example("", text, None, 0) for text in texts]
    expected = encode_examples(examples, load_tokenizer(folder / "classifier"), LONGEST).ids
    assert [len(ids) == LONGEST for ids in expected] == [True, False]
    for form in ("classifier", "classifier-onnx", "classifier-onnx-int8"):
        assert AutoTokenizer.from_pretrained(folder / form)(texts, truncation=True)["input_ids"] == expected
    assert AutoTokenizer.from_pretrained(folder / "encoder").model_max_length > LONGEST


@SENTENCE_TRANSFORMERS
def test_the_documented_similarity_is_one_number(release):
    *_, vectors = documented()
    assert re.fullmatch(r"tensor\(\[\[-?[01]\.\d+\]\]\)", run_lines(vectors, release))


@pytest.mark.parametrize(
    "library", ["transformers", pytest.param("sentence_transformers", marks=SENTENCE_TRANSFORMERS)]
)
@pytest.mark.parametrize("task", [CLDR_NLI, MASSIVE], ids=["pairs", "sentences"])
def test_the_lines_of_the_model_cards_run_offline_without_a_warning(release, metrics, choice, library, task):
    forms = [name for name in RELEASED if not FORMS[name].trimmed]
    cards = [card_of(form, choice, metrics, experiment="toy", task=task) for form in forms]
    blocks = [block for card in cards for block in re.findall(r"```python\n(.*?)```", card, re.DOTALL)]
    assert len(blocks) == len(cards) + 1, "an encoder in PyTorch is read by two libraries"
    own = [block for block in blocks if ("sentence_transformers" in block) == (library == "sentence_transformers")]
    answers = run_lines("\n".join(own), release / "results" / "toy" / "release").splitlines()
    shown = {"sentence_transformers": 0, "transformers": 1 + 2 * 2}  # a list in PyTorch, and a line a text in ONNX
    assert len(answers) == shown[library]
    assert all(any(label in answer for label in NLI) for answer in answers)


@SENTENCE_TRANSFORMERS
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_sentence_transformers_gives_the_vectors_of_the_experiment_without_a_warning(release, lines, pooling, tmp_path):
    folder = tmp_path / "encoder"
    shutil.copytree(release / "results" / "toy" / "release" / "encoder", folder)
    write_modules(folder, pooling)
    sentences = [*lines["en"][:5], *lines["fr"][:5]]
    code = (
        "import json; from sentence_transformers import SentenceTransformer; "
        f"print(json.dumps(SentenceTransformer({str(folder)!r}, device='cpu').encode({sentences!r}).tolist()))"
    )
    vectors = np.array(json.loads(run_lines(code, tmp_path)))
    expected = embed_sentences(load_encoder(folder), load_tokenizer(folder), sentences, [3], [pooling], 256)[0, 0]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
