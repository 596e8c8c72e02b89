"""The processes that the command starts: one loop each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection

import torch

import ours
import peers
from cases import CEILING, Case
from turns import Finished, Player


def play(connection: Connection, loop: str, case: Case, device: str, threads: int) -> None:
    """Runs one loop until it has had its last turn.

    Args:
        connection: to the command.
        loop: a key of `LOOPS`.
        case: what is measured.
        device: cpu or cuda.
        threads: CPU threads to compute with.
    """
    logging.disable(logging.WARNING)
    torch.set_num_threads(threads)
    with suppress(Finished):
        LOOPS[loop](case, torch.device(device), player_of(connection, device))


def player_of(connection: Connection, device: str) -> Player:
    """A player that waits for the GPU, where there is one, before it looks at the clock."""
    if device == "cpu":
        return Player(connection, lambda: None, None)
    return Player(connection, torch.cuda.synchronize, torch.cuda.max_memory_allocated)


def gpu(case: Case, device: torch.device, player: Player) -> None:
    """Tells which GPU there is, None for none."""
    player.facts["gpu"] = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    player.tick()


def ceiling(case: Case, device: torch.device, player: Player) -> None:
    """Products of two matrices, of the size that is fastest of a few: what the arithmetic of a step is measured by."""
    kind = torch.bfloat16 if device.type == "cuda" else torch.float32
    work = case.flops * case.tokens  # of a step, so that turns are as long as others'
    sizes = [(case.tokens, case.hidden, case.intermediate), *((n, n, n) for n in (1024, 2048, 8192) if n**3 <= work)]

    def multiply(m: int, k: int, n: int) -> Callable[[], int]:
        left, right = (torch.randn(shape, device=device, dtype=kind) for shape in ((m, k), (k, n)))
        repeats = max(1, int(work / (2 * m * k * n)))

        def products() -> int:
            for _ in range(repeats):
                left @ right
            return repeats * 2 * m * k * n

        return products

    def rate(products: Callable[[], int]) -> float:
        products()
        player.synchronize()
        began, flops = time.perf_counter(), products()
        player.synchronize()
        return flops / (time.perf_counter() - began)

    fastest = max((multiply(*size) for size in sizes), key=rate)
    while True:
        player.tick()
        player.done += fastest()


LOOPS: dict[str, Callable[..., None]] = {
    "gpu": gpu,
    CEILING: ceiling,
    "ours": ours.on_rows,
    "packed": ours.on_packed_rows,
    "packing": partial(ours.on_packed_rows, as_it_trains=True),
    "plain": peers.plain,
    "textbrewer_mlm": peers.textbrewer(heads=True, frozen=False),
    "textbrewer_bare": peers.textbrewer(heads=False, frozen=False),
    "textbrewer_frozen": peers.textbrewer(heads=False, frozen=True),
}
