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
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertForSequenceClassification, BertModel, BertOnlyMLMHead
from transformers.utils import logging as transformers_logging

from camembert.core.files import atomic_write
from camembert.data import tokenizer
from camembert.data.packing import PackedRows
from camembert.plan.flops import Shape

transformers_logging.disable_progress_bar()

MLM_HEAD = "mlm_head.safetensors"


class EncoderError(ValueError):
    """A model folder that cannot be used, with the reason."""


# --- making ---------------------------------------------------------------------------------------------------


def random_encoder(
    layers: int, hidden: int, heads: int, intermediate: int, positions: int, vocabulary: int, pad_id: int, seed: int
) -> BertModel:
    """A BERT encoder of random weights (Devlin et al. 2019) and sdpa attention; its pooler starts as the identity."""
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=intermediate,
        max_position_embeddings=positions,
        pad_token_id=pad_id,
        attn_implementation="sdpa",
    )
    encoder = BertModel(config)
    set_identity_pooler(encoder)
    return encoder


def init_student(teacher: BertModel, kept: Sequence[int]) -> BertModel:
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
            f"a student of {len(kept)} layers cannot be cut from {teacher.config.num_hidden_layers} layers"
        )
    config = BertConfig.from_dict(teacher.config.to_dict() | {"num_hidden_layers": len(kept)})
    config._attn_implementation = "sdpa"
    student = BertModel(config)
    for part in ("embeddings", "pooler"):
        getattr(student, part).load_state_dict(getattr(teacher, part).state_dict(), strict=True)
    for layer, number in zip(student.encoder.layer, kept, strict=True):
        layer.load_state_dict(teacher.encoder.layer[number - 1].state_dict(), strict=True)
    return student


def set_identity_pooler(encoder: BertModel) -> None:
    """Makes the pooler hand on the state of [CLS], through its tanh: a random one is what fine-tuning has to undo."""
    with torch.no_grad():
        encoder.pooler.dense.weight.copy_(torch.eye(encoder.config.hidden_size))
        encoder.pooler.dense.bias.zero_()


def random_mlm_head(encoder: BertModel) -> BertOnlyMLMHead:
    """A masked-language-model head whose output weights are the encoder's word embeddings, as in BERT.

    It is on the encoder's device; its output bias, 0 at first, is saved under BERT's name, `predictions.bias`.
    """
    head = BertOnlyMLMHead(encoder.config)
    encoder._init_weights(head.predictions.transform.dense)
    head.to(encoder.device)
    head.predictions.decoder.weight = encoder.embeddings.word_embeddings.weight
    head.predictions.decoder.bias = head.predictions.bias
    return head


def mlm_head_of(encoder: BertModel, weights: dict[str, Tensor]) -> BertOnlyMLMHead:
    """A masked-language-model head of saved weights whose output weights are the encoder's word embeddings."""
    head = random_mlm_head(encoder)
    tied = {name: weight for name, weight in head.state_dict().items() if "decoder" in name}
    head.load_state_dict(weights | tied, strict=True)
    return head


def shape_of(encoder: BertModel) -> Shape:
    """What the encoder's cost depends on."""
    return Shape(encoder.config.hidden_size, encoder.config.intermediate_size, encoder.config.vocab_size)


def set_dropout(model: nn.Module, probability: float) -> None:
    """Sets every dropout of a model, attention dropout included."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability


# --- running --------------------------------------------------------------------------------------------------


def tensors_of(rows: PackedRows) -> dict[str, Any]:
    """Packed rows as tensors, with what the losses divide by.

    Returns:
        token, segment, position and document, (rows, tokens) each; real_tokens, pairs and one_document of the whole
        batch, as in `Counts`.
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


def embed(encoder: BertModel, token: Tensor, segment: Tensor, position: Tensor) -> Tensor:
    """The embedding output, layer 0: (rows, tokens, hidden)."""
    return encoder.embeddings(input_ids=token, token_type_ids=segment, position_ids=position)


def run_layer(layer: nn.Module, hidden: Tensor, mask: Tensor | None) -> Tensor:
    """Runs one transformer layer; older versions of transformers wrap its output in a tuple."""
    output = layer(hidden, mask)
    return output[0] if isinstance(output, tuple) else output


