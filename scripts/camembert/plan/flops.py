"""Floating-point operations of a BERT encoder, counted from its shape: two for each weight a token is multiplied by.

It is pure arithmetic: plans and tables import it. Embeddings, layer norms, softmax and biases are left out; a
backward pass costs two forward passes (Kaplan et al. 2020, section 2.1). A test holds these formulas against the
operations that PyTorch counts.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """What an encoder's cost per layer depends on: width, feed-forward width, vocabulary."""

    hidden: int
    intermediate: int
    vocabulary: int

    def layer_forward(self, tokens: int) -> float:
        """FLOPs per token of one layer's forward pass.

        Each token is multiplied by four h x h and two h x f matrices, and compared with the other tokens of its
        row twice (scores, and their weighted sum of values).

        Args:
            tokens: tokens a row.
        """
        return 2 * (4 * self.hidden**2 + 2 * self.hidden * self.intermediate) + 4 * tokens * self.hidden

    def mlm_head_forward(self) -> float:
        """FLOPs of the masked-language-model head for one token: an h x h and an h x V matrix."""
        return 2 * (self.hidden**2 + self.hidden * self.vocabulary)

    def mlm_head_passes(self, tokens: int, mask: float) -> float:
        """Forward cost of the masked-language-model head per token, in forward passes of one layer.

        Args:
            tokens: tokens a row.
            mask: share of the tokens to be predicted; the head runs on no others.
        """
        return mask * self.mlm_head_forward() / self.layer_forward(tokens)

    def encoder_forward(self, layers: int, tokens: int) -> float:
        """FLOPs per token of an encoder's forward pass, without pooler and heads."""
        return layers * self.layer_forward(tokens)

    def distillation_step(self, teacher_layers: int, student_layers: int, tokens: int) -> float:
        """FLOPs per token of a distillation step: the teacher forward, the student forward and backward."""
        return (teacher_layers + 3 * student_layers) * self.layer_forward(tokens)

    def pretraining_step(self, layers: int, tokens: int, mask: float) -> float:
        """FLOPs per token of a step of masked language modelling: encoder and head, forward and backward."""
        return 3 * (layers + self.mlm_head_passes(tokens, mask)) * self.layer_forward(tokens)
