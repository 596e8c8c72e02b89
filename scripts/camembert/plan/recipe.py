"""Recipes: how a student is made from its teacher and what it is asked to match.

It is pure: the Snakefile and the config's checks import it. The losses themselves are in `losses`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

Loss = Literal["toplayer", "uniform", "minilm", "logits"]
PARTS: dict[Loss, tuple[str, ...]] = {
    "toplayer": ("hidden", "attention"),
    "uniform": ("hidden", "attention"),
    "minilm": ("attention", "value"),
    "logits": ("soft_targets", "cosine"),
}
"""The parts of every loss; a recipe gives each a weight."""
SENTENCE = "sentence"
"""A part that a recipe may add to any loss: the means of a document's top hidden states."""


@dataclass(frozen=True)
class Recipe:
    """What sets two students of one teacher apart, beside their depth and their seed.

    Attributes:
        loss: a key of `PARTS`.
        weights: of the parts of the loss.
        initialisation: "bottom" copies the teacher's bottom layers (LightMBERT, Jiao et al. 2021), "strided" every
            so many of them (as DistilBERT, Sanh et al. 2019), those of `matched_layers`; a list names them.
        freeze_embeddings: whether the student keeps the teacher's embeddings unchanged.
        fit_layer_norm: whether the last LayerNorm of a student is fitted to the teacher's top states before it trains.
        normalise: whether errors of hidden states are divided by the teacher's variance: 1 is as good as a constant.
        mask: share of the tokens hidden from both where the loss predicts them; None elsewhere.
    """

    loss: str
    weights: Mapping[str, float]
    initialisation: str | list[int] = "bottom"
    freeze_embeddings: bool = True
    fit_layer_norm: bool = False
    normalise: bool = False
    mask: float | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """The recipe of an entry of the config's `distillation.recipes`."""
        return cls(**settings)

    def asks_for(self, part: str) -> bool:
        """Whether a part of the loss counts."""
        return self.weights.get(part, 0) > 0

    def layers_to_copy(self, teacher_layers: int, student_layers: int) -> list[int]:
        """Which of the teacher's layers a student starts from, counted from 1."""
        if not isinstance(self.initialisation, str):
            return list(self.initialisation)
        if self.initialisation == "strided":
            return matched_layers(teacher_layers, student_layers)
        return list(range(1, student_layers + 1))

    def untrained(self, layers: int) -> list[str]:
        """Which of a student's parameters this recipe does not train, as beginnings of their names.

        No loss of an encoder reaches the pooler. By symmetry of the softmax, key biases have no gradient. Of the top
        layer, a loss on attention reaches query and key alone, one on values the value alone.
        """
        names = ["pooler."]
        if self.freeze_embeddings:
            names.append("embeddings.")
        names += [f"encoder.layer.{i}.attention.self.key.bias" for i in range(layers)]
        top = f"encoder.layer.{layers - 1}."
        if not any(map(self.asks_for, ("hidden", SENTENCE, "soft_targets", "cosine"))):
            names += [f"{top}attention.output.", f"{top}intermediate.", f"{top}output."]
            if not self.asks_for("value"):
                names.append(f"{top}attention.self.value.")
            if not self.asks_for("attention"):
                names += [f"{top}attention.self.query.", f"{top}attention.self.key."]
        return names


COPY = Recipe("toplayer", {})
"""Of a student whose layers are copied and not distilled."""


def matched_layers(teacher_layers: int, student_layers: int) -> list[int]:
    """The teacher's layer that each of the student's layers is matched with, counted from 1: spread evenly, top to top.

    TinyBERT's uniform map (Jiao et al. 2020) where the depths divide: 12 to 4 gives 3, 6, 9, 12; elsewhere rounded up:
    5 to 3 gives 2, 4, 5.
    """
    return [-(-k * teacher_layers // student_layers) for k in range(1, student_layers + 1)]
