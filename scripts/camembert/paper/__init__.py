"""From predictions and metrics to statistics, tables and figures; no PyTorch."""
