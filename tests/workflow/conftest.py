"""Running the workflow as a user does, in another working directory."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def snakemake(tmp_path):
    """Runs snakemake with a config from tests/config in an empty working directory; returns the finished process."""

    def run(*arguments, config="smallest", directory=tmp_path):
        command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", directory]
        command += ["--workflow-profile", ROOT / "profiles" / "default"]
        if config:
            command += ["--configfile", ROOT / "tests" / "config" / f"{config}.yaml"]
        return subprocess.run([*map(str, command), *arguments], capture_output=True, text=True, timeout=900)

    return run
