"""How fast PyTorch and ONNX run a classifier of random weights, in float32 and with eight-bit integers.

    python benchmarks/release_forms.py --shape mbert-6 --threads 1

Speed does not depend on what the weights are, so the sizes of a release can be tried before there is one.
"""

import argparse
import sys
import tempfile
from datetime import date
from pathlib import Path

import pandas as pd
import torch
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertForSequenceClassification

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from camembert import nli
from camembert.onnx_export import export_model, quantize_model
from camembert.predictors import onnx_predictor, pytorch_predictor
from camembert.provenance import processor_name, versions
from camembert.timing import speed

SHAPES = {
    "embedded-3": {
        "vocab_size": 6000,
        "hidden_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 512,
    },
    "mbert-6": {
        "vocab_size": 119_547,
        "hidden_size": 768,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
    },
}


def measure(shape: str, threads: int, lengths: list[int], batch: int, repeats: int, seconds: float) -> pd.DataFrame:
    """One row a form: size in MiB, latency in ms and rows a second at each length."""
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    config = BertConfig(num_labels=len(nli.LABELS), attn_implementation="sdpa", **SHAPES[shape])
    classifier = BertForSequenceClassification(config).eval()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        full, small = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        export_model(classifier, full)
        quantize_model(full, small)
        forms = {
            "PyTorch, float32": (pytorch_predictor(classifier), sum(4 * p.numel() for p in classifier.parameters())),
            "ONNX, float32": (onnx_predictor(full, threads), full.stat().st_size),
            "ONNX, 8-bit integers": (onnx_predictor(small, threads), small.stat().st_size),
        }
        for form, (predictor, size) in forms.items():
            row = {"Form": form, "Weights (MiB)": f"{size / 2**20:.1f}"}
            settings = {"lengths": lengths, "batch": batch, "repeats": repeats, "seconds": seconds}
            for at in speed(predictor, config.vocab_size, counters=[], **settings):
                row[f"Latency, {at['tokens']} tokens (ms)"] = f"{at['latency_ms']:.2f}"
                row[f"Rows/s, {at['tokens']} tokens"] = f"{at['rows_per_second']:.1f}"
            rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="embedded-3")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--lengths", type=int, nargs="+", default=[16, 64, 128])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    print(measure(**vars(arguments)).to_markdown(index=False, disable_numparse=True))
    print(f"\n{vars(arguments)}, {processor_name()}, {date.today()}, {versions()}")
