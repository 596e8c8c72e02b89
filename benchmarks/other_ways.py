"""Two other public ways to a smaller classifier, on the data, the budget and the fine-tuning of a finished experiment.

    pip install accelerate==1.15.0
    PYTHONPATH=scripts python benchmarks/other_ways.py results/e5 --student 12-3x2.14

- static: logistic regression on the mean of the teacher's word embeddings, standardised as in the probe.
- sentence-transformers: layers spread evenly over the teacher's, trained by that library's trainer to have its
  sentence vectors (mean squared error; Reimers and Gurevych 2020, the library's example of model distillation), on the
  text that the named student read, then fine-tuned as the experiment's classifiers are.

Prints accuracy in the languages with labels, zero-shot and over all, in percent.
"""

import argparse
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MSELoss
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

from camembert.core.files import read_json
from camembert.data.tasks import read_all
from camembert.evaluation.classification import accuracy, encode_examples, predict, pytorch_predictor
from camembert.evaluation.probe import compute_features, fit_probe, predict_logits
from camembert.models.classifier import load_classifier
from camembert.models.encoder import init_student, load_encoder, save_model
from camembert.plan.chain import parse_chain
from camembert.plan.losses import match_layers
from camembert.tokens.corpora import find_corpora
from camembert.tokens.tokenizer import SpecialIds, load_tokenizer
from camembert.training.finetuning import finetune
from camembert.training.packed_text import TrainingText

RATES, BATCH = [1e-4, 5e-4], 32
"""Of sentence-transformers' training: learning rates to try, of which the first is its example's; sentences a step."""


class Experiment:
    """A finished experiment: its config, and the files of its data and encoders."""

    def __init__(self, folder: Path) -> None:
        self.config = read_json(folder / "config.json")
        self.task, self.teacher = folder / "data" / "task", next(folder.glob("encoders/teacher/*/r0"))
        self.labelled = self.config["data"]["task"]["train_languages"]
        self.labels = read_json(self.task / "labels.json")
        shares = {corpus["name"]: corpus.get("share", 1.0) for corpus in self.config["data"]["text"]}
        shards = sorted(
            path for name, share in shares.items() if share for path in (folder / "data" / "corpus" / name).iterdir()
        )
        self.text = TrainingText(find_corpora(shards, shares), **self.config["text"])

    def files(self, split: str) -> list[Path]:
        """Files of examples in the languages with labels; of the test set in all."""
        languages = self.config["languages"] if split == "test" else self.labelled
        return [self.task / f"{split}-{language}.parquet" for language in languages]

    def show(self, name: str, right: dict[str, float], dev: float) -> None:
        """Prints a row, of the accuracy in every language."""
        labelled = [share for language, share in right.items() if language in self.labelled]
        others = [share for language, share in right.items() if language not in self.labelled]
        means = [100 * float(np.mean(shares)) for shares in ([dev], labelled, others, list(right.values()))]
        print(f"{name:60s}" + "".join(f"{mean:8.1f}" for mean in means), flush=True)


def try_static(experiment: Experiment) -> None:
    """Logistic regression on the mean of the word embeddings."""
    tokenizer = load_tokenizer(experiment.teacher)
    words = load_encoder(experiment.teacher).embeddings.word_embeddings.weight.detach().numpy()

    def embed(sentences):
        ids = [each.ids for each in tokenizer.encode_batch(list(sentences), add_special_tokens=False)]
        return np.stack([words[each].mean(0) if each else np.zeros(words.shape[1], np.float32) for each in ids])

    def read(paths):
        examples = read_all(paths)
        return compute_features(examples, embed), [example.label for example in examples]

    (train, train_labels), (dev, dev_labels) = read(experiment.files("train")), read(experiment.files("dev"))
    strengths = experiment.config["probe"]["strengths"]
    probe = fit_probe(train, train_labels, dev, dev_labels, len(experiment.labels), strengths)
    right = {}
    for path in experiment.files("test"):
        features, labels = read([path])
        logits = predict_logits(probe.model, features, len(experiment.labels))
        right[path.stem.removeprefix("test-")] = accuracy(logits, labels)
    experiment.show("static embedding, logistic regression", right, probe.dev_accuracy[probe.strength])


def read_sentences(experiment: Experiment, steps: int) -> list[str]:
    """The sentences of so many steps of distillation: as many as a student reads, drawn in an order of their own."""
    tokenizer, special = load_tokenizer(experiment.teacher), SpecialIds.read(experiment.teacher)
    batches, ids = experiment.text.batches(special, seed=1), []
    for step in range(steps):
        rows = batches.batch(step)
        for token, document in zip(rows.token, rows.document, strict=True):
            ids += [token[document == number] for number in range(document.max() + 1)]
    return tokenizer.decode_batch([each.tolist() for each in ids], skip_special_tokens=True)


