"""Encoders and classifiers, a student made from its teacher, and what it is asked to match."""
