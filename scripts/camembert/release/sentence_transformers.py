"""What makes an encoder's folder one that `SentenceTransformer(folder)` loads: files of a few lines beside the model.

They are of the form that the library has read since its version 2 (Reimers and Gurevych 2019): its modules, and what
each is told.
"""

from __future__ import annotations

import os
from pathlib import Path

from camembert.core.files import CONFIG, read_json, write_json
from camembert.plan.teachers import longest_input

MODULES = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
"""Modules that a sentence passes through, and their folders."""


def write_modules(folder: str | os.PathLike[str], pooling: str) -> None:
    """Writes the files that the library needs beside a model: vectors are pooled top states, of length 1.

    Args:
        folder: of an encoder.
        pooling: "mean" of a sentence's tokens, special ones among them, or "cls".
    """
    folder = Path(folder)
    config = read_json(folder / CONFIG)
    rows = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{name}"}
        for number, (name, path) in enumerate(MODULES.items())
    ]
    write_json(folder / "modules.json", rows)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": longest_input(config), "do_lower_case": False})
    write_json(folder / "config_sentence_transformers.json", {"similarity_fn_name": "cosine"})
    modes = {
        f"pooling_mode_{token}": pooling == mode for token, mode in (("cls_token", "cls"), ("mean_tokens", "mean"))
    }
    write_json(folder / MODULES["Pooling"] / "config.json", {"word_embedding_dimension": config["hidden_size"]} | modes)
    write_json(folder / MODULES["Normalize"] / "config.json", {})
