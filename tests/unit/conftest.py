"""Tiny encoders, text and NLI examples for the tests of the training engine.

torch is imported inside the fixtures: tests that do not need it do not wait for it.
"""

from __future__ import annotations

import os
import random
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from camembert.plan.config import load_yaml

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tensors of these tests are too small to share out

LEXICON = {
    "en": "one two three cats dogs birds see hear like red big old today never here".split(),
    "fr": "un deux trois chats chiens oiseaux voient entendent aiment rouge grand vieux maintenant jamais ici".split(),
    "de": "eins zwei drei Katzen Hunde Vögel sehen hören mögen rot groß alt heute nie hier".split(),
}
NLI = ["entailment", "neutral", "contradiction"]
DOCUMENTS = 120
VOCABULARY = 160
HIDDEN, HEADS, POSITIONS = 16, 2, 32


def sentences(language: str) -> list[str]:
    """The same sentences in every language, word by word."""
    draw = random.Random(0)
    words = LEXICON[language]
    return [" ".join(words[draw.randrange(len(words))] for _ in range(draw.randint(2, 4))) for _ in range(DOCUMENTS)]


@pytest.fixture
def config() -> dict[str, Any]:
    """config.yaml, which a test may change."""
    return load_yaml(Path(__file__).parents[2] / "config.yaml")


@pytest.fixture(scope="session")
def lines():
    """Parallel text: the sentences of each language, line i of one is line i of the others."""
    return {language: sentences(language) for language in LEXICON}


@pytest.fixture(scope="session")
def words(lines):
    """A tokenizer trained on the text of all languages."""
    from camembert.tokens.tokenizer import train_tokenizer

    return train_tokenizer([line for text in lines.values() for line in text], VOCABULARY, lowercase=False)


@pytest.fixture(scope="session")
def tokenizer_folder(words, tmp_path_factory) -> Path:
    from camembert.tokens.tokenizer import save_tokenizer

    folder = tmp_path_factory.mktemp("tokenizer")
    save_tokenizer(words, folder, longest=POSITIONS, lowercase=False)
    return folder


@pytest.fixture(scope="session")
def special(words):
    from camembert.tokens.tokenizer import SpecialIds

    return SpecialIds.of(words)


@pytest.fixture(scope="session")
def corpus(lines, words, tmp_path_factory) -> dict[str, Path]:
    """The shard folder of every language of a parallel corpus."""
    from camembert.tokens.corpora import write_shard

    folder = tmp_path_factory.mktemp("corpus")
    for language, text in lines.items():
        write_shard(folder / language, text, words, {"source": "conftest", "parallel": True})
    return {language: folder / language for language in lines}


@pytest.fixture
def batches(corpus, special):
    """Batches of four rows of 32 tokens of the parallel corpus."""
    from camembert.tokens.corpora import Shard, TokenizedCorpus
    from camembert.tokens.packing import TextBatches

    return TextBatches(
        [TokenizedCorpus({name: Shard(path) for name, path in corpus.items()})], special, 4, 32, 0.7, seed=0
    )


@pytest.fixture(scope="session")
def make_encoder(words):
    """Makes an encoder in eval mode whose attention is not uniform and whose biases are not 0, unlike a new one's."""
    import torch

    from camembert.models.encoder import init_encoder

    def make(layers: int, hidden: int = HIDDEN, heads: int = HEADS, seed: int = 0):
        encoder = init_encoder(layers, hidden, heads, 2 * hidden, POSITIONS, words.get_vocab_size(), 0, seed)
        with torch.no_grad():
            for name, parameter in encoder.named_parameters():
                parameter.add_(torch.randn_like(parameter) * (0.1 if "LayerNorm" in name else 0.4))
        return encoder.eval()

    return make


@pytest.fixture(scope="session")
def teacher_folder(make_encoder, tokenizer_folder, tmp_path_factory) -> Path:
    """A saved encoder of three layers with a masked-language-model head beside it."""
    from camembert.models.encoder import init_mlm_head, save_model

    folder = tmp_path_factory.mktemp("encoders") / "3"
    encoder = make_encoder(3)
    head = {key: weight for key, weight in init_mlm_head(encoder).state_dict().items() if "decoder" not in key}
    save_model(encoder, folder, tokenizer_folder, head)
    return folder


@pytest.fixture
def teacher(teacher_folder):
    """The encoder of that folder."""
    from camembert.models.encoder import load_encoder

    return load_encoder(teacher_folder)


