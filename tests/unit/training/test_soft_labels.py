"""Soft labels: the loss, the file they are kept in, and what is refused at its door."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy.special import log_softmax, softmax

from camembert.core.files import read_json, write_json
from camembert.data.tasks import NO_LABEL, read_all, write_examples
from camembert.models.classifier import load_classifier
from camembert.tokens.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer
from camembert.training.finetuning import classification_objective
from camembert.training.soft_labels import (
    SoftLabelError,
    SoftLabels,
    read_soft_labels,
    save_soft_labels,
    write_soft_labels,
)

NLI = ["entailment", "neutral", "contradiction"]
COMPUTE = {"max_length": 32, "batch_tokens": 64, "device": torch.device("cpu")}


def losses_of(student, teacher, labels, **settings):
    """The losses of a classifier that answers with given logits."""

    def classifier(**inputs):
        return SimpleNamespace(logits=torch.tensor(student))

    batch = dict.fromkeys(("input_ids", "token_type_ids", "attention_mask"))
    batch |= {"labels": torch.tensor(labels), "soft_labels": torch.tensor(teacher), "examples": len(labels)}
    soft = SoftLabels("", [], **settings)
    return {name: loss.item() for name, loss in classification_objective(classifier, soft)(batch).items()}


def test_the_loss_is_that_of_hinton_and_an_example_without_a_label_has_its_soft_part_alone():
    student, teacher = [[1.0, 0.0, -1.0], [0.5, 2.0, 0.0]], [[3.0, -1.0, 0.0], [0.0, 0.0, 4.0]]
    t, w = 3.0, 0.3
    target, answer = softmax(np.array(teacher) / t, axis=1), log_softmax(np.array(student) / t, axis=1)
    soft = t**2 * (target * (np.log(target) - answer)).sum() / 2
    gold = -log_softmax(student[0])[2] / 2
    found = losses_of(student, teacher, [2, NO_LABEL], temperature=t, weight=w)
    assert found == pytest.approx({"loss": (1 - w) * gold + w * soft, "gold": gold, "soft": soft}, rel=1e-5)


def test_a_batch_without_any_label_has_a_finite_loss():
    found = losses_of([[1.0, 0.0]], [[1.0, 0.0]], [NO_LABEL], temperature=2.0, weight=0.5)
    assert found == pytest.approx({"loss": 0, "gold": 0, "soft": 0}, abs=1e-6)


@pytest.fixture(scope="module")
def taught(finetuning, tmp_path_factory):
    """The folder of a fine-tuned classifier."""
    folder = tmp_path_factory.mktemp("classifier")
    finetuning(output=folder / "teacher", checkpoints=folder / "checkpoints")
    return folder / "teacher"


def test_a_row_of_the_file_is_what_the_classifier_says_of_that_example(taught, pairs, soft_labels, tmp_path):
    files = [pairs["train"], *soft_labels.unlabelled]
    flops = write_soft_labels(taught, files, NLI, tmp_path / "soft", **COMPUTE)
    found, examples = read_soft_labels(tmp_path / "soft", files, NLI), read_all(files)
    words, classifier = load_tokenizer(taught), load_classifier(taught).eval()
    assert found.shape == (100, 3)
    assert flops > 0
    for row in (0, 59, 60, 99):  # the first and the last of both files
        example = examples[row]
        ids = words.encode(example.text, example.text_pair)
        with torch.no_grad():
            logits = classifier(torch.tensor([ids.ids]), token_type_ids=torch.tensor([ids.type_ids])).logits[0]
        assert found[row].tolist() == pytest.approx(logits.tolist(), abs=1e-4)


def test_an_epoch_reads_the_examples_with_a_label_and_those_without(finetuning, soft_labels, tmp_path):
    run = finetuning(output=tmp_path / "out", checkpoints=tmp_path / "checkpoints", soft_labels=soft_labels)
    assert max(row["step"] for row in run.curve) == 2 * ((60 + 40) // 8)
    assert {"gold", "soft"} <= set(run.curve[0])


def test_with_all_the_weight_on_soft_labels_gold_ones_say_nothing(finetuning, pairs, tmp_path):
    weights = []
    for shift, weight in ((0, 1.0), (1, 1.0), (1, 0.5)):
        rows = [each._replace(label=(each.label + shift) % 3) for each in read_all([pairs["train"]])]
        own = tmp_path / f"{shift}-{weight}"
        own.mkdir()
        write_examples(rows, own / "train.parquet")
        planted = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
        save_soft_labels(planted, [own / "train.parquet"], NLI, own / "soft")
        finetuning(
            output=own / "out",
            checkpoints=own / "checkpoints",
            train_examples=[own / "train.parquet"],
            keep="last",
            soft_labels=SoftLabels(own / "soft", [], 2.0, weight),
        )
        weights.append(load_file(own / "out" / "model.safetensors"))
    same, other = ([weights[0][name].equal(each[name]) for name in weights[0]] for each in weights[1:])
    assert all(same)
    assert not all(other)


def test_soft_labels_of_other_labels_or_examples_are_refused(finetuning, pairs, soft_labels, tmp_path):
    write_json(tmp_path / "labels.json", ["entailment", "other", "contradiction"])
    there = {"output": tmp_path / "out", "checkpoints": tmp_path / "checkpoints"}
    with pytest.raises(SoftLabelError, match=r"has 3 labels \(entailment, neutral, contradiction\), expected the task"):
        finetuning(**there, labels=tmp_path / "labels.json", soft_labels=soft_labels)
    with pytest.raises(SoftLabelError, match="has the soft labels of 100 other examples than those of"):
        finetuning(**there, soft_labels=replace(soft_labels, unlabelled=[]))


def test_a_classifier_of_other_labels_or_another_tokenizer_gives_no_soft_labels(taught, pairs, lines, tmp_path):
    with pytest.raises(SoftLabelError, match=r"has 3 labels .* expected the task's 2 labels \(no, yes\)"):
        write_soft_labels(taught, [pairs["train"]], ["no", "yes"], tmp_path / "soft", **COMPUTE)
    config = read_json(taught / "config.json")
    smaller = tmp_path / "smaller"
    smaller.mkdir()
    for file in taught.iterdir():
        (smaller / file.name).write_bytes(file.read_bytes())
    words = train_tokenizer([f"{line}{number}" for line in lines["en"] for number in range(9)], 400, lowercase=False)
    save_tokenizer(words, smaller, longest=32, lowercase=False)
    with pytest.raises(SoftLabelError, match=f"{config['vocab_size']} rows of embeddings, but a tokenizer of"):
        write_soft_labels(smaller, [pairs["train"]], NLI, tmp_path / "soft", **COMPUTE)
