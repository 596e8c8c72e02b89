"""CAMeMBERT's library, a package a phase: docs/method.md has its map. `data.hub` alone uses a network."""

import os

os.environ |= {  # or libraries tell their makers: datasets of each file it reads, ONNX Runtime of each model it loads
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "ORT_DISABLE_TELEMETRY": "1",
}
