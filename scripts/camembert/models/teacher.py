"""A teacher that was pre-trained elsewhere: a checkpoint as people have it, made an encoder of the workflow."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoModelForMaskedLM, PreTrainedModel
from transformers.utils import logging as transformers_logging

from camembert.core.files import WEIGHTS
from camembert.models.encoder import MLM_HEAD, Encoder, save_model, set_identity
from camembert.plan.teachers import check_architecture, find_teacher_files, read_model_config, read_sizes
from camembert.tokens.given_tokenizer import import_tokenizer
from camembert.tokens.tokenizer import SpecialIds
from camembert.tokens.trimming import read_teacher_rows

log = logging.getLogger(__name__)


class TeacherError(ValueError):
    """A checkpoint that is no whole teacher, with what is missing."""


def import_checkpoint(folder: str | os.PathLike[str], output: str | os.PathLike[str]) -> dict[str, bool]:
    """Makes a checkpoint an encoder of the workflow, whatever its sizes, with its tokenizer; for work by hand.

    Args:
        folder: a Hugging Face model folder, or an encoder of the workflow, which keeps its masked-language-model head.
        output: folder of the encoder.

    Returns:
        As of `import_teacher`.

    Raises:
        SourceError: the folder is no model, or its architecture is not supported.
        TokenizerError: its tokenizer cannot be used.
        TeacherError: weights of the encoder are missing or of another shape.
    """
    find_teacher_files(folder)
    sizes = read_sizes(folder)
    with TemporaryDirectory() as tokenizer_folder:
        import_tokenizer(folder, tokenizer_folder, read_model_config(folder))
        found = import_teacher(folder, tokenizer_folder, output, sizes, sizes["vocab_size"])
    if (head := Path(folder) / MLM_HEAD).is_file():
        shutil.copyfile(head, Path(output) / MLM_HEAD)
        found["mlm_head"] = True
    return found


def import_teacher(
    folder: str | os.PathLike[str],
    tokenizer_folder: str | os.PathLike[str],
    output: str | os.PathLike[str],
    declared: Mapping[str, int],
    vocabulary: int,
) -> dict[str, bool]:
    """Reads a checkpoint and writes the encoder, in float32, and its masked-language-model head if it has one.

    Weights are read from safetensors, or from a .bin file with `weights_only`; no code of the checkpoint is run.

    Args:
        folder: a Hugging Face model folder: an encoder alone, or under a head of any kind.
        tokenizer_folder: the workflow's copy of its tokenizer; where that was trimmed, so is the embedding.
        output: folder of the encoder.
        declared: the sizes that the config gives, see `teachers.check_architecture`.
        vocabulary: rows of its embedding, as in the config.

    Returns:
        Whether it came with a pooler and with a masked-language-model head.

    Raises:
        SourceError: its architecture is not supported, or not of the declared sizes.
        TeacherError: weights of the encoder are missing or of another shape.
    """
    check_architecture(folder, dict(declared), vocabulary)
    how: dict[str, Any] = {
        "local_files_only": True,
        "use_safetensors": find_teacher_files(folder)[1].name.startswith(WEIGHTS),
        "weights_only": True,
        "trust_remote_code": False,
        "ignore_mismatched_sizes": True,  # they are reported
        "output_loading_info": True,
        "attn_implementation": "sdpa",
    }
    transformers_logging.set_verbosity_error()
    try:
        encoder, report = AutoModel.from_pretrained(folder, **how)
        headed, headed_report = AutoModelForMaskedLM.from_pretrained(folder, **how)
        encoder, headed = encoder.float(), headed.float()
    except Exception as error:  # torch, pickle and safetensors each have their own
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TeacherError(f"the weights in {folder} cannot be read ({reason}); copy the model again") from error
    if deeper := [key for key in report["unexpected_keys"] if "encoder.layer." in key]:
        raise TeacherError(
            f"the weights in {folder} hold {sorted(deeper)[0]}, beyond the {encoder.config.num_hidden_layers} layers of"
            " its config.json; correct that file and teacher.num_hidden_layers"
        )
    missing = {key.removeprefix(f"{encoder.base_model_prefix}.") for key in _missing(report)}  # older versions say it
    pooler = {key for key in missing if key.startswith("pooler.")}
    if names := sorted(missing - pooler):
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        raise TeacherError(
            f"the weights in {folder} lack {shown}, or have them in another shape; expected a whole encoder"
        )
    if not all(weight.isfinite().all() for weight in encoder.state_dict().values()):
        raise TeacherError(f"the weights in {folder} are not all finite; copy the model again")
    if pooler:
        set_identity(encoder.pooler.dense)
        log.warning("the teacher has no pooler: it gets one that starts as the identity, which fine-tuning trains")
    head = _find_mlm_head(headed, headed_report)
    if (rows := read_teacher_rows(tokenizer_folder)) is not None:
        head = _trim(encoder, head, torch.from_numpy(rows))
    encoder.config.pad_token_id = SpecialIds.read(tokenizer_folder).pad  # BERT's own config may name another
    log.info("the teacher comes %s a masked-language-model head", "with" if head else "without")
    save_model(encoder, output, tokenizer_folder, head)
    return {"pooler": not pooler, "mlm_head": head is not None}


def _missing(report: Mapping[str, list]) -> list[str]:
    """Names of the weights that a checkpoint lacks or has in another shape, which some versions list with the shape."""
    other_shape = [key if isinstance(key, str) else key[0] for key in report["mismatched_keys"]]
    return [*report["missing_keys"], *other_shape]


def _find_mlm_head(model: PreTrainedModel, report: Mapping[str, list]) -> dict[str, Tensor] | None:
    """The weights of a head whose decoder is the word embedding; None if a part is lacking or the decoder another."""
    [(name, head)] = [each for each in model.named_children() if each[0] != model.base_model_prefix]
    if any(key.startswith(f"{name}.") and "decoder" not in key for key in _missing(report)):
        return None
    if not torch.equal(model.get_output_embeddings().weight, model.get_input_embeddings().weight):
        log.warning("its masked-language-model head has an output matrix of its own: the head is left out")
        return None
    return head.state_dict()


def _trim(encoder: Encoder, head: dict[str, Tensor] | None, rows: Tensor) -> dict[str, Tensor] | None:
    """Leaves an encoder some rows of its word embedding, and returns its masked-language-model head with as many."""
    words, config, numbers = encoder.embeddings.word_embeddings, encoder.config, rows.tolist()
    for key in ("bos_token_id", "eos_token_id"):
        if (old := getattr(config, key, None)) is not None:
            setattr(config, key, numbers.index(old) if old in numbers else None)
    encoder.set_input_embeddings(nn.Embedding.from_pretrained(words.weight[rows], freeze=False))
    config.vocab_size = len(rows)
    if head is None:
        return None
    return {key: weight[rows] if len(weight) == words.num_embeddings else weight for key, weight in head.items()}
