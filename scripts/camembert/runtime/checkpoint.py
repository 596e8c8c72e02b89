"""Stopping a training and going on: checkpoints that survive a kill, and the signals that ask for one.

A checkpoint folder holds `step-N` folders, each with `state.pt` (tensors and plain values, read with
`weights_only`) and, written last, `manifest.json`: the sha256 of the state and the fingerprint of everything
that the training depends on, so that no other run picks it up. The newest two are kept.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from camembert.core.files import read_json, write_json
from camembert.core.provenance import hash_of

log = logging.getLogger(__name__)

KEPT = 2


def fingerprint_of(**dependencies: Any) -> str:
    """A hash of everything that a training run depends on: settings, data, teacher, code."""
    return hash_of(dependencies)


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
        found = [folder for folder in self.path.glob("step-*") if (folder / "manifest.json").is_file()]
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
            with open(partial / "state.pt", "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            write_json(partial / "manifest.json", {"step": step, "fingerprint": self.fingerprint, "sha256": digest})
            if target.exists():
                shutil.rmtree(target)
            os.replace(partial, target)
        except (OSError, RuntimeError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise OSError(
                f"the checkpoint of step {step} could not be written to {self.path}: {error}; the one before is intact"
            ) from error
        for old in self._folders()[KEPT:]:
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
                with open(folder / "state.pt", "rb") as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() != manifest["sha256"]:
                        raise ValueError("its content does not match its checksum")
                state = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
            except Exception as error:  # whatever is wrong with it, the one before may be good
                self._set_aside(folder, "damaged", f"is damaged ({error})")
                continue
            log.info("continuing from the checkpoint of step %d", manifest["step"])
            return state
        return None

    def _set_aside(self, folder: Path, name: str, reason: str) -> None:
        """Renames a checkpoint so that it is neither loaded nor counted among the newest that are kept."""
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


class Termination:
    """Notes that the process is to stop, by SIGTERM (a cluster) or SIGINT (Ctrl-C), instead of dying of it.

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
