"""Running the workflow as a user does, in another working directory."""

import os
import socketserver
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def network_at(address):
    """An environment in which everything that asks for the network, or for the hub, is led to one address."""
    switches = dict.fromkeys(("no_proxy", "NO_PROXY", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"), "")
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "HF_ENDPOINT")
    return switches | dict.fromkeys(names, address)


OFFLINE = network_at("http://127.0.0.1:9")
"""Any attempt to reach a network fails at once."""


def run_snakemake(*arguments, directory, config="smallest", environment=None):
    """Runs snakemake in a working directory, with a config from tests/config; returns the finished process."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", directory]
    command += ["--workflow-profile", ROOT / "profiles" / "default"]
    if config:
        command += ["--configfile", ROOT / "tests" / "config" / f"{config}.yaml"]
    return subprocess.run(
        [*map(str, command), *arguments],
        capture_output=True,
        text=True,
        timeout=900,
        env=os.environ | (environment or {}),
    )


@pytest.fixture
def snakemake(tmp_path):
    """Runs snakemake in an empty working directory."""
    return partial(run_snakemake, directory=tmp_path)


@contextmanager
def listening():
    """An environment whose network answers nothing, and the first bytes of everything that was sent there."""
    asked = []

    class Listener(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.settimeout(5)
            asked.append("a connection")
            with suppress(OSError):
                asked[-1] = self.request.recv(1000).decode(errors="replace")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield network_at(f"http://127.0.0.1:{server.server_address[1]}"), asked
        finally:
            server.shutdown()


@dataclass
class FinishedRun:
    """A run of an experiment: its working directory and what it printed."""

    directory: Path
    printed: str
    asked: list[str]
    """Who asked for the network while it ran."""

    @property
    def results(self) -> Path:
        return self.directory / "results" / "smallest"

    def snakemake(self, *arguments, config="smallest"):
        """Runs snakemake once more where the run has its results."""
        return run_snakemake(*arguments, directory=self.directory, config=config, environment=OFFLINE)


@pytest.fixture(scope="session")
def smallest_run(tmp_path_factory):
    """The smallest experiment, run once without a network for all tests that look at its results."""
    directory = tmp_path_factory.mktemp("smallest")
    with listening() as (network, asked):
        process = run_snakemake("--cores", "2", directory=directory, environment=network)
    assert process.returncode == 0, process.stdout + process.stderr
    return FinishedRun(directory, process.stdout, asked)
