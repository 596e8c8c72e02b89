"""Task, sentences and text that are made, read or downloaded; no PyTorch."""
