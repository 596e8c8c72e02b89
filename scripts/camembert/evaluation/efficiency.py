"""What an encoder costs to keep and to run: parameters, bytes, operations, time, memory, energy.

Encoders of one experiment share their width and vocabulary, so these depend on the number of layers alone.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from camembert.core.files import WEIGHTS
from camembert.core.provenance import processor_name
from camembert.evaluation.predictors import pytorch_predictor
from camembert.evaluation.timing import STEADY_WITHIN, gpu_energy, speed
from camembert.models.encoder import load_encoder
from camembert.plan.flops import Shape
from camembert.runtime.devices import choose_precision


def measure_encoder(
    folder: str | os.PathLike[str], device: torch.device, settings: Mapping[str, Any], precision: str = "auto"
) -> dict[str, Any]:
    """Loads an encoder and measures it; nothing else should have been loaded into the process or run beside it.

    Memory is the process's own to report: it grows to a peak and never falls (`write_metrics`). Weights change no
    time, so any encoder of a depth stands for all of them.

    Args:
        folder: of the encoder.
        device: where to run it.
        settings: lengths, batch_size, repeats and seconds, as `speed` takes them.
        precision: of matrix products: auto, bf16 or fp32, as in the config.

    Returns:
        layers; parameters, of which embedding_parameters; bytes of the weights' file; forward_flops_per_token at each
        length; speed at each length, and steady_within, the spread up to which its repeats agree; what ran it; MiB of
        the process before the encoder and, on a GPU, of the GPU at most.
    """
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    encoder = load_encoder(folder).to(device)
    config = encoder.config
    shape = Shape(config.hidden_size, config.intermediate_size, config.vocab_size)
    gpu = device.type == "cuda"
    joules_spent = gpu_energy(str(torch.cuda.get_device_properties(device).uuid)) if gpu else None
    predictor = pytorch_predictor(encoder, output="pooler_output", precision=precision)
    return {
        "layers": config.num_hidden_layers,
        "parameters": sum(weight.numel() for weight in encoder.parameters()),
        "embedding_parameters": sum(weight.numel() for weight in encoder.embeddings.parameters()),
        "bytes": (Path(folder) / WEIGHTS).stat().st_size,
        "forward_flops_per_token": {
            str(tokens): shape.encoder_forward(config.num_hidden_layers, tokens) for tokens in settings["lengths"]
        },
        "speed": speed(predictor, config.vocab_size, **settings, joules_spent=joules_spent),
        "steady_within": STEADY_WITHIN,
        "batch": settings["batch_size"],
        "device": str(device),
        "processor": torch.cuda.get_device_name(device) if gpu else processor_name(),
        "precision": {"bf16": "bfloat16", "fp32": "float32"}[choose_precision(device, precision)],
        "memory_before_mib": before // 1024,
        "peak_gpu_memory_mib": torch.cuda.max_memory_allocated(device) // 2**20 if gpu else None,
    }
