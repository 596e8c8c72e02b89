"""One hop of a cascade: a student cut from its teacher and trained towards it, as its recipe says."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from camembert.core.files import WEIGHTS, check_new
from camembert.core.provenance import hash_code, hash_file
from camembert.models import encoder as encoders
from camembert.models.encoder import Encoder, compile_layers
from camembert.plan.losses import LOSSES, SENTENCE, Batch, Layer, Part, Recipe, document_means, top_layers
from camembert.runtime import parallel
from camembert.runtime.parallel import TrainingSettings
from camembert.tokens.tokenizer import SpecialIds
from camembert.training.loop import Objective, Schedule, TrainingResult
from camembert.training.packed_text import (
    BATCHES,
    TrainingText,
    measure_loss,
    packed_batches,
    sample_batches,
    take_masked,
    train_on_text,
)

log = logging.getLogger(__name__)

SAMPLED_TOKENS = 8192
"""Read, at least, to measure the variance of a teacher's states and to fit a student's last LayerNorm to them."""
Variance = Mapping[str, list[float]]
"""Of a teacher's "states", token by token, and of its "sentence" vectors, document by document; by layer, from 0."""


class DistillationError(ValueError):
    """A student that cannot be made of this teacher by this recipe, or written where it is wanted."""


# --- before training ------------------------------------------------------------------------------------------


def freeze(student: Encoder, recipe: Recipe) -> None:
    """Marks what a student does not train by its recipe."""
    untrained = tuple(recipe.untrained(student.config.num_hidden_layers))
    for name, parameter in student.named_parameters():
        parameter.requires_grad_(not name.startswith(untrained))


@torch.no_grad()
def measure_variance(teacher: Encoder, batches: Iterable[Batch]) -> Variance:
    """Measures the variance of a teacher's states about their mean, averaged over the hidden units.

    It is the error of the best constant. The teacher is in eval mode, and reads this process's rows of some batches.
    """
    states, sentences = ([_Moments() for _ in range(teacher.config.num_hidden_layers + 1)] for _ in range(2))
    for batch in batches:
        real = batch["document"] >= 0
        same = encoders.same_document(batch["document"]) & real[:, None, :, None]
        for layer, output in enumerate(encoders.run_encoder(teacher, batch)):
            states[layer].add(output[real])
            sentences[layer].add(document_means(output, same)[real & (batch["position"] == 0)])
    return {"states": [each.variance() for each in states], "sentence": [each.variance() for each in sentences]}


@torch.no_grad()
def fit_layer_norm(student: Encoder, teacher: Encoder, batches: Iterable[Batch]) -> None:
    """Fits scale and shift of a student's last LayerNorm to its teacher's top states, unit by unit, by least squares.

    With t ~ a s + b, a = cov(s, t) / var(s) and b = mean(t) - a mean(s), of the top states s and t of a hidden unit, a
    scale g becomes a g and a shift c becomes a c + b. So layers copied from the middle of a teacher start no worse than
    the constant mean(t). The teacher is in eval mode; both read this process's rows of some batches.
    """
    was_training = student.training
    student.eval()
    s, t, both = _Moments(), _Moments(), _Moments()
    for batch in batches:
        real = batch["document"] >= 0
        learned, taught = (encoders.run_encoder(encoder, batch)[-1][real].double() for encoder in (student, teacher))
        for moments, values in ((s, learned), (t, taught), (both, learned * taught)):
            moments.add(values)
    student.train(was_training)
    scale = (both.mean - s.mean * t.mean) / (s.square - s.mean**2).clamp(min=torch.finfo(torch.float32).tiny)
    norm = student.encoder.layer[-1].output.LayerNorm
    norm.weight.copy_(scale * norm.weight)
    norm.bias.copy_(scale * norm.bias + t.mean - scale * s.mean)


