"""Sentences as vectors: pooled hidden states of an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer

from camembert.evaluation.classification import batches_by_length
from camembert.tokens.tokenizer import truncating

if TYPE_CHECKING:
    from torch import Tensor

    from camembert.models.encoder import Encoder

TOKENIZED_AT_ONCE = 1024


def embed_sentences(
    encoder: Encoder,
    tokenizer: Tokenizer,
    sentences: Sequence[str],
    layers: Sequence[int],
    poolings: Sequence[str],
    batch_tokens: int,
) -> np.ndarray:
    """Tokenises sentences, cut to the encoder's longest input, and embeds them; see `embed_tokens`."""
    from camembert.models.encoder import find_longest_input

    ids: list[list[int]] = []
    with truncating(tokenizer, find_longest_input(encoder)):
        for start in range(0, len(sentences), TOKENIZED_AT_ONCE):
            ids += [each.ids for each in tokenizer.encode_batch(list(sentences[start : start + TOKENIZED_AT_ONCE]))]
    return embed_tokens(encoder, ids, layers, poolings, batch_tokens)


def embed_tokens(
    encoder: Encoder,
    ids: Sequence[Sequence[int]],
    layers: Sequence[int],
    poolings: Sequence[str],
    batch_tokens: int,
) -> np.ndarray:
    """Runs an encoder once over tokenised sentences and pools the states of some of its layers in several ways.

    Args:
        encoder: runs where its weights are, in eval mode and in float32.
        ids: of each sentence, special tokens included.
        layers: counted from 1; 0 is the embeddings.
        poolings: "mean" of a sentence's tokens, [CLS] and [SEP] among them as in XTREME, or "cls", the state of [CLS].
        batch_tokens: tokens a batch, padding included.

    Returns:
        (poolings, layers, sentences, hidden) float32, in the order of each.
    """
    import torch
    from torch.nn.utils.rnn import pad_sequence

    vectors = np.empty((len(poolings), len(layers), len(ids), encoder.config.hidden_size), dtype=np.float32)
    pad_id, device = encoder.config.pad_token_id, encoder.device
    encoder.eval()
    for group in batches_by_length(list(map(len, ids)), batch_tokens):
        tokens = pad_sequence([torch.tensor(ids[i]) for i in group], batch_first=True, padding_value=pad_id)
        real = torch.arange(tokens.shape[1]) < torch.tensor([[len(ids[i])] for i in group])
        tokens, real = tokens.to(device), real.to(device)
        with torch.inference_mode():
            states = encoder(tokens, attention_mask=real.long(), output_hidden_states=True).hidden_states
        for place, pooling in enumerate(poolings):
            for row, layer in enumerate(layers):
                vectors[place, row, group] = pool_states(states[layer].float(), real, pooling).cpu().numpy()
    return vectors


def pool_states(states: Tensor, real: Tensor, pooling: str) -> Tensor:
    """One vector a row: states (rows, tokens, hidden), and (rows, tokens) true for tokens, to (rows, hidden)."""
    if pooling == "cls":
        return states[:, 0]
    return (states * real[:, :, None]).sum(1) / real.sum(1, keepdim=True)


def number_layer(layer: str | int, layers: int) -> int:
    """The number of the layer that the config names, of an encoder of so many: `top`, or a number from 1."""
    return layers if layer == "top" else int(layer)
