"""Losses and recipes: what a student is asked to match, layer by layer, and how it is made from its teacher.

A part compares two layers: it is a function here, wrapped in `Part`. A loss is an entry of `LOSSES` that combines
parts, and a recipe weighs them. Only functions that need PyTorch import it, since the checks of a config read `LOSSES`.
Every error is computed in float32, as a sum over the rows at hand by a number of the whole batch: processes which share
the rows of a batch each compute their part of one mean.

A batch holds, beside what `encoder.to_tensors` says of it:
    real: (rows, tokens), False on padding.
    same_document: (rows, 1, tokens, tokens), True where both tokens are real and of the same document.
    real_tokens, pairs, documents, targets: in the whole batch, real tokens, pairs of them in one document, documents,
        and masked tokens where words are predicted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

Batch = Mapping[str, Any]

TEMPERATURE = 2.0
"""Of soft targets (DistilBERT, Sanh et al. 2019)."""


@dataclass(frozen=True)
class Layer:
    """One layer in an encoder's forward pass over a batch.

    Attributes:
        states: its output, (rows, tokens, hidden).
        relation: of two of its projections, each "query", "key" or "value", the scaled products before the softmax,
            (rows, heads, tokens, tokens); very low where a token is not looked at.
        words: what the masked-language-model head makes of the output at the masked tokens, (masked tokens,
            vocabulary), logits.
    """

    states: Tensor
    relation: Callable[[str, str], Tensor]
    words: Callable[[], Tensor]


@dataclass(frozen=True)
class Part:
    """A part of a loss.

    Attributes:
        error: of a student's layer against a teacher's.
        trains: the modules of the layer that the error reaches, as beginnings of their names; "" is all of them.
        variance: of which the error is a share under `Recipe.normalise`: "states", of a token's state in the teacher's
            layer; "sentence", of the mean of a document's top states; None: it is no error of states.
    """

    error: Callable[[Layer, Layer, Batch], Tensor]
    trains: tuple[str, ...] = ("",)
    variance: str | None = None


# --- the parts ------------------------------------------------------------------------------------------------


def hidden_states(student: Layer, teacher: Layer, batch: Batch) -> Tensor:
    """Mean squared error of hidden states (LightMBERT, Jiao et al. 2021; TinyBERT eq. 8, Jiao et al. 2020).

    L = 1 / (n d) sum over the n real tokens i and the d hidden units of (s_i - t_i)^2
    """
    squared = (student.states.float() - teacher.states.float()).square().mean(-1)
    return (squared * batch["real"]).sum() / batch["real_tokens"]


def document_means(states: Tensor, same_document: Tensor) -> Tensor:
    """Of every token the mean over its document, in float32 whatever precision the states are in.

    Args:
        states: (rows, tokens, hidden)
        same_document: as in a batch.

    Returns:
        (rows, tokens, hidden); 0 on padding.
    """
    import torch

    pairs = same_document[:, 0].float()
    with torch.autocast(states.device.type, enabled=False):
        return pairs @ states.float() / pairs.sum(-1, keepdim=True).clamp(min=1)


def sentence_vectors(student: Layer, teacher: Layer, batch: Batch) -> Tensor:
    """Mean squared error of sentence vectors, the means of a document's states (Reimers and Gurevych 2020).

    L = 1 / (m d) sum over the m documents D and the d hidden units of (mean of s_i - t_i over the tokens i of D)^2
    """
    first = batch["real"] & (batch["position"] == 0)
    difference = student.states.float() - teacher.states.float()
    squared = document_means(difference, batch["same_document"]).square().mean(-1)
    return (squared * first).sum() / batch["documents"]


def attention_maps(student: Layer, teacher: Layer, batch: Batch) -> Tensor:
    """Mean squared error of attention probabilities (LightMBERT, Jiao et al. 2021; cf. TinyBERT eq. 7).

    L = 1 / (h m) sum over the h heads and the m pairs of real tokens of one document of (S_ij - T_ij)^2

    The maps are those before dropout, rebuilt from query and key, as sdpa never returns them; this costs about a fifth
    of the layer's forward pass.
    """
    learned, taught = (layer.relation("query", "key").float().softmax(-1) for layer in (student, teacher))
    squared = (learned - taught).square().mean(1, keepdim=True)
    return (squared * batch["same_document"]).sum() / batch["pairs"]


def query_key_relations(student: Layer, teacher: Layer, batch: Batch) -> Tensor:
    """Divergence of attention probabilities from the teacher's (MiniLM eq. 4, Wang et al. 2020)."""
    return _divergence(student.relation("query", "key"), teacher.relation("query", "key"), batch)


