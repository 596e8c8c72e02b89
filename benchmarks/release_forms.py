"""How fast PyTorch and ONNX run a classifier of random weights, in float32 and with eight-bit integers.

    python benchmarks/release_forms.py --shape mbert-6

Speed does not depend on what the weights are, so the sizes of a release can be tried before there is one. Times are
CPU seconds of one thread, so that what else runs on the machine does not count.
"""

import argparse
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import pandas as pd
import torch
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertForSequenceClassification

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from camembert.core.provenance import processor_name, versions
from camembert.evaluation.predictors import onnx_predictor, pytorch_predictor
from camembert.evaluation.timing import random_inputs, run_seconds
from camembert.release.onnx_export import export_model, quantize_model

SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
SHAPES = {"embedded-3": (6000, 128, 3, 4, 512), "mbert-6": (119_547, 768, 6, 12, 3072)}


def measure(shape: str, lengths: list[int], batch: int, repeats: int, seconds: float) -> pd.DataFrame:
    """One row a form: size in MiB, and at each length latency in ms and rows a second in batches."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    sizes = dict(zip(SIZES, SHAPES[shape], strict=True))
    config = BertConfig(**sizes, num_labels=3, attn_implementation="sdpa")
    classifier = BertForSequenceClassification(config).eval()
    table = []
    with tempfile.TemporaryDirectory() as folder:
        full, small = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        export_model(classifier, full)
        quantize_model(full, small)
        forms = {
            "PyTorch, float32": (pytorch_predictor(classifier), sum(4 * p.numel() for p in classifier.parameters())),
            "ONNX, float32": (onnx_predictor(full, threads=1), full.stat().st_size),
            "ONNX, 8-bit integers": (onnx_predictor(small, threads=1), small.stat().st_size),
        }
        for form, (predictor, size) in forms.items():
            row = {"Form": form, "Weights (MiB)": f"{size / 2**20:.1f}"}
            for tokens in lengths:
                batches = [random_inputs(rows, tokens, config.vocab_size) for rows in (1, batch)]
                one, many = (
                    statistics.median(run_seconds(predictor, inputs, repeats, seconds, clock=time.process_time))
                    for inputs in batches
                )
                row[f"Latency, {tokens} tokens (ms)"] = f"{1000 * one:.2f}"
                row[f"Rows/s, {tokens} tokens"] = f"{batch / many:.1f}"
            table.append(row)
    return pd.DataFrame(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="embedded-3")
    parser.add_argument("--lengths", type=int, nargs="+", default=[16, 64, 128])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    print(measure(**vars(arguments)).to_markdown(index=False, disable_numparse=True))
    print(f"\n{vars(arguments)}, {processor_name()}, {date.today()}, {versions()}")
