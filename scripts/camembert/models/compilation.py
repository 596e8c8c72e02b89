"""Encoders whose layers `torch.compile` runs."""

from __future__ import annotations

import logging
from functools import cache

from camembert.models.architectures import Encoder

log = logging.getLogger(__name__)

COMPILED_VARIANTS = 32
"""Of a layer, at most; PyTorch's own limit is 8."""


def compile_layers(encoder: Encoder, backend: str = "inductor") -> None:
    """Compiles every layer in place, which pays on a GPU; the names of weights stay as they are.

    Layers of all encoders in the process share their compiled variants: with a mask or without, trained or frozen,
    with gradients or without, with dropout or without. Should there be more than `COMPILED_VARIANTS`, PyTorch runs the
    rest uncompiled, and the log says so once. Its environment variable TORCHDYNAMO_DISABLE=1 switches compilation off.
    """
    from torch._dynamo import config

    config.recompile_limit = COMPILED_VARIANTS
    logging.getLogger("torch._dynamo.convert_frame").addFilter(_repeat_that_the_limit_is_hit)
    for layer in encoder.encoder.layer:
        layer.compile(backend=backend)


def _repeat_that_the_limit_is_hit(record: logging.LogRecord) -> bool:
    """Sees what PyTorch says to stderr alone, which no job's log holds, and lets it pass."""
    if "hit config." in record.getMessage():
        _warn_of_uncompiled_layers()
    return True


@cache
def _warn_of_uncompiled_layers() -> None:
    log.warning(
        "torch.compile met more than %d variants of a layer and runs the rest uncompiled, which is slower;"
        " TORCH_LOGS=recompiles says why",
        COMPILED_VARIANTS,
    )
