"""Compiled layers: what they compute, and how often they are compiled."""

import logging

import pytest
import torch
from students import bottom_layers
from torch._dynamo.testing import CompileCounter
from torch._dynamo.utils import counters

from camembert.models import compilation
from camembert.models.compilation import COMPILED_VARIANTS, compile_layers
from camembert.models.encoder import (
    attention_mask,
    embed,
    load_encoder,
    load_mlm_head,
    run_layers,
    set_dropout,
    tensors_of,
)
from camembert.plan.recipe import Recipe
from camembert.runtime.settings import TrainingSettings
from camembert.tokens.mixture import Corpus, CorpusFolders
from camembert.tokens.packing import TextBatches
from camembert.tokens.shards import Shard, write_shard
from camembert.training.distillation import freeze, objective_of
from camembert.training.loop import Schedule
from camembert.training.packed_text import TrainingText, train_on_text
from camembert.training.pretraining import MaskedLanguageModel, pretraining_objective

TEXT = {"batch_size": 4, "sequence_length": 32, "sampling_exponent": 0.7}
RECIPES = {
    "toplayer": Recipe("toplayer", {"hidden": 1.0, "attention": 10.0}),
    "minilm": Recipe("minilm", {"attention": 1.0, "value": 1.0}, freeze_embeddings=False),
    "logits": Recipe("logits", {"soft_targets": 5.0, "cosine": 1.0}, mlm_probability=0.3),
}


@pytest.fixture(autouse=True)
def nothing_compiled():
    compilation._warn_of_uncompiled_layers.cache_clear()
    torch._dynamo.reset()
    counters.clear()
    limit = torch._dynamo.config.recompile_limit
    yield
    torch._dynamo.config.recompile_limit = limit
    torch._dynamo.reset()


@pytest.fixture
def long_text(lines, words, tmp_path):
    """A corpus whose documents fill a row each, which needs no attention mask."""
    write_shard(tmp_path / "long", [" ".join(lines["en"])] * 3, words, {"parallel": False})
    return {"en": tmp_path / "long"}


def train_twice(model, objective, corpora, special, mask) -> None:
    """Six steps on each corpus, with measurements, half of them without a mask."""
    for corpus in corpora:
        model.train()
        train_on_text(
            model,
            objective,
            special,
            TrainingText([CorpusFolders(corpus)], **TEXT),
            Schedule(6, 1e-3, 0.1, 0.0),
            TrainingSettings(precision="bf16"),
            mask=mask,
        )


@pytest.mark.parametrize("recipe", [None, *RECIPES])
def test_a_training_with_its_measurements_compiles_few_variants(teacher_folder, corpus, long_text, special, recipe):
    """With and without a mask; every layer of one shape shares them, so that depth adds none."""
    teacher, counter = load_encoder(teacher_folder), CompileCounter()
    compile_layers(teacher, backend=counter)
    if recipe is None:
        set_dropout(teacher, 0.1)
        model: torch.nn.Module = MaskedLanguageModel(teacher)
        objective, mask = pretraining_objective(model, 0.5), 0.3
    else:
        model = bottom_layers(teacher, 2)
        compile_layers(model, backend=counter)
        set_dropout(model, 0.1)
        freeze(model, RECIPES[recipe])
        objective = objective_of(RECIPES[recipe], model, teacher, load_mlm_head(teacher_folder))
        mask = RECIPES[recipe].mlm_probability
    train_twice(model, objective, (corpus, long_text), special, mask)
    assert 2 <= counter.frame_count <= COMPILED_VARIANTS // 2
    assert not counters["unimplemented"], "the limit was not reached"
    assert not counters["graph_break"]


def test_the_log_says_once_that_layers_run_uncompiled(make_encoder, monkeypatch, caplog):
    monkeypatch.setattr(compilation, "COMPILED_VARIANTS", 1)
    encoder = make_encoder(2)
    compile_layers(encoder, backend="eager")
    with caplog.at_level(logging.WARNING, "camembert"):
        for _ in range(2):
            for mask in (None, torch.ones(1, 1, 4, 4, dtype=torch.bool)):
                run_layers(encoder, torch.zeros(1, 4, 16), mask)
                with torch.no_grad():
                    run_layers(encoder, torch.zeros(1, 4, 16), mask)
    assert caplog.text.count("runs the rest uncompiled") == 1


@pytest.fixture
def batch(corpus, special):
    corpora = [Corpus({name: Shard(path) for name, path in corpus.items()})]
    return tensors_of(TextBatches(corpora, special, 4, 32, 0.7, seed=0).batch(0))


@pytest.mark.parametrize("training", [False, True])
def test_compiled_layers_keep_their_names_and_compute_the_same(make_encoder, batch, training):
    """Traced and differentiated ahead of time, without the code generator, which a GPU's machine has."""
    encoder = make_encoder(2).train(training)
    set_dropout(encoder, 0.0)

    def outputs_and_gradient() -> tuple[torch.Tensor, torch.Tensor]:
        encoder.zero_grad()
        top = run_layers(
            encoder, embed(encoder, batch["token"], batch["segment"], batch["position"]), attention_mask(batch)
        )[-1]
        top.square().sum().backward()
        return top.detach(), encoder.encoder.layer[0].output.dense.weight.grad.clone()

    names, expected = list(encoder.state_dict()), outputs_and_gradient()
    compile_layers(encoder, backend="aot_eager")
    assert list(encoder.state_dict()) == names
    for ours, eager in zip(outputs_and_gradient(), expected, strict=True):
        torch.testing.assert_close(ours, eager, atol=1e-4, rtol=1e-4)
