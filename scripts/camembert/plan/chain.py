"""Chains: how an encoder came to be, written as a short string, and what it costs to train and to run.

``12`` is the teacher, ``12-6`` its six-layer student, ``12-10-8-6`` the last student of a cascade through
two teacher assistants. A hop is ``K`` (layers) or ``KxB`` (layers, with B times the normal budget of
optimiser steps): ``12-6x0`` is the bottom six layers copied and never trained. A chain that starts with
``0`` has no teacher: ``0-6`` is six layers of random weights, ``0-6x2`` the same pre-trained by masked
language modelling for two normal budgets.

The modules of this package are pure: the Snakefile imports them, so they import nothing heavy.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

HOP_PATTERN = r"[1-9]\d*(?:x\d+(?:\.\d+)?)?"
CHAIN_PATTERN = rf"(?:0|[1-9]\d*)(?:-{HOP_PATTERN})*"


class ChainError(ValueError):
    """A chain that cannot be built, with the reason and a way out."""


class Method(StrEnum):
    """What a chain stands for in a comparison; one method has one colour in every figure."""

    TEACHER = "teacher"
    RANDOM = "random weights"
    SCRATCH = "pre-trained from scratch"
    COPIED = "copied layers"
    DIRECT = "direct"
    DIRECT_LONGER = "direct, longer"
    ASSISTANT = "teacher assistant"
    CASCADE = "cascade"


@dataclass(frozen=True)
class Hop:
    """One step of a chain: the layers it leads to and its budget in multiples of the normal one."""

    layers: int
    budget: float


@dataclass(frozen=True)
class Chain:
    """A parsed chain: the layers of its root (0 where there is no teacher) and its hops."""

    root: int
    hops: tuple[Hop, ...]

    def __str__(self) -> str:
        budgets = [
            "" if hop.budget == _implied_budget(self.root, i) else f"x{hop.budget:g}" for i, hop in enumerate(self.hops)
        ]
        return "-".join([str(self.root), *(f"{hop.layers}{x}" for hop, x in zip(self.hops, budgets, strict=True))])

    @property
    def layers(self) -> int:
        """Layers of the encoder at the end of the chain."""
        return self.hops[-1].layers if self.hops else self.root

    @property
    def parent(self) -> Chain | None:
        """The chain without its last hop: this encoder's teacher. None for a root and for ``0-K``."""
        if not self.hops or (self.root == 0 and len(self.hops) == 1):
            return None
        return Chain(self.root, self.hops[:-1])

    @property
    def ancestry(self) -> list[Chain]:
        """This chain and all its teachers, the root first."""
        return [*(self.parent.ancestry if self.parent else []), self]

    @property
    def budget(self) -> float:
        """Budget of the last hop; a root has none."""
        return self.hops[-1].budget if self.hops else 0.0

    @property
    def is_teacher(self) -> bool:
        """Whether this is the teacher itself."""
        return self.root > 0 and not self.hops

    @property
    def is_pretrained_from_scratch(self) -> bool:
        """Whether the last step is masked language modelling from random weights."""
        return self.root == 0 and len(self.hops) == 1 and self.budget > 0

    @property
    def is_distilled(self) -> bool:
        """Whether any hop of the chain was trained towards a teacher."""
        return any(link.parent is not None and link.budget > 0 for link in self.ancestry)

    @property
    def depends_on_run(self) -> bool:
        """Whether every run has an encoder of its own; the teacher and layers copied from it exist once."""
        return self.root == 0 or any(link.budget > 0 for link in self.ancestry)


def _implied_budget(root: int, hop: int) -> float:
    """The budget of a hop that names none: a normal one; none at all for random weights."""
    return 0.0 if root == 0 and hop == 0 else 1.0


def parse_chain(text: str | int) -> Chain:
    """Reads a chain; YAML reads that of a teacher, without quotes, as a number.

    Raises:
        ChainError: malformed, or it grows, repeats a layer count or has a negative or unprintable budget.
    """
    text = str(text)
    if not re.fullmatch(CHAIN_PATTERN, text):
        raise ChainError(
            f"chain {text!r} is not written as layer counts joined by '-', such as 6-4-2 or 6-2x3.4"
            " (a budget is a number of at least 0)"
        )
    root, *rest = text.split("-")
    hops = []
    for i, part in enumerate(rest):
        layers, _, budget = part.partition("x")
        if budget and not re.fullmatch(HOP_PATTERN, f"1x{float(budget):g}"):
            raise ChainError(f"chain {text!r} has the budget {budget}; write one between 0.0001 and 999999")
        hops.append(Hop(int(layers), float(budget) if budget else _implied_budget(int(root), i)))
    chain = Chain(int(root), tuple(hops))
    if chain.root == 0 and not hops:
        raise ChainError("chain '0' has no layers; write 0-K for K layers of random weights")
    for above, below in pairwise([*([chain.root] if chain.root else []), *(hop.layers for hop in hops)]):
        if below == above:
            raise ChainError(f"chain {text!r} repeats {above} layers; every hop must be smaller than the one before")
        if below > above:
            raise ChainError(
                f"chain {text!r} grows from {above} to {below} layers; a student must be smaller than its teacher"
            )
    return chain


