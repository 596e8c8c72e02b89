"""Tiny checkpoints as people have them: every supported architecture, its tokenizer, the files of its hub folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

ROBERTA_TOKENS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
CAMEMBERT_TOKENS = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<s>", "</s>", "<mask>"]
KINDS = ("bert", "minilm", "roberta", "xlm-roberta", "camembert")
"""BERT; BERT's layers under XLM-R's tokenizer, as multilingual MiniLM has them; RoBERTa, XLM-R and CamemBERT."""
LAYERS, HIDDEN, HEADS, INTERMEDIATE, LONGEST = 3, 16, 2, 32, 64
SPARE_ROWS = 40
"""Rows of the embedding that no token has, as in multilingual MiniLM."""


def unigram(text: Sequence[str], special: Sequence[str] = ROBERTA_TOKENS, size: int = 200) -> Tokenizer:
    """A tokenizer made like XLM-R's: Unigram after SentencePiece, words marked by "▁", <s> a </s></s> b </s>."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("▁", prepend_scheme="always")]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=list(special), unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(text, trainer)
    # a constant order, which the trainer does not give
    entries = [tuple(entry) for entry in json.loads(tokenizer.to_str())["model"]["vocab"]]
    first, rest = entries[: len(special)], entries[len(special) :]
    ordered = [*first, *sorted(rest, key=lambda entry: (-entry[1], entry[0]))]
    tokenizer.model = models.Unigram(ordered, unk_id=list(special).index("<unk>"))
    tokenizer.decoder = decoders.Metaspace("▁")
    ids = [(name, tokenizer.token_to_id(name)) for name in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> </s> $B </s>", ids)
    return tokenizer


def bytes_bpe(text: Sequence[str], size: int = 340) -> Tokenizer:
    """A tokenizer made like RoBERTa's: BPE of bytes, words marked by "Ġ"."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=ROBERTA_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(text, trainer)
    tokenizer.decoder = decoders.ByteLevel()
    sep, cls = (("</s>", 2), ("<s>", 0))
    tokenizer.post_processor = processors.RobertaProcessing(sep, cls, trim_offsets=True, add_prefix_space=False)
    return tokenizer


def tokenizer_files(kind: str, text: Sequence[str]) -> tuple[Tokenizer, dict[str, Any]]:
    """The tokenizer of a kind of checkpoint, and what its folder on the hub has in tokenizer_config.json."""
    if kind == "bert":
        from camembert.tokens.tokenizer import train_tokenizer

        return train_tokenizer(text, 300, lowercase=False), {"do_lower_case": False, "model_max_length": LONGEST}
    if kind == "roberta":
        return bytes_bpe(text), {"model_max_length": LONGEST}
    tokens = CAMEMBERT_TOKENS if kind == "camembert" else ROBERTA_TOKENS
    if kind == "minilm":
        names = {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
        mask = {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "rstrip": False}
        return unigram(text, tokens), {"tokenizer_class": "XLMRobertaTokenizer", "mask_token": mask} | names
    return unigram(text, tokens), {"model_max_length": LONGEST}


def read_model_config(kind: str, rows: int, **changes: Any) -> Any:
    """The config of a tiny model of a kind."""
    from transformers import AutoConfig

    sizes = {
        "vocab_size": rows,
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INTERMEDIATE,
    }
    if kind in ("bert", "minilm"):  # multilingual MiniLM's config says that padding is 0, where XLM-R's <s> is
        return AutoConfig.for_model("bert", **sizes, max_position_embeddings=LONGEST, pad_token_id=0, **changes)
    own = {"max_position_embeddings": LONGEST + 2, "type_vocab_size": 1, "pad_token_id": 1, "layer_norm_eps": 1e-5}
    return AutoConfig.for_model(kind, **sizes, **own, **changes)


def random_model(config: Any, headed: str = "MaskedLM") -> Any:
    """A model whose attention is not uniform and whose biases are not 0, unlike a new one's."""
    import torch
    import transformers

    torch.manual_seed(3)
    model = getattr(transformers, f"AutoModelFor{headed}" if headed else "AutoModel").from_config(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(torch.randn_like(parameter) * (0.1 if "LayerNorm" in name else 0.4))
    return model


def save_checkpoint(kind: str, folder: Path, text: Sequence[str], headed: str = "MaskedLM") -> Any:
    """Writes a checkpoint of a kind, an encoder under a head of its pre-training; returns the model."""
    tokenizer, settings = tokenizer_files(kind, text)
    model = random_model(read_model_config(kind, tokenizer.get_vocab_size() + SPARE_ROWS), headed)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return model


def import_checkpoint(kind: str, folder: Path, text: Sequence[str]) -> tuple[Any, dict[str, bool]]:
    """Makes a checkpoint of a kind, in the folder `given`, an encoder of the workflow, in `encoder`.

    Returns:
        The model, and what it came with.
    """
    from camembert.models import teacher

    model = save_checkpoint(kind, folder / "given", text)
    return model, teacher.import_checkpoint(folder / "given", folder / "encoder")
