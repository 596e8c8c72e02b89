"""Data that is made or read, and batches drawn from it; no PyTorch."""
