"""Stopping a training and going on: checkpoints that survive a kill, and the signals that ask for one.

A checkpoint folder holds `step-N` folders, each with `state.pt` (tensors and plain values, read with
`weights_only`) and, written last, `manifest.json`: the sha256 of the state and the fingerprint of everything
that the training depends on, so that no other run picks it up.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from camembert.core.files import read_json, write_json
from camembert.core.provenance import hash_file

log = logging.getLogger(__name__)

CHECKPOINTS = 2
"""Of a run, the newest; older ones are deleted."""
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class CheckpointFolder:
    """The checkpoints of one training run.

    Args:
        path: a fixed folder that is no declared output of a workflow, since those are deleted before a rerun.
        fingerprint: of what the run depends on; checkpoints with another one are set aside.
    """

    def __init__(self, path: str | os.PathLike[str], fingerprint: str) -> None:
        self.path = Path(path)
        self.fingerprint = fingerprint

    def _folders(self) -> list[Path]:
        """Complete-looking checkpoints, the newest first."""
        found = [manifest.parent for manifest in self.path.glob("step-*/manifest.json")]
        return sorted(found, key=lambda folder: int(folder.name.split("-")[1]), reverse=True)

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Writes a checkpoint; a kill or a full disk at any moment leaves the ones before it intact.

        Raises:
            OSError: it could not be written (for instance "no space left on device").
        """
        self.path.mkdir(parents=True, exist_ok=True)
        for leftover in self.path.glob(".partial-*"):
            shutil.rmtree(leftover)
        partial, target = self.path / f".partial-{step}", self.path / f"step-{step}"
        try:
            partial.mkdir()
            with open(partial / "state.pt", "wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            facts = {"step": step, "fingerprint": self.fingerprint, "sha256": hash_file(partial / "state.pt")}
            write_json(partial / "manifest.json", facts)
            if target.exists():
                shutil.rmtree(target)
            os.replace(partial, target)
        except (OSError, RuntimeError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise OSError(
                f"the checkpoint of step {step} could not be written to {self.path}: {error}; the one before is intact"
            ) from error
        for old in self._folders()[CHECKPOINTS:]:
            doomed = self.path / f".partial-{old.name}"  # swept up by the next one if a kill leaves some of it
            os.replace(old, doomed)
            shutil.rmtree(doomed)

    def load(self) -> dict[str, Any] | None:
        """The newest good checkpoint of this run, on the CPU, or None; sets damaged ones and strangers aside."""
        for folder in self._folders():
            try:
                manifest = read_json(folder / "manifest.json")
                if manifest["fingerprint"] != self.fingerprint:
                    reason = "was made with other settings, data, teacher, code, packages or device"
                    self._set_aside(folder, "of-another-run", reason)
                    continue
                if hash_file(folder / "state.pt") != manifest["sha256"]:
                    raise ValueError("its content does not match its checksum")
                state = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
            except Exception as error:  # whatever is wrong with it, the one before may be good
                self._set_aside(folder, "damaged", f"is damaged ({error})")
                continue
            log.info("continuing from the checkpoint of step %d", manifest["step"])
            return state
        return None

    def _set_aside(self, folder: Path, name: str, reason: str) -> None:
        """Renames a checkpoint so that it is neither loaded nor counted among the newest."""
        aside = self.path / f"{name}-{folder.name}"
        if aside.exists():
            shutil.rmtree(aside)
        os.replace(folder, aside)
        log.warning("checkpoint %s %s; set aside as %s", folder, reason, aside)


def clear(path: str | os.PathLike[str]) -> None:
    """Deletes the checkpoints of a run that is over.

    Its own job is too early: after it the workflow may still refuse the results (a node's clock that is behind makes
    them older than their input), and make them again. The job that reads them knows that they were taken.
    """
    shutil.rmtree(path, ignore_errors=True)


@contextmanager
def on_termination(handle: Callable[[int], None]) -> Iterator[None]:
    """Calls `handle` with the number of a SIGTERM (a cluster) or SIGINT (Ctrl-C), instead of ending the process.

    Only the main thread may handle signals; in another one nothing changes.
    """
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {each: signal.signal(each, lambda number, _: handle(number)) for each in SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