def check_against_teacher(chain: Chain, teacher_layers: int) -> None:
    """Refuses a chain that starts neither at the teacher's depth nor at 0.

    Raises:
        ChainError: with the depth that was expected.
    """
    if chain.root not in (0, teacher_layers):
        raise ChainError(
            f"chain '{chain}' starts with {chain.root}, but the teacher has {teacher_layers} layers;"
            f" start with {teacher_layers}, or with 0 for random weights"
        )


def classify(chain: Chain, chains: Collection[Chain]) -> Method:
    """Finds what a chain stands for, given the chains of the experiment (their inner links are assistants)."""
    if chain.is_teacher:
        return Method.TEACHER
    if chain.root == 0 and len(chain.hops) == 1:
        return Method.SCRATCH if chain.budget else Method.RANDOM
    if not chain.is_distilled:
        return Method.COPIED
    if any(chain in cascade.ancestry[:-1] for cascade in chains):
        return Method.ASSISTANT
    if len(chain.hops) > 1:
        return Method.CASCADE
    return Method.DIRECT_LONGER if chain.budget > 1 else Method.DIRECT


# --- what it costs ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """What floating-point operations (FLOPs) are counted from: width, feed-forward width, vocabulary.

    Two are counted for each weight a token is multiplied by; embeddings, layer norms, softmax and biases are left out,
    and a backward pass costs two forward passes (Kaplan et al. 2020, section 2.1). All are per token.
    """

    hidden: int
    intermediate: int
    vocabulary: int

    def layer_forward(self, tokens: int) -> float:
        """FLOPs of one layer's forward pass over rows of so many tokens.

        A token is multiplied by four h x h and two h x f matrices, and compared with the other tokens of its row twice
        (scores, and their weighted sum of values).
        """
        return 2 * (4 * self.hidden**2 + 2 * self.hidden * self.intermediate) + 4 * tokens * self.hidden

    def mlm_head_forward(self) -> float:
        """FLOPs of the masked-language-model head for one token: an h x h and an h x V matrix."""
        return 2 * (self.hidden**2 + self.hidden * self.vocabulary)

    def mlm_head_passes(self, tokens: int, mask: float) -> float:
        """Forward cost of that head in forward passes of one layer; it runs on the share `mask` of the tokens alone."""
        return mask * self.mlm_head_forward() / self.layer_forward(tokens)

    def encoder_forward(self, layers: int, tokens: int) -> float:
        """FLOPs of an encoder's forward pass, without pooler and heads."""
        return layers * self.layer_forward(tokens)

    def distillation_step(self, teacher_layers: int, student_layers: int, tokens: int) -> float:
        """FLOPs of a distillation step: the teacher forward, the student forward and backward."""
        return (teacher_layers + 3 * student_layers) * self.layer_forward(tokens)

    def pretraining_step(self, layers: int, tokens: int, mask: float) -> float:
        """FLOPs of a step of masked language modelling: encoder and head, forward and backward."""
        return 3 * (layers + self.mlm_head_passes(tokens, mask)) * self.layer_forward(tokens)


def count_layer_passes(chain: Chain) -> float:
    """Training compute of a chain's distillation hops, in forward passes of one layer per token of a normal budget.

    A hop costs one forward pass of its T teacher layers and a forward and a backward pass (three forward
    passes) of its S student layers: B (T + 3S).
    """
    return sum(
        link.budget * (link.parent.layers + 3 * link.layers) for link in chain.ancestry if link.parent is not None
    )


def match_direct(cascade: Chain) -> Chain:
    """The direct student given a cascade's training compute: ``12-10-8-6`` becomes ``12-6x3.4``."""
    return _match(cascade, cascade.root, cascade.root + 3 * cascade.layers)


def match_scratch(cascade: Chain, head_passes: float) -> Chain:
    """Random weights pre-trained for a cascade's training compute: ``12-10-8-6`` becomes ``0-6xB``.

    Distillation never runs the masked-language-model head, pre-training pays for it: `Shape.mlm_head_passes`.
    """
    return _match(cascade, 0, 3 * (cascade.layers + head_passes))


def _match(cascade: Chain, root: int, passes: float) -> Chain:
    """The chain of one hop whose normal budget costs so many passes; three digits keep its name readable."""
    return Chain(root, (Hop(cascade.layers, float(f"{count_layer_passes(cascade) / passes:.3g}")),))
