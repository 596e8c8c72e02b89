"""Encoders: made, cut from another, run layer by layer, compiled, saved. Layers count from 1; 0 is the embeddings.

BERT and RoBERTa with its kin (XLM-R, CamemBERT) are supported. Their layers are the same, and so are the names of
embeddings, layers and pooler. They differ in where positions begin, in the masked-language-model head and in what a
classifier reads the first token through.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_MAPPING
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertOnlyMLMHead
from transformers.models.roberta.modeling_roberta import RobertaLMHead
from transformers.utils import logging as transformers_logging

from camembert.core.files import TOKENIZER, TOKENIZER_SETTINGS, atomic_write
from camembert.plan.chain import Shape
from camembert.plan.teachers import POSITIONS_AFTER_PADDING, first_position, longest_input
from camembert.tokens.packing import PackedRows

transformers_logging.disable_progress_bar()

Encoder: TypeAlias = PreTrainedModel
"""An encoder of a supported architecture: `embeddings`, `encoder.layer` and `pooler`."""
MLM_HEAD = "mlm_head.safetensors"
COMPILED_VARIANTS = 32
"""Of a layer, at most; PyTorch's own limit is 8."""


class EncoderError(ValueError):
    """A model folder that cannot be used, with the reason."""


# --- making ---------------------------------------------------------------------------------------------------


def init_encoder(
    layers: int,
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
        num_hidden_layers=layers,
        num_attention_heads=num_attention_heads,
        intermediate_size=intermediate_size,
        max_position_embeddings=max_length,
        pad_token_id=pad_id,
    )
    return _init_randomly(config, seed)


def init_encoder_like(folder: str | os.PathLike[str], layers: int, pad_id: int, seed: int) -> Encoder:
    """The same, of the architecture of the model in a folder, of which config.json alone is read."""
    given = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    changed = {"num_hidden_layers": layers, "pad_token_id": pad_id, "_name_or_path": ""}
    return _init_randomly(type(given).from_dict(given.to_dict() | changed), seed)


def _init_randomly(config: PretrainedConfig, seed: int) -> Encoder:
    torch.manual_seed(seed)
    encoder = _from_config(config)
    set_identity(encoder.pooler.dense)
    return encoder


def _from_config(config: PretrainedConfig) -> Any:
    config._attn_implementation = "sdpa"
    return MODEL_MAPPING[type(config)](config)


def init_student(teacher: Encoder, layers: Sequence[int]) -> Encoder:
    """A student made of copies of its teacher's embeddings, pooler and some layers, whose numbers count from 1.

    Raises:
        EncoderError: the teacher has no more layers than the student is to have.
    """
    if len(layers) >= teacher.config.num_hidden_layers:
        raise EncoderError(
            f"a student of {len(layers)} layers cannot be made from {teacher.config.num_hidden_layers} layers"
        )
    student = _from_config(
        type(teacher.config).from_dict(teacher.config.to_dict() | {"num_hidden_layers": len(layers)})
    )
    for part in ("embeddings", "pooler"):
        getattr(student, part).load_state_dict(getattr(teacher, part).state_dict(), strict=True)
    for layer, number in zip(student.encoder.layer, layers, strict=True):
        layer.load_state_dict(teacher.encoder.layer[number - 1].state_dict(), strict=True)
    return student


def set_identity(dense: nn.Linear) -> None:
    """Makes a pooler hand on the state of the first token, through its tanh: fine-tuning has to undo a random one."""
    with torch.no_grad():
        dense.weight.copy_(torch.eye(dense.out_features))
        dense.bias.zero_()


def init_mlm_head(encoder: Encoder, weights: Mapping[str, Tensor] | None = None) -> Any:
    """A masked-language-model head whose output matrix is the encoder's word embeddings, as in BERT.

    Args:
        encoder: on whose device the head is.
        weights: of the head, as `load_mlm_head` reads them; None draws them, with an output bias of 0.
    """
    after_padding = POSITIONS_AFTER_PADDING[encoder.config.model_type]
    head = (RobertaLMHead if after_padding else BertOnlyMLMHead)(encoder.config)
    output = getattr(head, "predictions", head)  # BERT's lies a module deeper
    encoder._init_weights(getattr(output, "transform", output).dense)
    head.to(encoder.device)
    output.decoder.weight = encoder.embeddings.word_embeddings.weight
    output.decoder.bias = output.bias
    if weights is not None:
        tied = {name: weight for name, weight in head.state_dict().items() if "decoder" in name}
        head.load_state_dict({**weights, **tied}, strict=True)
    return head


def set_dropout(model: nn.Module, probability: float) -> None:
    """Sets every dropout of a model; that of attention is a number in older versions of transformers."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability
        elif hasattr(module, "dropout_prob"):
            setattr(module, "dropout_prob", probability)  # noqa: B010 (a name that this version's class lacks)


def read_shape(encoder: Encoder) -> Shape:
    """What the encoder's cost depends on."""
    return Shape(encoder.config.hidden_size, encoder.config.intermediate_size, encoder.config.vocab_size)


