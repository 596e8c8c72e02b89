"""What a student is asked to match. Every loss is computed in float32, as a sum over real tokens by their number.

The number is an argument, so that processes which share the rows of a batch each compute their part of one mean.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

TEMPERATURE = 2.0
"""Of soft targets (DistilBERT, Sanh et al. 2019)."""


def hidden_state_loss(student: Tensor, teacher: Tensor, real: Tensor, tokens: int) -> Tensor:
    """Mean squared error of hidden states (LightMBERT, Jiao et al. 2021; TinyBERT eq. 8, Jiao et al. 2020).

    L = 1 / (n d) sum over the n real tokens i and the d hidden units of (s_i - t_i)^2

    Args:
        student: (rows, tokens, hidden)
        teacher: (rows, tokens, hidden)
        real: (rows, tokens), False on padding.
        tokens: real tokens in the whole batch, n.
    """
    squared = (student.float() - teacher.float()).square().mean(-1)
    return (squared * real).sum() / tokens


def document_means(states: Tensor, same_document: Tensor) -> Tensor:
    """Of every token the mean over its document, in float32 whatever precision the states are in.

    Args:
        states: (rows, tokens, hidden)
        same_document: (rows, 1, tokens, tokens), True where both tokens are real and of the same document.

    Returns:
        (rows, tokens, hidden); 0 on padding.
    """
    pairs = same_document[:, 0].float()
    with torch.autocast(states.device.type, enabled=False):
        return pairs @ states.float() / pairs.sum(-1, keepdim=True).clamp(min=1)


def sentence_loss(student: Tensor, teacher: Tensor, same_document: Tensor, first: Tensor, documents: int) -> Tensor:
    """Mean squared error of sentence vectors, the means of a document's states (Reimers and Gurevych 2020).

    L = 1 / (m d) sum over the m documents D and the d hidden units of (mean of s_i - t_i over the tokens i of D)^2

    Args:
        student: (rows, tokens, hidden)
        teacher: (rows, tokens, hidden)
        same_document: (rows, 1, tokens, tokens), True where both tokens are real and of the same document.
        first: (rows, tokens), True on the first token of every document.
        documents: in the whole batch, m.
    """
    squared = document_means(student.float() - teacher.float(), same_document).square().mean(-1)
    return (squared * first).sum() / documents


def attention_map_loss(student: Tensor, teacher: Tensor, pairs: Tensor, count: int) -> Tensor:
    """Mean squared error of attention probabilities (LightMBERT, Jiao et al. 2021; cf. TinyBERT eq. 7).

    L = 1 / (h m) sum over the h heads and the m pairs of real tokens of one document of (S_ij - T_ij)^2

    Args:
        student: (rows, heads, tokens, tokens), rows sum to 1.
        teacher: the same shape.
        pairs: (rows, 1, tokens, tokens), True where both tokens are real and of the same document.
        count: such pairs in the whole batch, m.
    """
    squared = (student.float() - teacher.float()).square().mean(1, keepdim=True)
    return (squared * pairs).sum() / count


def relation_loss(student: Tensor, teacher: Tensor, pairs: Tensor, tokens: int) -> Tensor:
    """Divergence of the student's relations between tokens from the teacher's (MiniLM eq. 4 and 6, Wang et al. 2020).

    L = 1 / (h n) sum over the h heads and the n real tokens i of KL(T_i || S_i), T_i and S_i distributions over the
    tokens of i's document

    Args:
        student: (rows, heads, tokens, tokens), scores before the softmax; very low where a token is not looked at.
        teacher: the same shape.
        pairs: (rows, 1, tokens, tokens), True where both tokens are real and of the same document.
        tokens: real tokens in the whole batch, n.
    """
    expected = teacher.float().log_softmax(-1)
    divergence = expected.exp() * (expected - student.float().log_softmax(-1))
    return (divergence.mean(1, keepdim=True) * pairs).sum() / tokens


def soft_target_loss(student: Tensor, teacher: Tensor, targets: int, temperature: float = TEMPERATURE) -> Tensor:
    """Divergence of predictions from the teacher's, both softened (Hinton et al. 2015; DistilBERT, Sanh et al. 2019).

    L = t^2 / n sum over the n targets i of KL(softmax(T_i / t) || softmax(S_i / t))

    Args:
        student: (targets, classes), logits: of masked tokens over the vocabulary, or of examples over the labels.
        teacher: the same shape.
        targets: in the whole batch, n.
        temperature: t; its square keeps gradients as large as those of gold labels, whatever it is.
    """
    log_student, log_teacher = ((logits.float() / temperature).log_softmax(-1) for logits in (student, teacher))
    divergence = functional.kl_div(log_student, log_teacher, reduction="sum", log_target=True)
    return temperature**2 * divergence / targets


def cosine_loss(student: Tensor, teacher: Tensor, real: Tensor, tokens: int) -> Tensor:
    """One minus the cosine of hidden states (DistilBERT, Sanh et al. 2019).

    L = 1 / n sum over the n real tokens i of 1 - cos(s_i, t_i)

    Args:
        student: (rows, tokens, hidden)
        teacher: (rows, tokens, hidden)
        real: (rows, tokens), False on padding.
        tokens: real tokens in the whole batch, n.
    """
    cosine = functional.cosine_similarity(student.float(), teacher.float(), dim=-1)
    return ((1 - cosine) * real).sum() / tokens
