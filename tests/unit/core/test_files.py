"""What is written is whole or absent, and killed writers leave nothing for ever."""

import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from camembert.core.files import atomic_write, write_text

SCRIPTS = Path(__file__).parents[3] / "scripts"
KILLED = """
import os, signal, sys
from camembert.core.files import atomic_write
with atomic_write(sys.argv[1]) as partial:
    partial.mkdir()
    (partial / "half").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_failure_leaves_what_was_there_before_and_nothing_else(tmp_path):
    target = tmp_path / "table.csv"
    write_text(target, "old")

    with pytest.raises(IsADirectoryError), atomic_write(target) as partial:
        partial.parent.write_text("a folder is no file")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    for name in ("first", "second"):
        with atomic_write(tmp_path / "encoder") as partial:
            partial.mkdir()
            (partial / name).touch()
    assert [path.name for path in (tmp_path / "encoder").iterdir()] == ["second"]


def test_what_a_killed_writer_left_is_swept_at_the_next_write(tmp_path):
    target = tmp_path / "encoder"
    process = subprocess.run([sys.executable, "-c", KILLED, str(target)], cwd=SCRIPTS)
    assert process.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1, "the killed process left something"
    with atomic_write(target) as partial:
        partial.mkdir()
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("owner", [f"{platform.node()}-{os.getppid()}", "another-host-4194305"])
def test_what_another_process_may_still_be_writing_stays(tmp_path, owner):
    other = tmp_path / f".table.csv.{owner}.partial"
    other.touch()
    write_text(tmp_path / "table.csv", "")
    assert other.exists()


def test_leftovers_of_other_files_are_not_looked_at(tmp_path):
    other = tmp_path / f".table.csv.{platform.node()}-4194305.partial"
    other.touch()
    write_text(tmp_path / "table", "")
    assert other.exists()
