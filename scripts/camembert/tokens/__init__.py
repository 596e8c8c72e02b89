"""Text as tokens: tokenizers, shards of them on disk, batches drawn from those; no PyTorch."""
