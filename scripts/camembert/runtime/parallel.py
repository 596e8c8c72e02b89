"""Several processes that train one model: each takes some rows of every batch, and gradients are added up.

A workflow's job is one process and cannot be started by a launcher, so the library starts its own workers: one a
GPU (NCCL), or on CPU (gloo) for tests. Without workers there is one process, which
has all rows, and sums and maxima over processes are its own values.

PyTorch's elastic launcher is not used: it answers a signal by ending its workers within a fixed time and raising, and a
failure by its own exit status, whereas here SIGTERM is passed on, the workers save one checkpoint of the same step, and
the job ends with their status, 143. It also needs a rendezvous server with a port, where a file on the node suffices.
"""

from __future__ import annotations

import logging
import logging.handlers
import math
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed
from torch import multiprocessing as processes

from camembert.runtime.checkpoint import SIGNALS, on_termination

log = logging.getLogger(__name__)

CPU = torch.device("cpu")
Result = TypeVar("Result")


class WorkerError(RuntimeError):
    """A worker that died, with what it said."""


@dataclass(frozen=True)
class TrainingSettings:
    """Name, seed, device and checkpoints of a training. The defaults train on the CPU, without checkpoints.

    Attributes:
        name: what the log calls it.
        seed: of the order of the data and of everything random in a step.
        device: where it computes; of several processes, each takes the GPU of its number.
        precision: of matrix products: auto, bf16 or fp32, as in the config.
        processes: that train together and share the rows of every batch.
        threads: CPU threads of all processes together, where there are several.
        checkpoints: the folder of its checkpoints; None keeps none.
        checkpoint_seconds: wall time between two of them.
    """

    name: str = "training"
    seed: int = 1
    device: torch.device = CPU
    precision: str = "auto"
    processes: int = 1
    threads: int = 1
    checkpoints: str | os.PathLike[str] | None = None
    checkpoint_seconds: float = math.inf


