"""Checkpoints: kept through kills, damage and full disks, and never given to a run they do not belong to."""

import errno
import hashlib
import json
import logging
import os
import pickle
import resource
import shutil
import sys
from contextlib import contextmanager, suppress

import pytest
import torch

from camembert.runtime import checkpoint
from camembert.runtime.checkpoint import CheckpointFolder, clear

CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path):
    return CheckpointFolder(tmp_path / "checkpoints", "this run")


def state_of(step: int, size: int = 10) -> dict:
    return {"step": step, "model": {"weight": torch.full((size,), float(step))}, "run": {"curve": [{"loss": 0.5}]}}


def names(folder: CheckpointFolder) -> list[str]:
    return sorted(path.name for path in folder.path.iterdir())


def newest(folder: CheckpointFolder) -> int | None:
    """The step that a run would go on from, once its state is shown to be the one saved at that step."""
    state = folder.load()
    if state is None:
        return None
    assert torch.equal(
        state["model"]["weight"], state_of(state["step"], len(state["model"]["weight"]))["model"]["weight"]
    )
    return state["step"]


# --- saving and loading ---------------------------------------------------------------------------------------


def test_what_is_loaded_is_what_was_saved(folder):
    state = {
        "step": 3,
        "model": {"weight": torch.randn(3, 2), "half": torch.randn(4).bfloat16()},
        "optimizer": torch.optim.AdamW([torch.nn.Parameter(torch.ones(2))]).state_dict(),
        "run": {"curve": [{"loss": 0.1, "split": "train"}], "best": None, "seconds": 1.5},
    }
    folder.save(3, state)
    loaded = folder.load()
    assert loaded is not None
    for key, weight in state["model"].items():
        assert torch.equal(loaded["model"][key], weight)
        assert loaded["model"][key].dtype == weight.dtype
    assert (loaded["step"], loaded["optimizer"], loaded["run"]) == (3, state["optimizer"], state["run"])


def test_a_run_that_never_saved_starts_anew(folder):
    assert folder.load() is None
    folder.path.mkdir()
    assert folder.load() is None


def test_the_newest_two_are_kept(folder):
    for step in (9, 10, 11, 100):
        folder.save(step, state_of(step))
    assert names(folder) == ["step-100", "step-11"]
    assert newest(folder) == 100


def test_cleared_checkpoints_are_gone(folder):
    folder.save(1, state_of(1))
    clear(folder.path)
    clear(folder.path)
    assert not folder.path.exists()


# --- kills ----------------------------------------------------------------------------------------------------

FILE_OPERATIONS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree")


def save_and_die(folder: CheckpointFolder, step: int, operation: int) -> bool:
    """Saves in a child that dies at the n-th operation on files; False if it had fewer and lived."""
    child = os.fork()
    if child == 0:
        left = operation

        def die_in_time(event: str, _: tuple) -> None:
            nonlocal left
            if event in FILE_OPERATIONS:
                left -= 1
                if left < 0:
                    os._exit(9)

        sys.addaudithook(die_in_time)
        with suppress(BaseException):
            folder.save(step, state_of(step))
            os._exit(0)
        os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9), "the child neither saved nor was killed"
    return status == 9


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_kill_at_any_operation_on_files_leaves_a_good_checkpoint(folder, caplog):
    """Also where an earlier kill left something; whatever kills leave is swept up by the next save."""
    found, operation = [], 0
    while True:
        shutil.rmtree(folder.path, ignore_errors=True)
        for step in (1, 2):
            folder.save(step, state_of(step))
        (folder.path / ".partial-7").mkdir()
        killed = save_and_die(folder, 3, operation)
        found.append(newest(folder))
        folder.save(4, state_of(4))
        assert newest(folder) == 4
        assert names(folder) == [f"step-{found[-1]}", "step-4"]
        if not killed:
            break
        operation += 1
    assert operation > 10, "the operations of a save were not seen"
    assert found == sorted(found)
    assert set(found) == {2, 3}
    assert caplog.records == [], "no kill may leave what looks like a damaged checkpoint"


# --- damage ---------------------------------------------------------------------------------------------------


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def write_garbage(path):
    path.write_bytes(b"neither zip nor pickle")
    seal(path.parent)


def seal(folder):
    """Writes the manifest that belongs to whatever the state is now."""
    digest = hashlib.sha256((folder / "state.pt").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps({"step": 2, "fingerprint": "this run", "sha256": digest}))


