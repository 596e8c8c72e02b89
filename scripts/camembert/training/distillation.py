"""One hop of a cascade: a student cut from its teacher and trained towards it, as its recipe says."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from camembert.core.provenance import hash_of_code, hash_of_file, hash_of_weights
from camembert.models import encoder as encoders
from camembert.models import losses
from camembert.models.architectures import Encoder
from camembert.models.compilation import compile_layers
from camembert.plan.recipe import SENTENCE, Recipe, matched_layers
from camembert.runtime import parallel
from camembert.tokens.packing import SpecialIds
from camembert.training import calibration
from camembert.training.calibration import Variance, fit_layer_norm, teacher_variance
from camembert.training.held_out import held_out_before
from camembert.training.loop import Objective, TrainingResult
from camembert.training.masking import at_masked
from camembert.training.packed_text import TextTraining, text_batch, train_on_text

log = logging.getLogger(__name__)


class DistillationError(ValueError):
    """A student that cannot be made of this teacher by this recipe."""


# --- what is matched ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pass:
    """One encoder's forward pass over a batch: `layers[k]` is the output of layer k, (rows, tokens, hidden).

    Errors of a teacher's states are divided by its `variance`.
    """

    encoder: Encoder
    layers: list[Tensor]
    mask: Tensor | None
    variance: Variance
    head: nn.Module | None = None

    def relation(self, layer: int, first: str, second: str) -> Tensor:
        """Scores between tokens inside a layer, (rows, heads, tokens, tokens); see `encoder.relation`."""
        return encoders.relation(self.encoder, layer, self.layers[layer - 1], self.mask, first, second)

    def attention_map(self, layer: int) -> Tensor:
        """Attention probabilities of a layer, (rows, heads, tokens, tokens)."""
        return encoders.attention_map(self.encoder, layer, self.layers[layer - 1], self.mask)


Batch = dict[str, Any]
Loss = Callable[[Pass, Pass, Batch], dict[str, Tensor]]
"""Maps the passes of student and teacher over a batch to the parts of a loss."""


def layer_losses(student: Pass, teacher: Pass, batch: Batch, layer: int, teacher_layer: int) -> dict[str, Tensor]:
    """Hidden states and attention maps of one layer of the student against one of the teacher."""
    hidden = losses.hidden_state_loss(
        student.layers[layer], teacher.layers[teacher_layer], batch["real"], batch["real_tokens"]
    )
    attention = losses.attention_map_loss(
        student.attention_map(layer), teacher.attention_map(teacher_layer), batch["same_document"], batch["pairs"]
    )
    return {"hidden": hidden / teacher.variance.layers[teacher_layer], "attention": attention}


def sentence(student: Pass, teacher: Pass, batch: Batch) -> Tensor:
    """Means of a document's top hidden states, as sentence-transformers trains them (Reimers and Gurevych 2020)."""
    first = batch["real"] & (batch["position"] == 0)
    states = student.layers[-1], teacher.layers[-1]
    return losses.sentence_loss(*states, batch["same_document"], first, batch["documents"]) / teacher.variance.sentence


def toplayer(student: Pass, teacher: Pass, batch: Batch) -> dict[str, Tensor]:
    """LightMBERT's (Jiao et al. 2021): hidden states and attention maps of the top layers."""
    return layer_losses(student, teacher, batch, len(student.layers) - 1, len(teacher.layers) - 1)


def uniform(student: Pass, teacher: Pass, batch: Batch) -> dict[str, Tensor]:
    """TinyBERT's (Jiao et al. 2020), from layer 1 up: the mean over the student's layers, each against a teacher's."""
    matched = matched_layers(len(teacher.layers) - 1, len(student.layers) - 1)
    parts = [layer_losses(student, teacher, batch, k, layer) for k, layer in enumerate(matched, start=1)]
    return {name: torch.stack([part[name] for part in parts]).mean() for name in parts[0]}


