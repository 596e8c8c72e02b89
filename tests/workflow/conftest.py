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
import yaml

ROOT = Path(__file__).parents[2]


def network_at(address):
    """An environment in which everything that asks for the network, or for the hub, is led to one address."""
    switches = dict.fromkeys(("no_proxy", "NO_PROXY", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"), "")
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "HF_ENDPOINT")
    return switches | dict.fromkeys(names, address)


OFFLINE = network_at("http://127.0.0.1:9")
"""Any attempt to reach a network fails at once."""


def run_snakemake(*arguments, directory, configs=("smallest",), environment=None, fails=False):
    """Runs snakemake in a working directory and checks whether it fails; returns what it printed.

    Args:
        arguments: of the command.
        directory: the working directory.
        configs: laid over one another: a name in tests/config, a path, or the content as a dict.
        environment: variables beside those of this process.
        fails: whether it has to.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", directory]
    command += ["--workflow-profile", ROOT / "profiles" / "default", *arguments]
    paths = [ROOT / "tests" / "config" / f"{config}.yaml" if isinstance(config, str) else config for config in configs]
    for number, config in enumerate(paths):
        if isinstance(config, dict):
            paths[number] = directory / f"config-{number}.yaml"
            paths[number].write_text(yaml.safe_dump(config))
    command += ["--configfile", *paths] if paths else []
    process = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=900, env=os.environ | (environment or {})
    )
    printed = process.stdout + process.stderr
    assert (process.returncode != 0) == fails, printed
    return printed


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
    """A run of an experiment: its working directory, what it printed, and who asked for the network meanwhile."""

    directory: Path
    printed: str
    asked: list[str]

    @property
    def results(self) -> Path:
        return self.directory / "results" / "smallest"

    def snakemake(self, *arguments, change=None, fails=False):
        """Runs snakemake once more where the run has its results, with some keys of its config changed."""
        configs = ["smallest", change] if change else ["smallest"]
        return run_snakemake(*arguments, directory=self.directory, configs=configs, environment=OFFLINE, fails=fails)


@pytest.fixture(scope="session")
def smallest_run(tmp_path_factory):
    """The smallest experiment, run once without a network for all tests that look at its results."""
    directory = tmp_path_factory.mktemp("smallest")
    with listening() as (network, asked):
        printed = run_snakemake("--cores", "2", directory=directory, environment=network)
    return FinishedRun(directory, printed, asked)
