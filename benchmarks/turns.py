"""Training loops that take turns: each in its own process, some seconds at a time, so that noise hits all alike."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")

STEPS_TO_GET_READY = 2


class Finished(Exception):
    """No more turns: the loop may end."""


@dataclass
class Turn:
    """What a loop tells at the end of its turn, of whose steps the first does not count."""

    seconds: float
    peak_memory: int
    """Bytes: of the process, or of the GPU where it computes on one."""
    done: int
    """Work: tokens trained on, or FLOPs."""
    losses: dict[str, float]
    """Of its first step."""


class Player:
    """A loop's side: it calls `tick` at the start of every step, waits there for its next turn, and adds to `done`.

    The first step of a turn does not count: it finds the caches as another loop left them.
    """

    def __init__(
        self,
        connection: Connection,
        synchronize: Callable[[], None] = lambda: None,
        gpu_memory: Callable[[], int] | None = None,
    ) -> None:
        self.connection, self.synchronize, self.gpu_memory = connection, synchronize, gpu_memory
        self.left, self.cold, self.done, self.began = 0, False, 0, time.perf_counter()
        self.losses: dict[str, float] = {}

    def tick(self) -> None:
        """Counts a step.

        Raises:
            Finished: the loop has had its last turn.
        """
        if self.left == 0:
            self.synchronize()
            seconds = time.perf_counter() - self.began
            in_process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # KiB on Linux
            memory = self.gpu_memory() if self.gpu_memory else in_process
            self.connection.send(Turn(seconds, memory, self.done, self.losses))
            self.left, self.cold = self.connection.recv(), True
            if not self.left:
                raise Finished
            return
        if self.cold:
            self.synchronize()
            self.began, self.done, self.cold = time.perf_counter(), 0, False
        self.left -= 1


@dataclass
class Opponent:
    """The command's side of a loop."""

    connection: Connection
    last: Turn
    seconds: list[float] = field(default_factory=list)
    """Per step, one entry a turn."""
    rates: list[float] = field(default_factory=list)
    """Work per second, one entry a turn."""

    def play(self, steps: int) -> None:
        """Gives it a turn of so many steps, after one that does not count, and waits for its end.

        Raises:
            RuntimeError: the process died.
        """
        try:
            self.connection.send(steps)
            self.last = self.connection.recv()
        except (EOFError, BrokenPipeError):
            raise RuntimeError("a contestant died; its traceback is above") from None
        self.seconds.append(self.last.seconds / steps)
        self.rates.append(self.last.done / self.last.seconds)

    def get_ready(self, seconds: float) -> int:
        """Plays two turns that do not count: the first sets up what it needs, the second tells how long a step takes.

        Returns:
            Steps of a turn of about so many seconds.
        """
        for _ in range(2):
            self.play(STEPS_TO_GET_READY)
        steps = max(1, round(seconds / self.seconds[-1]))
        self.seconds.clear()
        self.rates.clear()
        return steps


@contextmanager
def playing(play: Callable[..., None], players: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Opponent]]:
    """Starts one process a player and ends them all.

    Args:
        play: what a process calls; its module is imported once for all.
        players: by name, what `play` takes after the connection.

    Raises:
        RuntimeError: one could not start.
    """
    CONTEXT.set_forkserver_preload([play.__module__])
    with ExitStack() as stack:
        connections, opponents = {}, {}
        for name, arguments in players.items():
            here, there = CONTEXT.Pipe()
            process = CONTEXT.Process(target=play, args=(there, *arguments), name=name)
            process.start()
            there.close()
            stack.callback(process.join)
            stack.callback(here.close)
            stack.callback(_finish, here)
            connections[name] = here
        for name, connection in connections.items():
            try:
                opponents[name] = Opponent(connection, connection.recv())  # ready to start
            except EOFError:
                raise RuntimeError(f"{name} could not start; its traceback is above") from None
        yield opponents


def _finish(connection: Connection) -> None:
    with suppress(OSError):
        connection.send(0)
