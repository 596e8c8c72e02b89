"""The config that tests of the plan change."""

from pathlib import Path

import pytest

from camembert.plan.config import load_yaml


@pytest.fixture
def config():
    """config.yaml, which a test may change."""
    return load_yaml(Path(__file__).parents[3] / "config.yaml")
