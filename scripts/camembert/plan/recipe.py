"""Recipes: how a student is made from its teacher and what it is asked to match.

It is pure: the Snakefile and the config's checks import it. What its losses are is in `losses`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from camembert.plan.losses import LOSSES, SENTENCE, SENTENCE_VECTORS, Part, matched_layers

LAYER_MODULES = (
    *(f"attention.self.{name}." for name in ("query", "key", "value")),
    "attention.output.",
    "intermediate.",
    "output.",
)
"""Of a transformer layer, as beginnings of the names of its parameters."""


@dataclass(frozen=True)
class Recipe:
    """What sets two students of one teacher apart, beside their depth and their seed.

    Attributes:
        loss: a key of `LOSSES`.
        weights: of the parts of the loss; 0 leaves one out.
        initialisation: "bottom" copies the teacher's bottom layers (LightMBERT, Jiao et al. 2021), "strided" every
            so many of them (as DistilBERT, Sanh et al. 2019), those of `matched_layers`; a list names them.
        freeze_embeddings: whether the student keeps the teacher's embeddings unchanged.
        fit_layer_norm: whether the last LayerNorm of a student is fitted to the teacher's top states before it trains.
        normalise: whether errors of hidden states are divided by the teacher's variance: 1 is as good as a constant.
        mlm_probability: share of the tokens hidden from both where the loss predicts them; None elsewhere.
    """

    loss: str
    weights: Mapping[str, float]
    initialisation: str | list[int] = "bottom"
    freeze_embeddings: bool = True
    fit_layer_norm: bool = False
    normalise: bool = False
    mlm_probability: float | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """The recipe of an entry of the config's `distillation.recipes`."""
        return cls(**settings)

    @property
    def parts(self) -> dict[str, Part]:
        """The parts of the loss that count."""
        known = {**LOSSES[self.loss].parts, SENTENCE: SENTENCE_VECTORS}
        return {name: part for name, part in known.items() if self.weights.get(name, 0) > 0}

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
        layer, parts of a loss may reach some modules alone.
        """
        names = ["pooler."]
        if self.freeze_embeddings:
            names.append("embeddings.")
        names += [f"encoder.layer.{i}.attention.self.key.bias" for i in range(layers)]
        reached = tuple(module for part in self.parts.values() for module in part.trains)
        names += [f"encoder.layer.{layers - 1}.{name}" for name in LAYER_MODULES if not name.startswith(reached)]
        return names


COPY = Recipe("toplayer", {})
"""Of a student whose layers are copied and not distilled."""
