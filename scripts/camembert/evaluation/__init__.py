"""Predictions of a trained model, and what it costs to run."""