class _Moments:
    """Means of values, (values, hidden), and of their squares, over all batches and processes."""

    def __init__(self) -> None:
        self.sums: list[Tensor] = []

    def add(self, values: Tensor) -> None:
        values = values.double()
        new = [values.sum(0), values.square().sum(0), values.new_tensor(len(values))]
        parallel.all_reduce_sum(new)
        self.sums = [a + b for a, b in zip(self.sums, new, strict=True)] if self.sums else new

    @property
    def mean(self) -> Tensor:
        return self.sums[0] / self.sums[2]

    @property
    def square(self) -> Tensor:
        return self.sums[1] / self.sums[2]

    def variance(self) -> float:
        """About the mean, averaged over the hidden units."""
        return float((self.square - self.mean**2).mean())


# --- the objective --------------------------------------------------------------------------------------------


def distillation_objective(
    recipe: Recipe,
    student: Encoder,
    teacher: Encoder,
    mlm_head: Mapping[str, Tensor] | None = None,
    variance: Variance | None = None,
) -> Objective:
    """The weighted sum of the parts of a recipe's loss; parts of weight 0 are not computed.

    Args:
        recipe: which loss, and its weights.
        student: fewer layers than the teacher, the same width and heads.
        teacher: runs without gradients, without dropout.
        mlm_head: weights of the teacher's masked-language-model head, where the loss predicts words; not trained.
        variance: of the teacher's states, by which errors of them are divided, and named ``..._unexplained``: 1 is as
            good as a constant, 0 perfect; None leaves them as they are.

    Raises:
        DistillationError: the recipe has no weights, or its loss predicts words, and the teacher has no head for it or
            no token is masked.
    """
    teacher.eval().requires_grad_(False)
    loss, parts = LOSSES[recipe.loss], recipe.parts
    if not parts:
        raise DistillationError(
            f"the recipe has no weights, expected those of {' and '.join(loss.parts)}, the parts of the loss"
            f" {recipe.loss}; give it some, or train for 0 steps, which copies layers"
        )
    depths = teacher.config.num_hidden_layers, student.config.num_hidden_layers
    compared = {name: (top_layers if name == SENTENCE else loss.layers)(*depths) for name in parts}
    logged = {name: f"{name}_unexplained" if variance and part.variance else name for name, part in parts.items()}
    heads: list[Any] = [None, None]
    if loss.predicts_words:
        if recipe.mlm_probability is None:
            raise DistillationError(
                f"the loss {recipe.loss} predicts masked tokens, but mlm_probability of its recipe is None; set it to a"
                " share of the tokens, such as 0.15"
            )
        if mlm_head is None:
            raise DistillationError(
                f"the loss {recipe.loss} needs the teacher's masked-language-model head, which its folder lacks;"
                " choose another recipe, or a teacher with a head"
            )
        heads = [encoders.init_mlm_head(encoder, mlm_head).requires_grad_(False) for encoder in (student, teacher)]
        # the output weights are the word embeddings, which the line above froze in both
        student.embeddings.word_embeddings.requires_grad_(not recipe.freeze_embeddings)

    def objective(batch: Batch) -> dict[str, Tensor]:
        mask = encoders.attention_mask(batch)
        real = batch["document"] >= 0
        pairs = (real[:, :, None] & real[:, None, :])[:, None] & (mask if mask is not None else True)
        batch = {**batch, "real": real, "same_document": pairs}
        with torch.no_grad():
            taught = encoders.run_layers(teacher, encoders.run_embeddings(teacher, batch), mask)
        learned = encoders.run_layers(student, encoders.run_embeddings(student, batch), mask)

        def layer_at(number: int, encoder: Encoder, outputs: list[Tensor], head: Any) -> Layer:
            relation = partial(encoders.compute_relation, encoder, number, outputs[number - 1], mask)
            return Layer(outputs[number], relation, lambda: head(take_masked(outputs[number], batch)))

        def error(part: Part, student_layer: int, teacher_layer: int) -> Tensor:
            ours = layer_at(student_layer, student, learned, heads[0])
            theirs = layer_at(teacher_layer, teacher, taught, heads[1])
            found = part.error(ours, theirs, batch)
            return found / variance[part.variance][teacher_layer] if variance and part.variance else found

        errors = {name: torch.stack([error(parts[name], *pair) for pair in compared[name]]).mean() for name in parts}
        weighted = [weight * errors[name] for name, weight in recipe.weights.items() if name in errors]
        return {"loss": torch.stack(weighted).sum(), **{logged[name]: value for name, value in errors.items()}}

    return objective