def minilm(student: Pass, teacher: Pass, batch: Batch) -> dict[str, Tensor]:
    """MiniLM's (Wang et al. 2020): attention and value relations of the last layers."""
    tops = len(student.layers) - 1, len(teacher.layers) - 1
    parts = {}
    for name, first, second in (("attention", "query", "key"), ("value", "value", "value")):
        learned, taught = student.relation(tops[0], first, second), teacher.relation(tops[1], first, second)
        parts[name] = losses.relation_loss(learned, taught, batch["same_document"], batch["real_tokens"])
    return parts


def logits(student: Pass, teacher: Pass, batch: Batch) -> dict[str, Tensor]:
    """DistilBERT's (Sanh et al. 2019) without its hard labels: predicted words, and the direction of hidden states."""
    assert student.head is not None
    assert teacher.head is not None
    predicted = student.head(at_masked(student.layers[-1], batch))
    expected = teacher.head(at_masked(teacher.layers[-1], batch))
    return {
        "soft_targets": losses.soft_target_loss(predicted, expected, batch["targets"]),
        "cosine": losses.cosine_loss(student.layers[-1], teacher.layers[-1], batch["real"], batch["real_tokens"]),
    }


LOSSES: dict[str, Loss] = {"toplayer": toplayer, "uniform": uniform, "minilm": minilm, "logits": logits}
UNEXPLAINED = {"hidden": "hidden_unexplained", SENTENCE: "sentence_unexplained"}
"""What errors divided by the teacher's variance are logged as: 1 is as good as a constant, 0 perfect."""


def objective_of(
    recipe: Recipe,
    student: Encoder,
    teacher: Encoder,
    mlm_head: dict[str, Tensor] | None = None,
    shared_embeddings: bool = False,
    variance: Variance | None = None,
) -> Objective:
    """The weighted sum of the parts of a recipe's loss.

    Args:
        recipe: which loss, and its weights.
        student: fewer layers than the teacher, the same width and heads.
        teacher: runs without gradients, without dropout.
        mlm_head: weights of the teacher's masked-language-model head, where the loss predicts words; not trained.
        shared_embeddings: whether both have the same frozen embeddings and no dropout, so that the embedding output
            is computed once for both.
        variance: of the teacher's states, by which errors of hidden states are divided; None leaves them as they are.

    Raises:
        DistillationError: the loss predicts words and the teacher has no head for it.
    """
    teacher.eval().requires_grad_(False)
    parts_of = LOSSES[recipe.loss]
    divisor = variance or Variance.none(teacher.config.num_hidden_layers)
    names = UNEXPLAINED if variance else {}
    heads: list[nn.Module | None] = [None, None]
    if recipe.mask is not None:
        if mlm_head is None:
            raise DistillationError(
                f"the loss {recipe.loss} needs the teacher's masked-language-model head, which its folder lacks;"
                " choose another recipe, or a teacher with a head"
            )
        heads = [encoders.mlm_head_of(encoder, mlm_head).requires_grad_(False) for encoder in (student, teacher)]
        # the output weights are the word embeddings, which the line above froze in both
        student.embeddings.word_embeddings.requires_grad_(not recipe.freeze_embeddings)

    def objective(batch: Batch) -> dict[str, Tensor]:
        mask = encoders.attention_mask(batch)
        real = batch["document"] >= 0
        pairs = (real[:, :, None] & real[:, None, :])[:, None] & (mask if mask is not None else True)
        inputs = batch["token"], batch["segment"], batch["position"]
        with torch.no_grad():
            layers = encoders.run_layers(teacher, encoders.embed(teacher, *inputs), mask)
            taught = Pass(teacher, layers, mask, divisor, heads[1])
        embedded = taught.layers[0] if shared_embeddings else encoders.embed(student, *inputs)
        learned = Pass(student, encoders.run_layers(student, embedded, mask), mask, divisor, heads[0])
        batch = batch | {"real": real, "same_document": pairs}
        parts = parts_of(learned, taught, batch)
        if recipe.asks_for(SENTENCE):
            parts[SENTENCE] = sentence(learned, taught, batch)
        weighted = [weight * parts[name] for name, weight in recipe.weights.items() if name in parts]
        return {"loss": torch.stack(weighted).sum(), **{names.get(name, name): part for name, part in parts.items()}}

    return objective


