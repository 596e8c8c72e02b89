"""Training loops that take turns: each in its own process, some seconds at a time, so that noise hits all alike."""

from __future__ import annotations

import importlib
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
    facts: dict[str, Any]
    """What else the loop has to say, such as the losses of its first step."""


class Player:
    """A loop's side: it calls `tick` at the start of every step, waits there for its next turn, and adds to `done`.

    The first step of a turn does not count: it finds the caches as another loop left them.
    """

    def __init__(
        self, connection: Connection, synchronize: Callable[[], None], gpu_memory: Callable[[], int] | None
    ) -> None:
        self.connection, self.synchronize, self.gpu_memory = connection, synchronize, gpu_memory
        self.left, self.cold = 0, False
        self._count_from_now()
        self.facts: dict[str, Any] = {}

    def tick(self) -> None:
        """Counts a step.

        Raises:
            Finished: the loop has had its last turn.
        """
        if self.left == 0:
            self.synchronize()
            seconds = time.perf_counter() - self.began
            self.connection.send(Turn(seconds, self.peak_memory(), self.done, self.facts))
            self.left, self.cold = self.connection.recv(), True
            if not self.left:
                raise Finished
            return
        if self.cold:
            self.synchronize()
            self._count_from_now()
            self.cold = False
        self.left -= 1

    def _count_from_now(self) -> None:
        self.began, self.done = time.perf_counter(), 0

    def peak_memory(self) -> int:
        if self.gpu_memory:
            return self.gpu_memory()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # KiB on Linux


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
def playing(play: str, players: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Opponent]]:
    """Starts one process a player and ends them all.

    Args:
        play: what a process calls, as module:function; the module, which may load torch, is imported once for all, and
            not by the command itself.
        players: by name, what `play` takes after the connection.

    Raises:
        RuntimeError: one could not start.
    """
    CONTEXT.set_forkserver_preload([play.split(":")[0]])
    with ExitStack() as stack:
        connections, opponents = {}, {}
        for name, arguments in players.items():
            here, there = CONTEXT.Pipe()
            process = CONTEXT.Process(target=_play, args=(there, play, *arguments), name=name)
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


def _play(connection: Connection, play: str, *arguments: Any) -> None:
    module, function = play.split(":")
    getattr(importlib.import_module(module), function)(connection, *arguments)


def _finish(connection: Connection) -> None:
    with suppress(OSError):
        connection.send(0)
