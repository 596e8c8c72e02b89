"""What every job of the workflow does around its work: a log that people can follow, and its metrics."""

from __future__ import annotations

import logging
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from camembert.core.files import write_json
from camembert.core.provenance import hash_json, versions
from camembert.plan.chain import parse_chain

log = logging.getLogger("camembert")

KIB_IN_MIB = 1024


@contextmanager
def logged(path: str | os.PathLike[str]) -> Iterator[None]:
    """Sends the log both to the job's log file and to stderr; a failure ends both with its reason.

    Mistakes of input (ValueError) and failures that explain themselves (RuntimeError, OSError) end in one
    line and exit status 1, anything else in a traceback.
    """
    versions()  # of now, whatever is checked out when the job ends
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [
        logging.FileHandler(path, mode="w", encoding="utf-8"),
        logging.StreamHandler(sys.stderr),
    ]
    logging.basicConfig(handlers=handlers, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S", force=True)
    log.setLevel(logging.INFO)  # of this library alone: font packages tell every step
    try:
        yield
    except (ValueError, RuntimeError, OSError) as error:
        known = type(error).__module__.startswith("camembert") or isinstance(error, OSError)
        log.error("%s: %s", type(error).__name__, error, exc_info=not known)
        sys.exit(1)
    except Exception:
        log.exception("the job failed")
        sys.exit(1)


@dataclass
class Work:
    """What a job is for took so long, without imports and loading.

    Attributes:
        seconds: wall time, over all starts.
        cpu_seconds: over all starts, and over the processes that work together.
        earlier_cpu_seconds: those of starts before the last.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    earlier_cpu_seconds: float = 0.0


class Stopwatch(Work):
    """Measures the work done in a `with` block."""

    def __enter__(self) -> Stopwatch:
        self.seconds, self.cpu_seconds = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds, self.cpu_seconds = time.perf_counter() - self.seconds, time.process_time() - self.cpu_seconds


def read_peak_memory() -> int:
    """MiB that this process held at most. Linux's `ru_maxrss` would begin with what the parent held."""
    status = Path("/proc/self/status")
    if status.is_file():
        (peak,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak) // KIB_IN_MIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**20  # bytes on macOS


def write_metrics(
    path: str | os.PathLike[str],
    work: Work,
    *,
    wildcards: Mapping[str, str],
    config: Mapping[str, Any],
    threads: int,
    **facts: Any,
) -> None:
    """Writes the metrics of a job as JSON: which model this is, what it took, what it ran with.

    Args:
        path: where to.
        work: times of the job's purpose; parts done by processes that were killed before count as well.
        wildcards: of the job's paths, of which recipe, chain, run and finetuning name a model.
        config: of the workflow, whose hash is kept.
        threads: that the job computed with.
        facts: what else there is to say.
    """
    model: dict[str, Any] = {name: wildcards[name] for name in ("recipe", "chain") if name in wildcards}
    if "chain" in model:
        model["layers"] = parse_chain(model["chain"]).layers
    model |= {name: int(wildcards[name]) for name in ("run", "finetuning") if name in wildcards}
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = {
        "seconds": round(work.seconds, 3),
        "cpu_seconds": round(work.cpu_seconds, 3),
        "job_seconds": round(time.time() - psutil.Process().create_time(), 3),
        "job_cpu_seconds": round(
            work.earlier_cpu_seconds + time.process_time() + workers.ru_utime + workers.ru_stime, 3
        ),
        "peak_memory_mib": max(read_peak_memory(), workers.ru_maxrss // KIB_IN_MIB),  # of the largest process
        "threads": threads,
        "ended": round(time.time(), 3),  # unix time, in seconds
    }
    origin = {"config_hash": hash_json(config), "versions": versions()}
    write_json(path, model | cost | facts | origin)
