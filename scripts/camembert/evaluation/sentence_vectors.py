"""Sentences as vectors: pooled hidden states of an encoder, or counts of character n-grams.

PyTorch and scikit-learn are imported where they are used: neither needs the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer

from camembert.evaluation.classification import batches_by_length
from camembert.tokens.tokenizer import truncating

if TYPE_CHECKING:
    from torch import Tensor

    from camembert.models.encoder import Encoder

TOKENIZED_AT_ONCE = 1024
NGRAMS = (1, 4)
"""Shortest and longest character n-grams of the baseline."""


def embed(
    encoder: Encoder,
    tokenizer: Tokenizer,
    sentences: Sequence[str],
    layers: Sequence[int],
    pooling: str,
    batch_tokens: int,
) -> np.ndarray:
    """Runs an encoder once over sentences and pools the states of some of its layers.

    Args:
        encoder: see `embed_ids`, as for the arguments not described here.
        tokenizer: the encoder's.
        sentences: longer ones are cut to the encoder's longest input.
        layers: counted from 1; 0 is the embeddings.
        pooling: "mean" or "cls".
        batch_tokens: tokens a batch, padding included.

    Returns:
        (layers, sentences, hidden) float32, in the order of both.
    """
    return embed_ids(encoder, token_ids(sentences, tokenizer, encoder), layers, [pooling], batch_tokens)[0]


def embed_ids(
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
                vectors[place, row, group] = _pooled(states[layer].float(), real, pooling).cpu().numpy()
    return vectors


def token_ids(sentences: Sequence[str], tokenizer: Tokenizer, encoder: Encoder) -> list[list[int]]:
    """The ids of sentences with their special tokens, cut to the encoder's longest input."""
    from camembert.models.encoder import find_longest_input

    ids: list[list[int]] = []
    with truncating(tokenizer, find_longest_input(encoder)):
        for start in range(0, len(sentences), TOKENIZED_AT_ONCE):
            ids += [each.ids for each in tokenizer.encode_batch(list(sentences[start : start + TOKENIZED_AT_ONCE]))]
    return ids


def _pooled(states: Tensor, real: Tensor, pooling: str) -> Tensor:
    """One vector a row: (rows, tokens, hidden) and (rows, tokens) booleans to (rows, hidden)."""
    if pooling == "cls":
        return states[:, 0]
    return (states * real[:, :, None]).sum(1) / real.sum(1, keepdim=True)


def character_ngrams(one: Sequence[str], other: Sequence[str]) -> tuple[Any, Any]:
    """Weighted counts (tf-idf) of the character n-grams within words of two sets of sentences, fitted on both.

    Returns:
        Two sparse matrices (sentences, n-grams), float32, with rows of length 1.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=NGRAMS, dtype=np.float32)
    vectorizer.fit([*one, *other])
    return vectorizer.transform(one), vectorizer.transform(other)
