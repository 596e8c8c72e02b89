"""What is measured of teacher and student on a little training text before a student trains: variance and offset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from camembert.models import encoder as encoders
from camembert.models.architectures import Encoder
from camembert.plan.losses import document_means
from camembert.runtime import parallel
from camembert.training.loop import Batch

TOKENS = 8192
"""Read for a measurement, at least."""


@dataclass(frozen=True)
class Variance:
    """Of a teacher's states about their mean, averaged over the hidden units: the error of the best constant.

    Attributes:
        layers: of a token's state, by layer; 0 is the embeddings.
        sentence: of the mean of a document's top states.
    """

    layers: list[float]
    sentence: float

    def of(self, kind: str, layer: int) -> float:
        """The one that a part of a loss names: of a layer's "states", or "sentence"."""
        return self.layers[layer] if kind == "states" else self.sentence


def teacher_variance(teacher: Encoder, batches: Iterable[Batch]) -> Variance:
    """Measures the variance of a teacher's states.

    Args:
        teacher: in eval mode.
        batches: this process's rows of some batches, on the teacher's device.
    """
    layers = [_Moments() for _ in range(teacher.config.num_hidden_layers + 1)]
    sentence = _Moments()
    for batch in batches:
        states, real = _states(teacher, batch), batch["document"] >= 0
        for moments, output in zip(layers, states, strict=True):
            moments.add(output[real])
        same = encoders.same_document(batch["document"]) & real[:, None, :, None]
        sentence.add(document_means(states[-1], same)[real & (batch["position"] == 0)])
    return Variance([moments.variance() for moments in layers], sentence.variance())


def fit_layer_norm(student: Encoder, teacher: Encoder, batches: Iterable[Batch]) -> None:
    """Fits scale and shift of a student's last LayerNorm to its teacher's top states, unit by unit, by least squares.

    With t ~ a s + b, a = cov(s, t) / var(s) and b = mean(t) - a mean(s), of the top states s and t of a hidden unit, a
    scale g becomes a g and a shift c becomes a c + b. So layers copied from the middle of a teacher start no worse than
    the constant mean(t).

    Args:
        student: its last LayerNorm is changed.
        teacher: in eval mode.
        batches: this process's rows of some batches, on the encoders' device.
    """
    was_training = student.training
    student.eval()
    s, t, both = _Moments(), _Moments(), _Moments()
    for batch in batches:
        real = batch["document"] >= 0
        learned, taught = (_states(encoder, batch)[-1][real].double() for encoder in (student, teacher))
        for moments, values in ((s, learned), (t, taught), (both, learned * taught)):
            moments.add(values)
    student.train(was_training)
    mean_s, square_s, mean_t, product = s.mean, s.square, t.mean, both.mean
    scale = (product - mean_s * mean_t) / (square_s - mean_s**2).clamp(min=torch.finfo(torch.float32).tiny)
    norm = student.encoder.layer[-1].output.LayerNorm
    with torch.no_grad():
        norm.weight.copy_(scale * norm.weight)
        norm.bias.copy_(scale * norm.bias + mean_t - scale * mean_s)


def _states(encoder: Encoder, batch: Batch) -> list[Tensor]:
    with torch.no_grad():
        embedded = encoders.embed(encoder, batch["token"], batch["segment"], batch["position"])
        return encoders.run_layers(encoder, embedded, encoders.attention_mask(batch))


class _Moments:
    """Sums of values, (values, hidden), and of their squares, over all batches and processes."""

    def __init__(self) -> None:
        self.sums: list[Tensor] | None = None

    def add(self, values: Tensor) -> None:
        values = values.double()
        new = [values.sum(0), values.square().sum(0), values.new_tensor(len(values))]
        parallel.all_reduce_sum(new)
        self.sums = new if self.sums is None else [a + b for a, b in zip(self.sums, new, strict=True)]

    @property
    def mean(self) -> Tensor:
        assert self.sums
        return self.sums[0] / self.sums[2]

    @property
    def square(self) -> Tensor:
        """The mean of the squares."""
        assert self.sums
        return self.sums[1] / self.sums[2]

    def variance(self) -> float:
        """About the mean, averaged over the hidden units."""
        return float((self.square - self.mean**2).mean())
