"""A SLURM of its own for the tests here, on a machine that has its programs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun")


def obstacle():
    """Why no SLURM can be started here, or None."""
    if os.geteuid() != 0:
        return "only root can start SLURM's daemons"
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        return f"no {', '.join(missing)} here; install slurmctld, slurmd, slurm-client and munge"
    if Path("/dev/nvidia0").exists():
        return "this machine has a GPU, which jobs would find under the names of the stand-ins"
    if Path("/etc/slurm/slurm.conf").exists():
        return "/etc/slurm/slurm.conf exists: this machine has a SLURM already"
    return None


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A SLURM of one node with two stand-in GPUs, partitions cpu and gpu, and no accounting."""
    if reason := obstacle():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run([HERE / "cluster.sh", "start", folder], check=True, timeout=60)
    yield folder
    subprocess.run([HERE / "cluster.sh", "stop", folder], check=True, timeout=60)