def find_longest_input(encoder: Encoder) -> int:
    """The longest input of an encoder in tokens."""
    return longest_input(encoder.config.to_dict())


# --- running --------------------------------------------------------------------------------------------------


def to_tensors(rows: PackedRows) -> dict[str, Any]:
    """Packed rows as tensors, with what the losses divide by.

    Returns:
        token, segment, position and document, (rows, tokens) each; real_tokens, pairs, one_document and documents of
        the whole batch, as in `Counts`.
    """
    arrays = {"token": rows.token, "segment": rows.segment, "position": rows.position, "document": rows.document}
    return {key: torch.from_numpy(array) for key, array in arrays.items()} | vars(rows.counts)


def same_document(document: Tensor) -> Tensor:
    """Who attends to whom in packed rows, (rows, 1, tokens, tokens): tokens of the same document; padding to padding.

    `document` has the number of each token's document, (rows, tokens), -1 for padding.
    """
    return (document[:, :, None] == document[:, None, :])[:, None]


def attention_mask(batch: Mapping[str, Any]) -> Tensor | None:
    """The mask of a batch of `to_tensors`; None where every row is one whole document, which keeps the fast kernel."""
    return None if batch["one_document"] else same_document(batch["document"])


def run_embeddings(encoder: Encoder, batch: Mapping[str, Any]) -> Tensor:
    """The embedding output, layer 0, for a batch of `to_tensors`: (rows, tokens, hidden).

    Positions of a batch count from 0 in their document, whatever the architecture counts from.
    """
    config, position = encoder.config, batch["position"]
    if first := first_position({"model_type": config.model_type, "pad_token_id": config.pad_token_id}):
        position = position + first
    return encoder.embeddings(input_ids=batch["token"], token_type_ids=batch["segment"], position_ids=position)


def run_layers(encoder: Encoder, hidden: Tensor, mask: Tensor | None) -> list[Tensor]:
    """Outputs of layers 0 (the embeddings given) to the top: index k is layer k, (rows, tokens, hidden)."""
    outputs = [hidden]
    for layer in encoder.encoder.layer:
        output = layer(outputs[-1], mask)
        outputs.append(output[0] if isinstance(output, tuple) else output)  # a tuple in older versions of transformers
    return outputs


def run_encoder(encoder: Encoder, batch: Mapping[str, Any]) -> list[Tensor]:
    """Outputs of all layers for a batch of `to_tensors`, from its embeddings on."""
    return run_layers(encoder, run_embeddings(encoder, batch), attention_mask(batch))


def compute_relation(
    encoder: Encoder, layer: int, layer_input: Tensor, mask: Tensor | None, first: str = "query", second: str = "key"
) -> Tensor:
    """Scaled products of two projections of a layer, head by head: attention scores from query and key.

    The products are in float32 whatever precision the projections are in: scores of 8 to 16 lie 0.06 apart in bfloat16.

    Args:
        encoder: whose projections are taken.
        layer: counted from 1.
        layer_input: (rows, tokens, hidden), the output of the layer below.
        mask: as from `attention_mask`; scores of pairs outside it are the lowest there are.
        first, second: "query", "key" or "value".

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


def compile_layers(encoder: Encoder, backend: str = "inductor") -> None:
    """Compiles every layer in place, which pays on a GPU; the names of weights stay as they are.

    Layers of all encoders in the process share their compiled variants: with a mask or without, trained or frozen,
    with gradients or without, with dropout or without. Should there be more than `COMPILED_VARIANTS`, PyTorch runs the
    rest uncompiled, and says so on stderr. Its environment variable TORCHDYNAMO_DISABLE=1 switches compilation off.
    """
    from torch._dynamo import config

    config.recompile_limit = COMPILED_VARIANTS
    for layer in encoder.encoder.layer:
        layer.compile(backend=backend)


# --- files ----------------------------------------------------------------------------------------------------


def save_model(
    model: PreTrainedModel,
    folder: str | os.PathLike[str],
    tokenizer_from: str | os.PathLike[str],
    mlm_head: Mapping[str, Tensor] | None = None,
) -> None:
    """Writes a folder that `AutoModel` and the like load offline, whole or not at all.

    Args:
        model: an encoder or a classifier.
        folder: where to.
        tokenizer_from: a folder with the tokenizer's files.
        mlm_head: weights of a head whose decoder is the embedding, which is not written again.
    """
    with atomic_write(folder) as partial:
        model.save_pretrained(partial)
        for name in (TOKENIZER, TOKENIZER_SETTINGS):
            shutil.copyfile(Path(tokenizer_from) / name, partial / name)
        if mlm_head:
            untied = {key: weight.contiguous() for key, weight in mlm_head.items() if "decoder" not in key}
            save_file(untied, partial / MLM_HEAD, metadata={"format": "pt"})


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
