"""Compiled layers: what they compute, and how often they are compiled."""

import pytest
import torch
from students import bottom_layers
from torch._dynamo.testing import CompileCounter
from torch._dynamo.utils import counters

from camembert.models.encoder import (
    COMPILED_VARIANTS,
    compile_layers,
    load_encoder,
    load_mlm_head,
    set_dropout,
)
from camembert.plan.losses import Recipe
from camembert.runtime.parallel import TrainingSettings
from camembert.tokens.corpora import CorpusFolders, write_shard
from camembert.training.distillation import distillation_objective, freeze
from camembert.training.loop import Schedule
from camembert.training.packed_text import TrainingText, train_on_text
from camembert.training.pretraining import MaskedLanguageModel, pretraining_objective

RECIPES = {
    "toplayer": Recipe("toplayer", {"hidden": 1.0, "attention": 10.0}),
    "minilm": Recipe("minilm", {"attention": 1.0, "value": 1.0}, freeze_embeddings=False),
    "logits": Recipe("logits", {"soft_targets": 5.0, "cosine": 1.0}, mlm_probability=0.3),
}


@pytest.fixture(autouse=True)
def nothing_compiled():
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
        batches = TrainingText(
            [CorpusFolders(corpus)], batch_size=4, sequence_length=32, sampling_exponent=0.7
        ).batches(special, 1)
        train_on_text(model, objective, batches, mask, Schedule(6, 1e-3, 0.1, 0.0), TrainingSettings(precision="bf16"))


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
        objective = distillation_objective(RECIPES[recipe], model, teacher, load_mlm_head(teacher_folder))
        mask = RECIPES[recipe].mlm_probability
    train_twice(model, objective, (corpus, long_text), special, mask)
    assert 2 <= counter.frame_count <= COMPILED_VARIANTS // 2
    assert not counters["unimplemented"], "the limit was not reached"
    assert not counters["graph_break"]
