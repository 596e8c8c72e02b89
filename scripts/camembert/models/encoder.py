"""Encoders: made, cut from another, run layer by layer, saved. Layers are counted from 1; 0 is the embeddings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig
from transformers.models.bert.configuration_bert import BertConfig
from transformers.utils import logging as transformers_logging

from camembert.core.files import atomic_write
from camembert.core.model_files import TOKENIZER, TOKENIZER_SETTINGS
from camembert.models.architectures import (
    Encoder,
    architecture_of,
    new_encoder,
    positions_from,
)
from camembert.plan.flops import Shape
from camembert.tokens.packing import PackedRows

transformers_logging.disable_progress_bar()

MLM_HEAD = "mlm_head.safetensors"


class EncoderError(ValueError):
    """A model folder that cannot be used, with the reason."""


# --- making ---------------------------------------------------------------------------------------------------


def random_encoder(
    num_hidden_layers: int,
    hidden_size: int,
    num_attention_heads: int,
    intermediate_size: int,
    max_length: int,
    vocab_size: int,
    pad_id: int,
    seed: int,
) -> Encoder:
    """A BERT encoder of random weights (Devlin et al. 2019) and sdpa attention; its pooler starts as the identity."""
    config = BertConfig(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        num_hidden_layers=num_hidden_layers,
        num_attention_heads=num_attention_heads,
        intermediate_size=intermediate_size,
        max_position_embeddings=max_length,
        pad_token_id=pad_id,
    )
    return _random(config, seed)


def random_encoder_like(folder: str | os.PathLike[str], layers: int, pad_id: int, seed: int) -> Encoder:
    """The same, of the architecture of a given model.

    Args:
        folder: of the model, of which config.json alone is read.
        layers: of the encoder.
        pad_id: of its tokenizer's padding token.
        seed: of the weights.
    """
    given = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    changed = {"num_hidden_layers": layers, "pad_token_id": pad_id, "_name_or_path": ""}
    return _random(type(given).from_dict(given.to_dict() | changed), seed)


def _random(config: PretrainedConfig, seed: int) -> Encoder:
    torch.manual_seed(seed)
    encoder = new_encoder(config)
    set_identity(encoder.pooler.dense)
    return encoder


def init_student(teacher: Encoder, kept: Sequence[int]) -> Encoder:
    """A student made of its teacher's embeddings, some of its layers and its pooler.

    The weights are copies: training the student leaves the teacher as it is.

    Args:
        teacher: stays as it is.
        kept: layers to copy, counted from 1.

    Raises:
        EncoderError: the teacher has no more layers than the student is to have.
    """
    if len(kept) >= teacher.config.num_hidden_layers:
        raise EncoderError(
            f"a student of {len(kept)} layers cannot be made from {teacher.config.num_hidden_layers} layers"
        )
    student = new_encoder(type(teacher.config).from_dict(teacher.config.to_dict() | {"num_hidden_layers": len(kept)}))
    for part in ("embeddings", "pooler"):
        getattr(student, part).load_state_dict(getattr(teacher, part).state_dict(), strict=True)
    for layer, number in zip(student.encoder.layer, kept, strict=True):
        layer.load_state_dict(teacher.encoder.layer[number - 1].state_dict(), strict=True)
    return student


def set_identity(dense: nn.Linear) -> None:
    """Makes a pooler hand on the state of the first token, through its tanh: fine-tuning has to undo a random one."""
    with torch.no_grad():
        dense.weight.copy_(torch.eye(dense.out_features))
        dense.bias.zero_()


def random_mlm_head(encoder: Encoder) -> Any:
    """A masked-language-model head whose output weights are the encoder's word embeddings, as in BERT.

    It is on the encoder's device; its weights are saved under the names that the architecture's head has.
    """
    return architecture_of(encoder).tied_mlm_head(encoder)


def mlm_head_of(encoder: Encoder, weights: dict[str, Tensor]) -> Any:
    """A masked-language-model head of saved weights whose output weights are the encoder's word embeddings."""
    head = random_mlm_head(encoder)
    tied = {name: weight for name, weight in head.state_dict().items() if "decoder" in name}
    head.load_state_dict(weights | tied, strict=True)
    return head


def shape_of(encoder: Encoder) -> Shape:
    """What the encoder's cost depends on."""
    return Shape(encoder.config.hidden_size, encoder.config.intermediate_size, encoder.config.vocab_size)