def read_by(folder: Path, longest: int) -> SentenceTransformer:
    """An encoder as sentence-transformers reads it, by the mean of its top states."""
    transformer = Transformer(str(folder), max_seq_length=longest)
    pooling = Pooling(transformer.get_embedding_dimension())
    return SentenceTransformer(modules=[transformer, pooling], device="cpu")


def distil_vectors(
    experiment: Experiment, layers: int, sentences: list[str], vectors: np.ndarray, work: Path, rate: float
) -> Path:
    """A student made by sentence-transformers' trainer; its folder."""
    teacher, start = load_encoder(experiment.teacher), work / "start"
    save_model(init_student(teacher, match_layers(teacher.config.num_hidden_layers, layers)), start, experiment.teacher)
    model = read_by(start, experiment.text.sequence_length)
    trained: Any = model[0].auto_model
    trained.embeddings.requires_grad_(False)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(work / "trainer"),
        num_train_epochs=1,
        per_device_train_batch_size=BATCH,
        learning_rate=rate,
        warmup_steps=math.ceil(0.1 * len(sentences) / BATCH),
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        seed=1,
    )
    data = Dataset.from_dict({"sentence": sentences, "label": list(vectors)})
    SentenceTransformerTrainer(model, args=arguments, train_dataset=data, loss=MSELoss(model)).train()
    student = load_encoder(start)
    student.load_state_dict(trained.state_dict())
    save_model(student, work / "student", experiment.teacher)
    return work / "student"


def try_sentence_transformers(experiment: Experiment, chain: str, rates: list[float]) -> None:
    """The recipe of sentence-transformers with the text of a student, fine-tuned on the task."""
    student = parse_chain(chain)
    sentences = read_sentences(experiment, round(student.budget * experiment.config["distillation"]["steps"]))
    teacher = read_by(experiment.teacher, experiment.text.sequence_length)
    vectors = teacher.encode(sentences, batch_size=64, show_progress_bar=False)
    name = f"sentence-transformers, {student.layers} layers, {len(sentences)} sentences"
    for rate in rates:
        with tempfile.TemporaryDirectory() as work:
            encoder = distil_vectors(experiment, student.layers, sentences, vectors, Path(work), rate)
            experiment.show(f"{name}, {rate:g}", *fine_tune(experiment, encoder, Path(work) / "classifier"))


def fine_tune(experiment: Experiment, encoder: Path, output: Path) -> tuple[dict[str, float], float]:
    """Fine-tunes as the experiment does on gold labels; accuracy by language of the test set, and on dev."""
    keys = {key: experiment.config["finetuning"][key] for key in KEYS}
    batch_tokens = experiment.config["evaluation"]["batch_tokens"]
    train, dev, labels = experiment.files("train"), experiment.files("dev"), experiment.task / "labels.json"
    run = finetune(encoder, train, dev, labels, output, **keys, batch_tokens=batch_tokens)
    classifier, tokenizer = load_classifier(output), load_tokenizer(output)
    right = {}
    for path in experiment.files("test"):
        encoded = encode_examples(read_all([path]), tokenizer, keys["max_length"])
        logits = predict(pytorch_predictor(classifier), encoded, classifier.config.pad_token_id, batch_tokens)
        right[path.stem.removeprefix("test-")] = accuracy(logits, encoded.labels)
    return right, run.best["score"]


KEYS = (
    *("epochs", "batch_size", "learning_rate", "warmup_ratio", "weight_decay", "dropout", "max_length", "evaluations"),
    *("keep", "pooler", "trained_layers"),
)
"""Keys of `finetuning` that a fine-tuning on gold labels takes."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="results of a finished experiment on single sentences")
    parser.add_argument("--student", default="12-3x2.14", help="chain whose depth, text and budget are taken")
    parser.add_argument("--rates", type=float, nargs="+", default=RATES, help="learning rates to try")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    found = Experiment(asked.folder)
    if not found.labels or read_all(found.files("dev"))[0].text_pair is not None:
        sys.exit(f"{asked.folder}: expected a task of single sentences; take another experiment")
    print(f"{'':60s}{'dev':>8s}{'labelled':>8s}{'others':>8s}{'all':>8s}")
    try_static(found)
    try_sentence_transformers(found, asked.student, asked.rates)
