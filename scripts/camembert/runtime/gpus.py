"""The GPUs of a machine, shared out among the jobs that run on it.

Snakemake counts the GPUs that local jobs reserve but hands none out: each would compute on the first. Here every job
takes GPUs for itself and lets CUDA show it no others. It holds them by locks on files (`flock`), which the system gives
back however the process ends, by SIGKILL too; a worker that outlives it is told to stop and may use its GPU until then.

Jobs agree through a folder of the machine's temporary files, one a user. They know a GPU by its name in
CUDA_VISIBLE_DEVICES, so those of one machine should use one kind of names: numbers, or UUIDs.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
_held: list[FileLock] = []
"""Locks are given back when nothing refers to them any more."""


def inherited_gpus() -> list[str] | None:
    """The GPUs that CUDA_VISIBLE_DEVICES names, as CUDA reads it; None where it is not set."""
    if VISIBLE not in os.environ:
        return None
    names: list[str] = []
    for name in map(str.strip, os.environ[VISIBLE].split(",")):
        if not name or name.startswith("-"):  # CUDA ignores whatever follows a name of no GPU
            break
        names.append(name)
    return list(dict.fromkeys(names))


def take_gpus(wanted: int, gpus: Sequence[str]) -> list[str]:
    """Takes the GPUs with the fewest jobs, for as long as this process lives, and makes CUDA show it no others.

    It must be called before CUDA starts in this process. No job waits: where more run than there are GPUs, some share
    one, evenly. How many run is for Snakemake's resource `gpu` to limit. Under SLURM, which hands out GPUs, a job that
    wants all it was given takes no lock, and jobs of different allocations know nothing of each other.

    Args:
        wanted: how many.
        gpus: names of those to choose from.

    Returns:
        Names of the GPUs taken, in the order of `gpus`; all where there are no more than wanted.
    """
    allocation = os.environ.get("SLURM_JOB_ID")
    if not gpus or (allocation and wanted >= len(gpus)):
        return list(gpus)
    folder = Path(tempfile.gettempdir()) / "-".join(filter(None, ["camembert-gpus", str(os.getuid()), allocation]))
    folder.mkdir(mode=0o700, exist_ok=True)
    places = {gpu: folder / gpu.replace("/", "-") for gpu in gpus}  # a lock a job
    with FileLock(folder / "choosing.lock"):
        jobs = {gpu: _count_jobs(place) for gpu, place in places.items()}
        taken = sorted(sorted(gpus, key=lambda gpu: jobs[gpu])[:wanted], key=list(gpus).index)
        for gpu in taken:
            _held.append(next(lock for number in count() if (lock := _try_lock(places[gpu] / f"{number}.lock"))))
            if jobs[gpu]:
                log.info(
                    "GPU %s has other jobs too (%d): more GPUs are reserved at once than there are", gpu, jobs[gpu]
                )
    os.environ[VISIBLE] = ",".join(taken)
    return taken


def _count_jobs(place: Path) -> int:
    """How many jobs have a GPU."""
    place.mkdir(exist_ok=True)
    locks = [_try_lock(path) for path in place.iterdir()]
    for lock in filter(None, locks):
        lock.release()
    return locks.count(None)


def _try_lock(path: Path) -> FileLock | None:
    """The lock on a file; None where another process has it."""
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock
