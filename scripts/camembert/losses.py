"""What a student is asked to match. Every loss is a mean over real tokens only, computed in float32."""

from __future__ import annotations

from torch import Tensor


def hidden_state_loss(student: Tensor, teacher: Tensor, real: Tensor) -> Tensor:
    """Mean squared error of hidden states (LightMBERT, Jiao et al. 2021; TinyBERT eq. 8, Jiao et al. 2020).

    L = 1 / (n d) sum over the n real tokens i and the d hidden units of (s_i - t_i)^2

    Args:
        student: (rows, tokens, hidden)
        teacher: (rows, tokens, hidden)
        real: (rows, tokens), False on padding.
    """
    squared = (student.float() - teacher.float()).square().mean(-1)
    return (squared * real).sum() / real.sum()


def attention_map_loss(student: Tensor, teacher: Tensor, pairs: Tensor) -> Tensor:
    """Mean squared error of attention probabilities (LightMBERT, Jiao et al. 2021; cf. TinyBERT eq. 7).

    L = 1 / (h m) sum over the h heads and the m pairs of real tokens of one document of (S_ij - T_ij)^2

    Args:
        student: (rows, heads, tokens, tokens), rows sum to 1.
        teacher: the same shape.
        pairs: (rows, 1, tokens, tokens), True where both tokens are real and of the same document.
    """
    squared = (student.float() - teacher.float()).square().mean(1, keepdim=True)
    return (squared * pairs).sum() / pairs.sum()
