"""One hop of a cascade: a student cut from its teacher and trained towards it, as its recipe says."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from camembert.core.provenance import hash_of_code, hash_of_file, hash_of_weights
from camembert.models import encoder as encoders
from camembert.models.architectures import Encoder
from camembert.models.compilation import compile_layers
from camembert.plan.losses import LOSSES, SENTENCE, Layer, Part, top_layers
from camembert.plan.recipe import Recipe
from camembert.runtime import parallel
from camembert.runtime.settings import TrainingSettings
from camembert.tokens.packing import SpecialIds
from camembert.training import calibration
from camembert.training.calibration import Variance, fit_layer_norm, teacher_variance
from camembert.training.loop import Batch, Objective, Schedule, TrainingResult
from camembert.training.masking import at_masked
from camembert.training.packed_text import BATCHES, TrainingText, mean_loss, text_batch, train_on_text

log = logging.getLogger(__name__)


class DistillationError(ValueError):
    """A student that cannot be made of this teacher by this recipe."""


# --- the objective --------------------------------------------------------------------------------------------


def layer_of(
    encoder: Encoder, outputs: list[Tensor], number: int, mask: Tensor | None, head: nn.Module | None, batch: Batch
) -> Layer:
    """One layer, counted from 1, of an encoder's forward pass, whose outputs are those of `encoder.run_layers`."""

    def words() -> Tensor:
        assert head is not None, "a loss that predicts words says so in LOSSES"
        return head(at_masked(outputs[number], batch))

    relation = partial(encoders.relation, encoder, number, outputs[number - 1], mask)
    return Layer(outputs[number], relation, words)


def objective_of(
    recipe: Recipe,
    student: Encoder,
    teacher: Encoder,
    mlm_head: dict[str, Tensor] | None = None,
    shared_embeddings: bool = False,
    variance: Variance | None = None,
) -> Objective:
    """The weighted sum of the parts of a recipe's loss; parts of weight 0 are not computed.

    Args:
        recipe: which loss, and its weights.
        student: fewer layers than the teacher, the same width and heads.
        teacher: runs without gradients, without dropout.
        mlm_head: weights of the teacher's masked-language-model head, where the loss predicts words; not trained.
        shared_embeddings: whether both have the same frozen embeddings and no dropout, so that the embedding output
            is computed once for both.
        variance: of the teacher's states, by which errors of them are divided, and named ``..._unexplained``: 1 is as
            good as a constant, 0 perfect; None leaves them as they are.

    Raises:
        DistillationError: the loss predicts words, and the teacher has no head for it or no token is masked.
    """
    teacher.eval().requires_grad_(False)
    depths, parts = (teacher.config.num_hidden_layers, student.config.num_hidden_layers), recipe.parts
    compared = {name: (top_layers if name == SENTENCE else LOSSES[recipe.loss].layers)(*depths) for name in parts}
    logged = {name: f"{name}_unexplained" if variance and part.variance else name for name, part in parts.items()}
    heads: list[nn.Module | None] = [None, None]
    if LOSSES[recipe.loss].predicts_words:
        if recipe.mlm_probability is None:
            raise DistillationError(
                f"the loss {recipe.loss} predicts masked tokens, but its recipe masks none; give it a mask, the share"
                " of the tokens, such as 0.15"
            )
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
        batch = {**batch, "real": real, "same_document": pairs}
        inputs = batch["token"], batch["segment"], batch["position"]
        with torch.no_grad():
            taught = encoders.run_layers(teacher, encoders.embed(teacher, *inputs), mask)
        embedded = taught[0] if shared_embeddings else encoders.embed(student, *inputs)
        learned = encoders.run_layers(student, embedded, mask)

        def error(part: Part, layer: int, teacher_layer: int) -> Tensor:
            ours = layer_of(student, learned, layer, mask, heads[0], batch)
            theirs = layer_of(teacher, taught, teacher_layer, mask, heads[1], batch)
            found = part.error(ours, theirs, batch)
            return found / variance.of(part.variance, teacher_layer) if variance and part.variance else found

        errors = {name: torch.stack([error(parts[name], *pair) for pair in compared[name]]).mean() for name in parts}
        weighted = [weight * errors[name] for name, weight in recipe.weights.items() if name in errors]
        return {"loss": torch.stack(weighted).sum(), **{logged[name]: value for name, value in errors.items()}}

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
    if recipe.mlm_probability is None:
        return layers
    # two forward passes, and back through the student's head: to its input, and to its weights if these train
    return layers + (3 if recipe.freeze_embeddings else 4) * recipe.mlm_probability * shape.mlm_head_forward()


def distill(
    teacher_folder: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    layers: int,
    text: TrainingText,
    schedule: Schedule,
    recipe: Recipe,
    dropout: float = 0.0,
    settings: TrainingSettings = TrainingSettings(),
) -> TrainingResult:
    """Cuts a student from its teacher and trains it towards the teacher; 0 steps leave it a copy.

    Args:
        teacher_folder: the encoder one link up the chain.
        output: folder of the student, with the teacher's tokenizer and masked-language-model head.
        layers: of the student.
        text: what is read.
        schedule: steps and learning rate.
        recipe: which layers it starts from, what it is asked to match, what it does not train.
        dropout: in the student.
        settings: seed, device, checkpoints.

    Raises:
        DistillationError: the recipe asks for what the teacher does not have.
    """
    device = settings.device
    teacher = encoders.load_encoder(teacher_folder).to(device)
    student = encoders.init_student(teacher, recipe.layers_to_copy(teacher.config.num_hidden_layers, layers)).to(device)
    head = encoders.load_mlm_head(teacher_folder)
    run = TrainingResult()
    if schedule.steps:
        freeze(student, recipe)
        encoders.set_dropout(student, dropout)
        student.train()
        special = SpecialIds.read(teacher_folder)
        sample = partial(text.sample, special, recipe.mlm_probability, calibration.TOKENS, settings)
        variance = teacher_variance(teacher.eval(), sample()) if recipe.normalise else None
        shared = recipe.freeze_embeddings and dropout == 0
        objective = objective_of(recipe, student, teacher, head, shared, variance)
        held_out = text_batch(
            text.batches(special, settings.seed).held_out(), recipe.mlm_probability, parallel.own_rows()
        )
        copied = mean_loss(student, objective, held_out, BATCHES, settings)
        if recipe.fit_layer_norm:
            fit_layer_norm(student, teacher, sample())
        if device.type == "cuda":
            compile_layers(teacher)
            compile_layers(student)
        run = train_on_text(
            student,
            objective,
            special,
            text,
            schedule,
            settings,
            mask=recipe.mlm_probability,
            teacher=hash_of_weights(teacher_folder),
            head=head and hash_of_file(Path(teacher_folder) / encoders.MLM_HEAD),
            student=[layers, vars(recipe), dropout],
            code=hash_of_code(sys.modules[__name__]),
        )
        _warn_if_worse(settings.name, copied, run.held_out_end)
        run = replace(
            run,
            flops=schedule.steps * text.tokens * flops_of_step(recipe, student, teacher, text.sequence_length),
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