@pytest.fixture(scope="session")
def pairs(lines, tmp_path_factory) -> dict[str, Path]:
    """English NLI examples, 60 to train on and 20 for development: a word of the premise, or another, or two."""
    from camembert.core.files import write_json
    from camembert.data.tasks import Example, write_examples

    draw = random.Random(1)
    rows = []
    for number in range(80):
        premise, label = lines["en"][number], number % 3
        hypothesis = [premise.split()[0], draw.choice(LEXICON["en"]), "never " + premise.split()[-1]][label]
        rows.append(Example(f"pair-{number}", premise, hypothesis, label))
    folder = tmp_path_factory.mktemp("task")
    write_examples(rows[:60], folder / "train.parquet")
    write_examples(rows[60:], folder / "dev.parquet")
    write_json(folder / "labels.json", NLI)
    return {"train": folder / "train.parquet", "dev": folder / "dev.parquet", "labels": folder / "labels.json"}


# --- whole trainings: called with `output` and, where they matter, `checkpoints`; all arguments may be given anew ---


@pytest.fixture(scope="session")
def common() -> dict[str, Any]:
    """The arguments that every training takes."""
    import torch

    return {"seed": 1, "device": torch.device("cpu"), "name": "test", "checkpoint_seconds": 0.0}


@pytest.fixture(scope="session")
def distilling(teacher_folder, corpus, common) -> partial:
    """`distill` from three layers to two in 12 steps, dropout 0."""
    from trainings import call

    from camembert.plan.losses import Recipe
    from camembert.tokens.corpora import CorpusFolders
    from camembert.training.distillation import distill
    from camembert.training.loop import Schedule

    return partial(
        call,
        work=distill,
        teacher_folder=teacher_folder,
        corpora=[CorpusFolders(corpus)],
        layers=2,
        schedule=Schedule(12, learning_rate=1e-2, warmup_ratio=0.2, weight_decay=0.01),
        recipe=Recipe("toplayer", {"hidden": 1.0, "attention": 10.0}),
        dropout=0.0,
        text={"batch_size": 4, "sequence_length": 32, "sampling_exponent": 0.7},
        **common,
    )


@pytest.fixture(scope="session")
def pretraining(corpus, tokenizer_folder, common) -> partial:
    """`pretrain` of one layer in 12 steps with dropout."""
    from trainings import call

    from camembert.tokens.corpora import CorpusFolders
    from camembert.training.loop import Schedule
    from camembert.training.pretraining import pretrain

    return partial(
        call,
        work=pretrain,
        corpora=[CorpusFolders(corpus)],
        tokenizer_folder=tokenizer_folder,
        layers=1,
        architecture={
            "hidden_size": HIDDEN,
            "num_attention_heads": HEADS,
            "intermediate_size": 2 * HIDDEN,
            "max_length": POSITIONS,
        },
        schedule=Schedule(12, learning_rate=1e-2, warmup_ratio=0.2, weight_decay=0.01),
        mlm_probability=0.3,
        bag_of_words=0.5,
        dropout=0.1,
        text={"batch_size": 4, "sequence_length": 32, "sampling_exponent": 0.7},
        **common,
    )


@pytest.fixture(scope="session")
def finetuning(teacher_folder, pairs, common) -> partial:
    """`finetune` in 14 steps with dropout, reading dev four times."""
    from trainings import call

    from camembert.training.finetuning import finetune

    return partial(
        call,
        work=finetune,
        encoder_folder=teacher_folder,
        train_examples=[pairs["train"]],
        dev_examples=[pairs["dev"]],
        labels=pairs["labels"],
        epochs=2,
        batch_size=8,
        learning_rate=1e-2,
        warmup_ratio=0.2,
        weight_decay=0.01,
        dropout=0.1,
        max_length=POSITIONS,
        evaluations=4,
        keep="best",
        pooler="encoder",
        trained_layers=None,
        batch_tokens=256,
        **common,
    )


@pytest.fixture(scope="session")
def soft_labels(pairs, lines, tmp_path_factory):
    """Planted soft labels of the training pairs and of 40 French sentences, which have no others."""
    import numpy as np

    from camembert.data.tasks import make_unlabelled_examples, write_examples
    from camembert.training.soft_labels import SoftLabels, save_soft_labels

    folder = tmp_path_factory.mktemp("soft_labels")
    write_examples(make_unlabelled_examples({"fr_own": lines["fr"][:40]}, []), folder / "unlabelled.parquet")
    files = [pairs["train"], folder / "unlabelled.parquet"]
    logits = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    save_soft_labels(logits, files, NLI, folder / "soft.safetensors")
    return SoftLabels(folder / "soft.safetensors", files[1:], temperature=2.0, weight=0.5)


@pytest.fixture(scope="session")
def soft_finetuning(finetuning, soft_labels) -> partial:
    """The same in 24 steps with soft labels and French sentences without others."""
    return partial(finetuning, soft_labels=soft_labels)