DAMAGES = {
    "state truncated": ("state.pt", lambda path: os.truncate(path, path.stat().st_size // 2)),
    "a bit flipped": ("state.pt", flip_a_bit),
    "not tensors": ("state.pt", write_garbage),
    "state removed": ("state.pt", lambda path: path.unlink()),
    "not JSON": ("manifest.json", lambda path: path.write_text('{"step": 2, "finger')),
    "no checksum": ("manifest.json", lambda path: path.write_text('{"step": 2, "fingerprint": "this run"}')),
    "manifest removed": ("manifest.json", lambda path: path.unlink()),
}


def damage(folder, name: str) -> None:
    file, change = DAMAGES[name]
    change(folder / file)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(folder, name, caplog):
    for step in (1, 2):
        folder.save(step, state_of(step))
    damage(folder.path / "step-2", name)
    assert newest(folder) == 1
    if name != "manifest removed":  # as a kill leaves it: nothing to report
        assert "step-2 is damaged" in caplog.text


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_checkpoints_do_not_crowd_out_the_good_ones_that_follow(folder, name):
    for step in (8, 9):
        folder.save(step, state_of(step))
        damage(folder.path / f"step-{step}", name)
    assert newest(folder) is None
    folder.save(1, state_of(1))
    assert newest(folder) == 1
    folder.save(2, state_of(2))
    assert newest(folder) == 2
    folder.save(9, state_of(9))
    assert newest(folder) == 9


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_cannot_run_code(folder, tmp_path, caplog):
    for step in (1, 2):
        folder.save(step, state_of(step))
    for write in (torch.save, lambda value, path: path.write_bytes(pickle.dumps(value, 2))):
        write({"step": 2, "model": Bomb(tmp_path / "exploded")}, folder.path / "step-2" / "state.pt")
        seal(folder.path / "step-2")
        assert newest(folder) == 1
        assert "is damaged" in caplog.text
        assert not (tmp_path / "exploded").exists()
        folder.save(2, state_of(2))
    with suppress(FileExistsError):
        pickle.loads(pickle.dumps(Bomb(tmp_path / "exploded")))
    assert (tmp_path / "exploded").exists(), "the bomb is no bomb, so nothing was shown"


# --- strangers ------------------------------------------------------------------------------------------------


def test_checkpoints_of_another_run_are_set_aside_and_not_picked_up(folder, caplog):
    for step in (1, 2):
        folder.save(step, state_of(step))
    other = CheckpointFolder(folder.path, "another run")
    assert newest(other) is None
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "step-2 was made with other settings, data, teacher, code, packages or device; set aside as" in caplog.text
    assert names(folder) == ["of-another-run-step-1", "of-another-run-step-2"]
    assert (folder.path / "of-another-run-step-2" / "state.pt").is_file()
    other.save(1, state_of(1))
    assert newest(other) == 1
    assert newest(folder) is None


def test_an_older_checkpoint_of_this_run_is_found_below_a_stranger(folder):
    folder.save(1, state_of(1))
    CheckpointFolder(folder.path, "another run").save(2, state_of(2))
    assert newest(folder) == 1


# --- full disks -----------------------------------------------------------------------------------------------


@contextmanager
def largest_file(size: int):
    """Lets no file grow beyond a size: the system's own refusal in the midst of a write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_that_the_system_refuses_half_way_leaves_the_checkpoint_before(folder):
    folder.save(1, state_of(1, 10**5))
    with (
        largest_file(150_000),
        pytest.raises(OSError, match=r"step 2 could not be written to .* the one before is intact"),
    ):
        folder.save(2, state_of(2, 10**5))
    assert names(folder) == ["step-1"]
    assert newest(folder) == 1
    folder.save(2, state_of(2, 10**5))
    assert newest(folder) == 2


@pytest.mark.parametrize("where", ["torch.save", "os.fsync", "write_json", "os.replace"])
def test_a_full_disk_is_named_and_leaves_the_checkpoint_before(folder, monkeypatch, where):
    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder.save(1, state_of(1))
    with monkeypatch.context() as full:
        full.setattr(checkpoint, where, refuse) if where == "write_json" else full.setattr(where, refuse)
        with pytest.raises(OSError, match=r"step 2 could not be written to .*No space left on device"):
            folder.save(2, state_of(2))
    assert names(folder) == ["step-1"]
    assert newest(folder) == 1