def set_dropout(model: nn.Module, probability: float) -> None:
    """Sets every dropout of a model; that of attention is a number in older versions of transformers."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability
        elif hasattr(module, "dropout_prob"):
            setattr(module, "dropout_prob", probability)  # noqa: B010 (a name that this version's class lacks)


# --- running --------------------------------------------------------------------------------------------------


def tensors_of(rows: PackedRows) -> dict[str, Any]:
    """Packed rows as tensors, with what the losses divide by.

    Returns:
        token, segment, position and document, (rows, tokens) each; real_tokens, pairs, one_document and documents of
        the whole batch, as in `Counts`.
    """
    arrays = {"token": rows.token, "segment": rows.segment, "position": rows.position, "document": rows.document}
    return {key: torch.from_numpy(array) for key, array in arrays.items()} | vars(rows.counts)


def same_document(document: Tensor) -> Tensor:
    """Who attends to whom in packed rows: tokens of the same document; padding to padding.

    Args:
        document: (rows, tokens), the number of each token's document, -1 for padding.

    Returns:
        (rows, 1, tokens, tokens) booleans.
    """
    return (document[:, :, None] == document[:, None, :])[:, None]


def attention_mask(batch: Mapping[str, Any]) -> Tensor | None:
    """The mask of a batch of `tensors_of`; None where every row is one whole document, which keeps the fast kernel."""
    return None if batch["one_document"] else same_document(batch["document"])


def embed(encoder: Encoder, token: Tensor, segment: Tensor, position: Tensor) -> Tensor:
    """The embedding output, layer 0: (rows, tokens, hidden).

    Args:
        encoder: the encoder.
        token: ids, (rows, tokens).
        segment: 0, or 1 in the second text of a pair where the model tells them apart.
        position: of a token in its document, counted from 0 whatever the architecture counts from.
    """
    first = positions_from(encoder)
    return encoder.embeddings(
        input_ids=token, token_type_ids=segment, position_ids=position + first if first else position
    )


def run_layer(layer: nn.Module, hidden: Tensor, mask: Tensor | None) -> Tensor:
    """Runs one transformer layer; older versions of transformers wrap its output in a tuple."""
    output = layer(hidden, mask)
    return output[0] if isinstance(output, tuple) else output


def run_layers(encoder: Encoder, hidden: Tensor, mask: Tensor | None) -> list[Tensor]:
    """Outputs of layers 0 (the embeddings given) to the top: index k is layer k."""
    outputs = [hidden]
    for layer in encoder.encoder.layer:
        outputs.append(run_layer(layer, outputs[-1], mask))
    return outputs


def relation(
    encoder: Encoder, layer: int, layer_input: Tensor, mask: Tensor | None, first: str = "query", second: str = "key"
) -> Tensor:
    """Scaled products of two projections of a layer, head by head: attention scores from query and key.

    The products are in float32 whatever precision the projections are in: scores of 8 to 16 lie 0.06 apart in bfloat16.

    Args:
        encoder: the encoder.
        layer: counted from 1.
        layer_input: (rows, tokens, hidden), the output of the layer below.
        mask: as from `attention_mask`; scores of pairs outside it are the lowest there are.
        first: "query", "key" or "value".
        second: the same.

    Returns:
        (rows, heads, tokens, tokens), float32, before the softmax.
    """
    attention = encoder.encoder.layer[layer - 1].attention.self
    rows, tokens, _ = layer_input.shape
    left, right = (
        getattr(attention, name)(layer_input).view(rows, tokens, attention.num_attention_heads, -1).transpose(1, 2)
        for name in (first, second)
    )
    with torch.autocast(left.device.type, enabled=False):
        scores = left.float() @ right.float().transpose(-1, -2) / attention.attention_head_size**0.5
    return scores if mask is None else scores.masked_fill(~mask, torch.finfo(scores.dtype).min)


# --- files ----------------------------------------------------------------------------------------------------


def save_encoder(
    encoder: Encoder,
    folder: str | os.PathLike[str],
    tokenizer_from: str | os.PathLike[str],
    mlm_head: dict[str, Tensor] | None = None,
) -> None:
    """Writes a folder that `AutoModel.from_pretrained` loads offline, whole or not at all.

    Args:
        encoder: what is saved.
        folder: where to.
        tokenizer_from: a folder with the tokenizer's files.
        mlm_head: weights of a masked-language-model head that belongs to these embeddings.
    """
    with atomic_write(folder) as partial:
        encoder.save_pretrained(partial)
        for name in (TOKENIZER, TOKENIZER_SETTINGS):
            shutil.copyfile(Path(tokenizer_from) / name, partial / name)
        if mlm_head:
            save_file(mlm_head, partial / MLM_HEAD, metadata={"format": "pt"})


def load_encoder(folder: str | os.PathLike[str]) -> Encoder:
    """Loads an encoder folder, offline, from safetensors, in float32 whatever the file holds."""
    encoder = AutoModel.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, attn_implementation="sdpa"
    )
    return encoder.float()


def load_mlm_head(folder: str | os.PathLike[str]) -> dict[str, Tensor] | None:
    """The masked-language-model head beside an encoder, where there is one."""
    path = Path(folder) / MLM_HEAD
    return load_file(path) if path.is_file() else None