# --- a hop ----------------------------------------------------------------------------------------------------


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
        output: folder of the student, with the teacher's tokenizer and masked-language-model head; not there yet.
        layers: of the student.
        text: what is read.
        schedule: steps and learning rate.
        recipe: which layers it starts from, what it is asked to match, what it does not train.
        dropout: in the student.
        settings: seed, device, checkpoints.

    Raises:
        RecipeError: the recipe starts from layers that the teacher does not have.
        DistillationError: the recipe asks for what the teacher does not have.
        FileExistsError: the output is there already.
    """
    check_new(output)
    teacher = encoders.load_encoder(teacher_folder).to(settings.device)
    copied = recipe.layers_to_copy(teacher.config.num_hidden_layers, layers)
    student = encoders.init_student(teacher, copied).to(settings.device)
    head = encoders.load_mlm_head(teacher_folder)
    run = TrainingResult()
    if schedule.steps:
        freeze(student, recipe)
        encoders.set_dropout(student, dropout)
        student.train()
        batches = text.batches(SpecialIds.read(teacher_folder), settings.seed)
        sample = partial(sample_batches, batches, recipe.mlm_probability, SAMPLED_TOKENS, settings)
        variance = measure_variance(teacher.eval(), sample()) if recipe.normalise else None
        objective = distillation_objective(recipe, student, teacher, head, variance)
        held_out = packed_batches(batches.held_out(), recipe.mlm_probability)
        held_out_copied = measure_loss(student, objective, held_out, BATCHES, settings)
        if recipe.fit_layer_norm:
            fit_layer_norm(student, teacher, sample())
        if settings.device.type == "cuda":
            compile_layers(teacher)
            compile_layers(student)
        run = train_on_text(
            student,
            objective,
            batches,
            recipe.mlm_probability,
            schedule,
            settings,
            teacher=hash_file(Path(teacher_folder) / WEIGHTS),
            head=head and hash_file(Path(teacher_folder) / encoders.MLM_HEAD),
            student=[layers, vars(recipe), dropout],
            code=hash_code(sys.modules[__name__]),
        )
        if run.held_out_end["loss"] > held_out_copied["loss"]:
            log.warning(
                "%s: worse than the layers it was copied from: held-out loss %.4g at the end, %.4g as copied; train"
                " longer, lower the learning rate, or start from other layers",
                *(settings.name, run.held_out_end["loss"], held_out_copied["loss"]),
            )
        run = replace(
            run,
            flops=schedule.steps * text.tokens * _count_flops(recipe, student, teacher, text.sequence_length),
            held_out_copied=held_out_copied,
            teacher_variance={"hidden": variance["states"][-1], SENTENCE: variance["sentence"][-1]} if variance else {},
        )
    if parallel.rank() == 0:
        encoders.save_model(student, output, teacher_folder, head)
    return run


def _count_flops(recipe: Recipe, student: Encoder, teacher: Encoder, row: int) -> float:
    """FLOPs of a distillation step for each token, heads included; see `flops`."""
    shape = encoders.read_shape(student)
    layers = shape.distillation_step(teacher.config.num_hidden_layers, student.config.num_hidden_layers, row)
    if recipe.mlm_probability is None:
        return layers
    # two forward passes, and back through the student's head: to its input, and to its weights if these train
    return layers + (3 if recipe.freeze_embeddings else 4) * recipe.mlm_probability * shape.mlm_head_forward()