# --- a hop ----------------------------------------------------------------------------------------------------


def freeze(student: Encoder, recipe: Recipe) -> None:
    """Marks what a student does not train by its recipe."""
    untrained = tuple(recipe.untrained(student.config.num_hidden_layers))
    for name, parameter in student.named_parameters():
        parameter.requires_grad_(not name.startswith(untrained))


def flops_of_step(recipe: Recipe, student: Encoder, teacher: Encoder, row: int) -> float:
    """FLOPs of a distillation step for each token, heads included; see `flops`."""
    shape = encoders.shape_of(student)
    layers = shape.distillation_step(teacher.config.num_hidden_layers, student.config.num_hidden_layers, row)
    if recipe.mask is None:
        return layers
    # two forward passes, and back through the student's head: to its input, and to its weights if these train
    return layers + (3 if recipe.freeze_embeddings else 4) * recipe.mask * shape.mlm_head_forward()


def distill(
    teacher_folder: str | os.PathLike[str],
    output: str | os.PathLike[str],
    training: TextTraining,
    *,
    layers: int,
    recipe: Recipe,
    dropout: float,
    device: torch.device,
) -> TrainingResult:
    """Cuts a student from its teacher and trains it towards the teacher; 0 steps leave it a copy.

    Args:
        teacher_folder: the encoder one link up the chain.
        output: folder of the student, with the teacher's tokenizer and masked-language-model head.
        training: on what text and for how long.
        layers: of the student.
        recipe: which layers it starts from, what it is asked to match, what it does not train.
        dropout: in the student.
        device: where to train.

    Raises:
        DistillationError: the recipe asks for what the teacher does not have.
    """
    teacher = encoders.load_encoder(teacher_folder).to(device)
    student = encoders.init_student(teacher, recipe.layers_to_copy(teacher.config.num_hidden_layers, layers)).to(device)
    head = encoders.load_mlm_head(teacher_folder)
    run = TrainingResult()
    if training.schedule.steps:
        freeze(student, recipe)
        encoders.set_dropout(student, dropout)
        student.train()
        special = SpecialIds.read(teacher_folder)
        sample = partial(training.sample, special, recipe.mask, calibration.TOKENS, device)
        variance = teacher_variance(teacher.eval(), sample()) if recipe.normalise else None
        shared = recipe.freeze_embeddings and dropout == 0
        objective = objective_of(recipe, student, teacher, head, shared, variance)
        held_out = text_batch(training.batches(special).held_out(), recipe.mask, parallel.own_rows())
        copied = held_out_before(student, objective, held_out, device, training.precision)
        if recipe.fit_layer_norm:
            fit_layer_norm(student, teacher, sample())
        if device.type == "cuda":
            compile_layers(teacher)
            compile_layers(student)
        run = train_on_text(
            student,
            objective,
            special,
            training,
            mask=recipe.mask,
            device=device,
            teacher=hash_of_weights(teacher_folder),
            head=head and hash_of_file(Path(teacher_folder) / encoders.MLM_HEAD),
            student=[layers, vars(recipe), dropout],
            code=hash_of_code(sys.modules[__name__]),
        )
        _warn_if_worse(training.name, copied, run.held_out_end)
        run = replace(
            run,
            flops=training.computed_tokens * flops_of_step(recipe, student, teacher, training.text["row"]),
            held_out_copied=copied,
            teacher_variance={"hidden": variance.layers[-1], SENTENCE: variance.sentence} if variance else {},
        )
    if parallel.rank() == 0:
        encoders.save_encoder(student, output, teacher_folder, head)
    return run


def _warn_if_worse(name: str, copied: Mapping[str, float], end: Mapping[str, float]) -> None:
    if end and end["loss"] > copied["loss"]:
        log.warning(
            "%s: worse than the layers it was copied from: held-out loss %.4g at the end, %.4g as copied; train longer,"
            " lower the learning rate, or start from other layers",
            *(name, end["loss"], copied["loss"]),
        )
