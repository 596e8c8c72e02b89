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
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed
from torch import multiprocessing as processes

from camembert.runtime.settings import TrainingSettings

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class WorkerError(RuntimeError):
    """A worker that died, with what it said."""


def size() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """The number of this process among them, from 0; the first one writes logs, checkpoints and models."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def workers_for(device: torch.device, gpus: int) -> int:
    """Processes for a job: one a GPU that it holds, one on CPU."""
    return max(1, gpus) if device.type == "cuda" else 1


def own_rows() -> slice:
    """The rows of every batch that this process takes."""
    return slice(rank(), None, size())


def all_reduce_sum(tensors: Iterable[Tensor]) -> None:
    """Replaces tensors by their sums over all processes, in one message."""
    if size() == 1:
        return
    tensors = list(tensors)
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    distributed.all_reduce(flat)
    for tensor, total in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(total.view_as(tensor))


def all_reduce_max(*numbers: int) -> list[int]:
    """Of each number the largest that a process says, so that all of them do the same next."""
    if size() == 1:
        return list(numbers)
    largest = torch.tensor(numbers)  # on the CPU, where gloo carries it: a GPU need not be waited for
    distributed.all_reduce(largest, distributed.ReduceOp.MAX)
    return [int(number) for number in largest]


@contextmanager
def main_process_first() -> Iterator[None]:
    """Lets the first process through a block before the others enter it."""
    if size() > 1 and rank():
        distributed.barrier()
    yield
    if size() > 1 and not rank():
        distributed.barrier()


def in_workers(work: Callable[..., Result], settings: TrainingSettings, **arguments: Any) -> Result:
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
    count = settings.processes
    if count == 1:
        return work(settings=settings, **arguments)
    context = processes.get_context("spawn")
    results, messages = context.SimpleQueue(), context.Queue()
    listener = logging.handlers.QueueListener(messages, *logging.getLogger().handlers)
    with tempfile.TemporaryDirectory() as folder:
        rendezvous = str(Path(folder) / "rendezvous")
        rest = (rendezvous, settings, messages, results, work, arguments)
        workers = [context.Process(target=_work, args=(number, *rest)) for number in range(count)]
        main = sys.modules["__main__"]
        received: list[int] = []
        pass_on = _pass_on(workers, received)
        before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
        listener.start()
        try:
            path, main.__file__ = getattr(main, "__file__", None), None  # workers need the library, not the script
            for worker in workers:
                worker.start()
            main.__file__ = path
            for number in list(received):
                pass_on(number, None)
            result = None
            while any(worker.is_alive() for worker in workers):
                if any(code and code <= 128 for code in _codes_of(workers)):
                    _end(workers)  # they would wait for the one that failed
                if not results.empty():
                    result = results.get()
                workers[0].join(0.05)
            if not results.empty():
                result = results.get()
        finally:
            _end(workers)
            listener.stop()
            for number, handler in before.items():
                signal.signal(number, handler)
    # a worker that a signal ended before it trained counts as stopped, like one that saved first
    statuses = [128 - code if code in (-signal.SIGTERM, -signal.SIGINT) else code for code in _codes_of(workers)]
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


def _codes_of(workers: list[Any]) -> list[int]:
    """Exit codes; that of a signal is negative, 0 stands for one that runs."""
    return [worker.exitcode or 0 for worker in workers]


def _pass_on(workers: list[Any], received: list[int]) -> Callable[..., None]:
    """A signal handler that tells the workers, who stop together after a checkpoint, and notes it for those to come."""

    def handler(number: int, _: object) -> None:
        received.append(number)
        for worker in workers:
            if worker.pid and worker.is_alive():
                os.kill(worker.pid, number)

    return handler


def _end(workers: list[Any]) -> None:
    for worker in workers:
        if worker.pid is None:
            continue
        if worker.is_alive():
            worker.kill()
        worker.join()