def value_relations(student: Layer, teacher: Layer, batch: Batch) -> Tensor:
    """Divergence of relations between values from the teacher's (MiniLM eq. 6, Wang et al. 2020)."""
    return _divergence(student.relation("value", "value"), teacher.relation("value", "value"), batch)


def _divergence(student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
    """L = 1 / (h n) sum over the h heads and the n real tokens i of KL(T_i || S_i), T_i and S_i distributions over the
    tokens of i's document, given by scores (rows, heads, tokens, tokens) before the softmax."""
    expected = teacher.float().log_softmax(-1)
    divergence = expected.exp() * (expected - student.float().log_softmax(-1))
    return (divergence.mean(1, keepdim=True) * batch["same_document"]).sum() / batch["real_tokens"]


def soft_targets(student: Layer, teacher: Layer, batch: Batch) -> Tensor:
    """`softened_divergence` of predicted words from the teacher's (DistilBERT, Sanh et al. 2019)."""
    return softened_divergence(student.words(), teacher.words(), batch["targets"], TEMPERATURE)


def softened_divergence(student: Tensor, teacher: Tensor, targets: int, temperature: float) -> Tensor:
    """Divergence of predictions from the teacher's, both softened (Hinton et al. 2015).

    L = t^2 / n sum over the n targets i of KL(softmax(T_i / t) || softmax(S_i / t))

    Args:
        student: (targets, classes), logits: of masked tokens over the vocabulary, or of examples over the labels.
        teacher: the same shape.
        targets: in the whole batch, n.
        temperature: t; its square keeps gradients as large as those of gold labels, whatever it is.
    """
    from torch.nn.functional import kl_div

    learned, taught = ((logits.float() / temperature).log_softmax(-1) for logits in (student, teacher))
    return temperature**2 * kl_div(learned, taught, reduction="sum", log_target=True) / targets


def cosine(student: Layer, teacher: Layer, batch: Batch) -> Tensor:
    """One minus the cosine of hidden states (DistilBERT, Sanh et al. 2019).

    L = 1 / n sum over the n real tokens i of 1 - cos(s_i, t_i)
    """
    from torch.nn.functional import cosine_similarity

    similarity = cosine_similarity(student.states.float(), teacher.states.float(), dim=-1)
    return ((1 - similarity) * batch["real"]).sum() / batch["real_tokens"]


# --- the losses -----------------------------------------------------------------------------------------------


def match_layers(teacher_layers: int, student_layers: int) -> list[int]:
    """The teacher's layer that each of the student's layers is matched with, counted from 1: spread evenly, top to top.

    TinyBERT's uniform map (Jiao et al. 2020) where the depths divide: 12 to 4 gives 3, 6, 9, 12; elsewhere rounded up:
    5 to 3 gives 2, 4, 5.
    """
    return [-(-k * teacher_layers // student_layers) for k in range(1, student_layers + 1)]


def top_layers(teacher_layers: int, student_layers: int) -> list[tuple[int, int]]:
    """The top layers alone, (student's, teacher's)."""
    return [(student_layers, teacher_layers)]


def all_layers(teacher_layers: int, student_layers: int) -> list[tuple[int, int]]:
    """Every layer of the student, from 1 up, with the teacher's that it is matched with."""
    return list(enumerate(match_layers(teacher_layers, student_layers), start=1))


@dataclass(frozen=True)
class Loss:
    """What a recipe weighs.

    Attributes:
        parts: by the names that a recipe gives weights to.
        layers: the pairs of layers that are compared, of encoders of so many layers; a part is the mean over them.
        predicts_words: whether tokens are masked and predicted, for which the teacher needs its head.
    """

    parts: Mapping[str, Part]
    layers: Callable[[int, int], list[tuple[int, int]]] = top_layers
    predicts_words: bool = False


HIDDEN = Part(hidden_states, variance="states")
ATTENTION_MAPS = Part(attention_maps, trains=("attention.self.query.", "attention.self.key."))
QUERY_KEY = Part(query_key_relations, trains=("attention.self.query.", "attention.self.key."))
VALUE = Part(value_relations, trains=("attention.self.value.",))
SOFT_TARGETS = Part(soft_targets)
COSINE = Part(cosine)

LOSSES = {
    "toplayer": Loss({"hidden": HIDDEN, "attention": ATTENTION_MAPS}),  # LightMBERT (Jiao et al. 2021)
    "uniform": Loss({"hidden": HIDDEN, "attention": ATTENTION_MAPS}, layers=all_layers),  # TinyBERT (Jiao et al. 2020)
    "minilm": Loss({"attention": QUERY_KEY, "value": VALUE}),  # MiniLM (Wang et al. 2020)
    # DistilBERT (Sanh et al. 2019) without its hard labels
    "logits": Loss({"soft_targets": SOFT_TARGETS, "cosine": COSINE}, predicts_words=True),
}
"""By the names that `distillation.recipes` of the config picks."""
SENTENCE = "sentence"
"""A part that a recipe may add to any loss: the means of a document's top hidden states."""
SENTENCE_VECTORS = Part(sentence_vectors, variance="sentence")


# --- recipes --------------------------------------------------------------------------------------------------

LAYER_MODULES = (
    *(f"attention.self.{name}." for name in ("query", "key", "value")),
    "attention.output.",
    "intermediate.",
    "output.",
)
"""Of a transformer layer, as beginnings of the names of its parameters."""


class RecipeError(ValueError):
    """A recipe that no student can be made by: what was found, what was expected and what to do."""


def check_weights(loss: str, weights: Mapping[str, float], normalise: bool) -> None:
    """Refuses weights that are not those of a loss's parts, for a config and for a `Recipe` made by hand.

    Raises:
        RecipeError: the loss or a part is unknown, a part has no weight, a weight is below 0, all are 0, or there is no
            part to normalise.
    """
    if loss not in LOSSES:
        raise RecipeError(f"loss is {loss!r}, expected one of {', '.join(LOSSES)}; correct it")
    parts = LOSSES[loss].parts
    if set(weights) - {SENTENCE} != set(parts):
        raise RecipeError(
            f"weights names {', '.join(weights) or 'nothing'}, expected {' and '.join(parts)}, the parts of the loss"
            f" {loss}; name exactly these (0 leaves one out), and {SENTENCE} if wanted"
        )
    for name, weight in weights.items():
        if not 0 <= weight < math.inf:
            raise RecipeError(f"weights.{name} is {weight}, expected a finite number of at least 0; correct it")
    if not any(weights.values()):
        raise RecipeError("weights are all 0, expected one above 0; raise one, or a student has nothing to match")
    if normalise and not any(name == SENTENCE or parts[name].variance for name in weights):
        raise RecipeError(
            f"normalise is true, but no part of the loss {loss} can be divided by a variance; set it to false, or add"
            f" {SENTENCE} to the weights"
        )


@dataclass(frozen=True)
class Recipe:
    """What sets two students of one teacher apart, beside their depth and their seed.

    Attributes:
        loss: a key of `LOSSES`.
        weights: of all parts of the loss, and of `SENTENCE` if wanted; 0 leaves one out. A recipe without any can only
            copy.
        initialisation: "bottom" copies the teacher's bottom layers (LightMBERT, Jiao et al. 2021), "strided" every
            so many of them (as DistilBERT, Sanh et al. 2019), those of `match_layers`; a list names them.
        freeze_embeddings: whether the student keeps the teacher's embeddings unchanged.
        fit_layer_norm: whether the last LayerNorm of a student is fitted to the teacher's top states before it trains.
        normalise: whether errors of hidden states are divided by the teacher's variance: 1 is as good as a constant.
        mlm_probability: share of the tokens hidden from both where the loss predicts them; None elsewhere.

    Raises:
        RecipeError: see `check_weights`.
    """

    loss: str
    weights: Mapping[str, float]
    initialisation: str | list[int] = "bottom"
    freeze_embeddings: bool = True
    fit_layer_norm: bool = False
    normalise: bool = False
    mlm_probability: float | None = None

    def __post_init__(self) -> None:
        if self.weights:
            check_weights(self.loss, self.weights, self.normalise)

    @property
    def parts(self) -> dict[str, Part]:
        """The parts of the loss that count."""
        known = {**LOSSES[self.loss].parts, SENTENCE: SENTENCE_VECTORS}
        return {name: part for name, part in known.items() if self.weights.get(name, 0) > 0}

    def layers_to_copy(self, teacher_layers: int, student_layers: int) -> list[int]:
        """Which of the teacher's layers a student starts from, counted from 1.

        Raises:
            RecipeError: the student is not the smaller one, or `initialisation` names other than so many rising layers.
        """
        if not 1 <= student_layers < teacher_layers:
            raise RecipeError(
                f"the student has {student_layers} layers, expected 1 to {teacher_layers - 1}, as the teacher has"
                f" {teacher_layers}; correct it"
            )
        start = self.initialisation
        if start == "bottom":
            return list(range(1, student_layers + 1))
        if start == "strided":
            return match_layers(teacher_layers, student_layers)
        layers = [] if isinstance(start, str) else sorted(set(start) & set(range(1, teacher_layers + 1)))
        if len(layers) != student_layers or layers != list(start):
            raise RecipeError(
                f"initialisation is {start!r}, expected 'bottom', 'strided' or {student_layers} rising numbers from 1"
                f" to {teacher_layers}, one for each layer of the student; correct it"
            )
        return layers

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