def run_layers(encoder: BertModel, hidden: Tensor, mask: Tensor | None) -> list[Tensor]:
    """Outputs of layers 0 (the embeddings given) to the top: index k is layer k."""
    outputs = [hidden]
    for layer in encoder.encoder.layer:
        outputs.append(run_layer(layer, outputs[-1], mask))
    return outputs


def relation(
    encoder: BertModel, layer: int, layer_input: Tensor, mask: Tensor | None, one: str = "query", other: str = "key"
) -> Tensor:
    """Scaled products of two projections of a layer, head by head: attention scores from query and key.

    The products are in float32 whatever precision the projections are in: scores of 8 to 16 lie 0.06 apart in bfloat16.

    Args:
        encoder: the encoder.
        layer: counted from 1.
        layer_input: (rows, tokens, hidden), the output of the layer below.
        mask: as from `attention_mask`; scores of pairs outside it are the lowest there are.
        one: "query", "key" or "value".
        other: the same.

    Returns:
        (rows, heads, tokens, tokens), float32, before the softmax.
    """
    attention = encoder.encoder.layer[layer - 1].attention.self
    rows, tokens, _ = layer_input.shape
    left, right = (
        getattr(attention, name)(layer_input).view(rows, tokens, attention.num_attention_heads, -1).transpose(1, 2)
        for name in (one, other)
    )
    with torch.autocast(left.device.type, enabled=False):
        scores = left.float() @ right.float().transpose(-1, -2) / attention.attention_head_size**0.5
    return scores if mask is None else scores.masked_fill(~mask, torch.finfo(scores.dtype).min)


def attention_map(encoder: BertModel, layer: int, layer_input: Tensor, mask: Tensor | None) -> Tensor:
    """The attention probabilities of a layer before dropout, rebuilt from its query and key.

    sdpa never returns them; this costs about one per cent of a forward pass. Arguments are those of `relation`.

    Returns:
        (rows, heads, tokens, tokens)
    """
    return relation(encoder, layer, layer_input, mask).softmax(-1)


# --- files ----------------------------------------------------------------------------------------------------


def save_encoder(
    encoder: BertModel,
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
        for name in tokenizer.FILES:
            shutil.copyfile(Path(tokenizer_from) / name, partial / name)
        if mlm_head:
            save_file(mlm_head, partial / MLM_HEAD, metadata={"format": "pt"})


def load_encoder(folder: str | os.PathLike[str]) -> BertModel:
    """Loads an encoder folder, offline, from safetensors, in float32 whatever the file holds."""
    encoder = BertModel.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, attn_implementation="sdpa"
    )
    return encoder.float()


def load_mlm_head(folder: str | os.PathLike[str]) -> dict[str, Tensor] | None:
    """The masked-language-model head beside an encoder, where there is one."""
    path = Path(folder) / MLM_HEAD
    return load_file(path) if path.is_file() else None


def classifier_from(
    folder: str | os.PathLike[str], labels: Sequence[str], dropout: float, seed: int
) -> BertForSequenceClassification:
    """An encoder with a new classification head for the labels named, seeded."""
    torch.manual_seed(seed)
    encoder = load_encoder(folder)
    config = BertConfig.from_dict(
        encoder.config.to_dict()
        | {
            "id2label": dict(enumerate(labels)),
            "label2id": {label: number for number, label in enumerate(labels)},
            "hidden_dropout_prob": dropout,
            "attention_probs_dropout_prob": dropout,
        }
    )
    config._attn_implementation = "sdpa"
    torch.manual_seed(seed)
    classifier = BertForSequenceClassification(config)
    classifier.bert.load_state_dict(encoder.state_dict(), strict=True)
    return classifier


def save_classifier(
    classifier: BertForSequenceClassification, folder: str | os.PathLike[str], tokenizer_from: str | os.PathLike[str]
) -> None:
    """Writes a folder that `AutoModelForSequenceClassification.from_pretrained` loads offline."""
    save_encoder(classifier, folder, tokenizer_from)


def load_classifier(folder: str | os.PathLike[str]) -> BertForSequenceClassification:
    """Loads a classifier folder, offline, from safetensors."""
    return BertForSequenceClassification.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, attn_implementation="sdpa"
    )
