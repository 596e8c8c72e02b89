"""Jobs of one machine share out its GPUs; names stand in for devices, and each job is a process of its own."""

import os
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from camembert.runtime.gpus import inherited_gpus

SCRIPTS = Path(__file__).parents[3] / "scripts"
JOB = """
import os, sys
from camembert.runtime.gpus import inherited_gpus, take_gpus
take_gpus(int(sys.argv[1]), inherited_gpus())
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.read()
"""


class Job:
    """A process that takes GPUs and keeps them until it ends."""

    def __init__(self, wanted: int, environment: dict[str, str]) -> None:
        command = [sys.executable, "-c", JOB, str(wanted)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=environment, text=True, **pipes)

    @property
    def gpus(self) -> str:
        """What it was given, waited for once."""
        if "_gpus" not in vars(self):
            self._gpus = self.process.stdout.readline().strip()
        return self._gpus

    def end(self) -> None:
        self.process.communicate()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def job(tmp_path):
    """Starts a job on a machine with some GPUs."""
    with ExitStack() as stack:

        def start(wanted: int = 1, gpus: str = "0,1", **more: str) -> Job:
            environment = {key: value for key, value in os.environ.items() if key != "SLURM_JOB_ID"}
            environment |= {"CUDA_VISIBLE_DEVICES": gpus, "TMPDIR": str(tmp_path), "PYTHONPATH": str(SCRIPTS)}
            started = Job(wanted, environment | more)
            stack.callback(started.kill)
            return started

        yield start


@pytest.mark.parametrize("leave", ["end", "kill"])
def test_four_jobs_on_two_gpus_each_have_one_of_their_own_two_at_a_time(job, leave):
    first, second = job(), job()
    assert {first.gpus, second.gpus} == {"0", "1"}
    getattr(first, leave)()
    third = job()
    assert third.gpus == first.gpus
    getattr(second, leave)()
    assert job().gpus == second.gpus


def test_four_jobs_at_once_on_two_gpus_share_them_evenly_and_the_next_takes_the_place_of_a_killed_one(job):
    jobs = [job() for _ in range(4)]
    assert Counter(each.gpus for each in jobs) == {"0": 2, "1": 2}
    jobs[2].kill()
    assert job().gpus == jobs[2].gpus


def test_a_gpu_without_jobs_comes_before_one_that_lost_one_of_two(job):
    jobs = [job() for _ in range(4)]
    left, *gone = sorted(jobs, key=lambda each: each.gpus)
    for each in gone:
        each.kill()
    assert job().gpus != left.gpus


def test_a_job_has_as_many_gpus_as_it_reserves(job):
    assert job(2, "0,1,2").gpus == "0,1"
    assert job(1, "0,1,2").gpus == "2"


def test_gpus_are_chosen_among_those_that_whoever_starts_the_jobs_may_use(job):
    assert [job(gpus="5,GPU-1c,5").gpus for _ in range(2)] == ["5", "GPU-1c"]
    assert job(gpus="MIG-GPU-1c/3/0").gpus == "MIG-GPU-1c/3/0"


def test_under_slurm_a_job_keeps_what_it_was_given(job, tmp_path):
    """Two allocations may call different GPUs by the same number."""
    for number in ("7", "8"):
        assert job(2, SLURM_JOB_ID=number).gpus == "0,1"
    assert list(tmp_path.iterdir()) == []


def test_jobs_in_one_allocation_share_out_its_gpus(job):
    assert [job(SLURM_JOB_ID=number).gpus for number in ("7", "7", "8")] == ["0", "1", "0"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, None), ("", []), ("-1", []), ("0,-1,2", ["0"]), (" 2, GPU-1c ", ["2", "GPU-1c"]), ("1,1", ["1"])],
)
def test_visible_devices_are_read_as_cuda_reads_them(monkeypatch, value, expected):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if value is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert inherited_gpus() == expected
