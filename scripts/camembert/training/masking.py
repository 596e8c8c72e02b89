"""Masking tokens of packed rows, to be predicted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from camembert.models import encoder as encoders
from camembert.tokens.packing import ALL_ROWS, PackedRows, SpecialIds, TextBatches

IGNORED = -100


def masked_a_row(share: float, tokens: int) -> int:
    """How many tokens of a row are masked, so that the cost of a step is known; fewer where a row has fewer words."""
    return max(1, round(share * tokens))


def masking_noise(rng: np.random.Generator, rows: int, tokens: int) -> np.ndarray:
    """The uniform numbers that masking a batch takes: (3, rows, tokens), for the order, the fate and the new token."""
    return rng.random((3, rows, tokens))


def mask_tokens(
    rows: PackedRows, special: SpecialIds, share: float, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Masks tokens: 80 % become the mask token, 10 % another token, 10 % stay (Devlin et al. 2019).

    As many are masked in every row: a share of its length, chosen among its text (never the special tokens of packing,
    or padding).

    Args:
        rows: some rows of a batch.
        special: ids of special tokens.
        share: of the sequence length.
        noise: of `masking_noise`, that of these rows.

    Returns:
        Inputs and targets, (rows, tokens) each; the target is -100 where nothing is to be predicted.
    """
    assert special.mask is not None, "a tokenizer without a mask token is refused where one is needed"
    order, fate, replacement = noise
    count = masked_a_row(share, rows.token.shape[1])
    candidates = rows.text
    first = np.where(candidates, order, 2.0).argpartition(count - 1, axis=1)[:, :count]
    chosen = np.zeros_like(candidates)
    np.put_along_axis(chosen, first, True, axis=1)
    chosen &= candidates
    inputs = np.where(chosen & (fate < 0.8), special.mask, rows.token)
    swapped = chosen & (fate >= 0.8) & (fate < 0.9)
    inputs[swapped] = (replacement[swapped] * special.vocabulary).astype(np.int64)
    return inputs, np.where(chosen, rows.token, IGNORED)


def places_of(target: np.ndarray) -> torch.Tensor:
    """Where in the flattened rows the masked tokens are, found on the CPU: a GPU that looks for them makes it wait."""
    return torch.from_numpy(np.flatnonzero(target != IGNORED))


def at_masked(values: Tensor, batch: Mapping[str, Any]) -> Tensor:
    """Of values at every token of a batch, (rows, tokens, ...), those at the masked tokens, (masked tokens, ...)."""
    return values.flatten(0, 1).index_select(0, batch["masked"])


def documents_of(rows: PackedRows) -> dict[str, Tensor]:
    """The documents of packed rows, numbered from 0 row by row, and their words (tokens of the text, as they are).

    Returns:
        first, (documents,), the places of their [CLS] in the flattened rows; word, (words,), token ids; word_document,
        (words,), the number of the document each is of.
    """
    starts = (rows.real & (rows.position == 0)).ravel()
    text = rows.text.ravel()
    found = {
        "first": np.flatnonzero(starts),
        "word": rows.token.ravel()[text],
        "word_document": (starts.cumsum() - 1)[text],
    }
    return {name: torch.from_numpy(array) for name, array in found.items()}


def masked_batch(batches: TextBatches, share: float, own: slice = ALL_ROWS) -> Callable[[int], dict[str, Any]]:
    """The batch of a step: packed rows with tokens masked, all of them or those that a process takes.

    Beside `tensors_of`, a batch holds target, (rows, tokens), -100 where nothing is predicted; masked, the places of
    its masked tokens in the flattened rows; targets, their number in the whole batch. And what `documents_of` says of
    its documents; words, the number of their words in the whole batch.
    """

    def batch_of(step: int) -> dict[str, Any]:
        rng = batches.rng(step)
        layout = batches.layout(rng)
        noise = masking_noise(rng, *layout.shape)[:, own]
        rows = batches.rows_of(layout, own)
        inputs, targets = mask_tokens(rows, batches.special, share, noise)
        tensors = {"token": torch.from_numpy(inputs), "target": torch.from_numpy(targets), "masked": places_of(targets)}
        count = np.minimum(layout.text_tokens, masked_a_row(share, batches.tokens)).sum()  # of the whole batch
        numbers = {"targets": int(count), "words": int(layout.text_tokens.sum())}
        return encoders.tensors_of(rows) | tensors | documents_of(rows) | numbers

    return batch_of