def world_size() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """The number of this process among them, from 0; the first one writes logs, checkpoints and models."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def count_processes(device: torch.device, gpus: int) -> int:
    """Processes that a job trains with: one a GPU that it holds, one on CPU."""
    return max(1, gpus) if device.type == "cuda" else 1


def own_rows() -> slice:
    """The rows of every batch that this process takes."""
    return slice(rank(), None, world_size())


def all_reduce_sum(tensors: Iterable[Tensor]) -> None:
    """Replaces tensors by their sums over all processes, in one message."""
    if world_size() == 1:
        return
    tensors = list(tensors)
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    distributed.all_reduce(flat)
    for tensor, total in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(total.view_as(tensor))


def all_reduce_max(*numbers: int) -> list[int]:
    """Of each number the largest that a process says, so that all of them do the same next."""
    if world_size() == 1:
        return list(numbers)
    largest = torch.tensor(numbers)  # on the CPU, where gloo carries it: a GPU need not be waited for
    distributed.all_reduce(largest, distributed.ReduceOp.MAX)
    return [int(number) for number in largest]


@contextmanager
def main_process_first() -> Iterator[None]:
    """Lets the first process through a block before the others enter it."""
    if world_size() > 1 and rank():
        distributed.barrier()
    yield
    if world_size() > 1 and not rank():
        distributed.barrier()


def run_in_workers(work: Callable[..., Result], settings: TrainingSettings, **arguments: Any) -> Result:
    """Calls `work(settings=..., **arguments)`, in this process or in several, and returns the first one's result.

    Args:
        work: a function of a module, the same in every worker.
        settings: how many processes, of which 1 starts none; of several, each takes the GPU of its number and an equal
            share of the threads.
        arguments: of `work`; a copy goes to every worker.

    Raises:
        WorkerError: a worker failed.
        SystemExit: the workers stopped because this process was told to, with their status.
    """
    if settings.processes == 1:
        return work(settings=settings, **arguments)
    context = processes.get_context("spawn")
    results, messages = context.SimpleQueue(), context.Queue()
    listener = logging.handlers.QueueListener(messages, *logging.getLogger().handlers)
    workers: list[Any] = []
    received: list[int] = []

    def pass_on(number: int) -> None:
        """The workers stop together after a checkpoint; those to come are told when they are there."""
        received.append(number)
        for worker in workers:
            if worker.is_alive():
                os.kill(worker.pid, number)

    def exit_codes() -> list[int]:
        """Negative for a signal, 0 for a worker that runs."""
        return [worker.exitcode or 0 for worker in workers]

    def end_workers() -> None:
        for worker in workers:
            worker.kill()
            worker.join()

    main, result = sys.modules["__main__"], None
    with tempfile.TemporaryDirectory() as folder, on_termination(pass_on):
        listener.start()
        try:
            path, main.__file__ = getattr(main, "__file__", None), None  # workers need the library, not the script
            for number in range(settings.processes):
                rest = (str(Path(folder) / "rendezvous"), settings, messages, results, work, arguments)
                worker = context.Process(target=_work, args=(number, *rest))
                worker.start()
                workers.append(worker)
            main.__file__ = path
            for number in list(received):
                pass_on(number)
            while any(worker.is_alive() for worker in workers):
                if any(code and code <= 128 for code in exit_codes()):
                    end_workers()  # they would wait for the one that failed
                if not results.empty():
                    result = results.get()
                workers[0].join(0.05)
            if not results.empty():
                result = results.get()
        finally:
            end_workers()
            listener.stop()
    # a worker that a signal ended before it trained counts as stopped, like one that saved first
    statuses = [128 - code if -code in SIGNALS else code for code in exit_codes()]
    failed = [status for status in statuses if status < 0 or 0 < status <= 128]
    stopped = [status for status in statuses if status > 128]
    # of those told to stop one may go while another waits for it, and is ended
    if stopped and (received or not failed):
        raise SystemExit(max(stopped))
    if result is None or failed:
        raise WorkerError(f"a worker failed (exit statuses {statuses}); the log says why")
    return result[0]


def _work(
    number: int,
    rendezvous: str,
    settings: TrainingSettings,
    messages: Any,
    results: Any,
    work: Callable[..., Any],
    arguments: dict[str, Any],
) -> None:
    # a worker ends with its parent, however that one ended
    processes._prctl_pr_set_pdeathsig(signal.SIGTERM)  # type: ignore[attr-defined]
    logging.basicConfig(handlers=[logging.handlers.QueueHandler(messages)], format="%(message)s")
    logging.getLogger("camembert").setLevel(logging.INFO if number == 0 else logging.ERROR)
    try:
        torch.set_num_threads(max(1, settings.threads // settings.processes))
        backend = "gloo"
        if settings.device.type == "cuda":
            settings, backend = replace(settings, device=torch.device("cuda", number)), "cpu:gloo,cuda:nccl"
            torch.cuda.set_device(settings.device)
        distributed.init_process_group(
            backend, init_method=f"file://{rendezvous}", rank=number, world_size=settings.processes
        )
        distributed.barrier()  # one that was done before others have met would look dead to them
        try:
            result, status = work(settings=settings, **arguments), 0
        except SystemExit as stop:  # told to stop, as all of them were, at the same step
            result, status = None, int(stop.code or 0)
        distributed.barrier()
        distributed.destroy_process_group()
        if number == 0 and status == 0:
            results.put((result,))
    except Exception as error:
        known = type(error).__module__.startswith("camembert") or isinstance(error, OSError)
        log.error("worker %d: %s: %s", number, type(error).__name__, error, exc_info=not known)
        status = 1
    except KeyboardInterrupt:  # Ctrl-C before it trained
        status = 128 + signal.SIGINT
    messages.close()
    messages.join_thread()
    os._exit(status)  # threads of a process group that others still wait in may abort an orderly end of Python
