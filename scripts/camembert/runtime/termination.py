"""Being asked to stop: by a cluster (SIGTERM) or by Ctrl-C (SIGINT)."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class Termination:
    """Notes the signal instead of dying of it, while the block under it runs.

    Attributes:
        signal: the number of the signal that arrived, or 0.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        self.signal = 0
        self.before: dict[signal.Signals, Any] = {}

    def _note(self, signum: int, frame: FrameType | None) -> None:
        self.signal = signum

    def __enter__(self) -> Termination:
        if threading.current_thread() is threading.main_thread():
            self.before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
