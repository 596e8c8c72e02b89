"""The benchmark: contestants compute the same, take turns, and end up on one page."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from loops import CASES, on_packed_rows, on_rows, plain, textbrewer
from step import (
    CEILING,
    LARGEST_DIFFERENCE,
    OURS,
    PEERS,
    PLAIN,
    THIS_LIBRARY,
    MeasurementError,
    check_losses,
    write_page,
)
from turns import CONTEXT, Finished, Player

ROOT = Path(__file__).parents[2]
TINY = replace(CASES["toy"], vocabulary=50, batch=2, row=8)


def first_losses(loop, case=TINY):
    """Losses of the first step of a contestant that is given one turn of a step."""
    command, contestant = CONTEXT.Pipe()
    player = Player(contestant)
    command.send(1)
    command.send(0)
    with pytest.raises(Finished):
        loop(case, torch.device("cpu"), player)
    assert command.recv().done == 0
    assert 0 < command.recv().done <= case.tokens
    return player.losses


def check(**losses):
    check_losses(losses, LARGEST_DIFFERENCE["cpu"])


def test_contestants_start_from_the_same_losses():
    check(ours=first_losses(on_rows), plain=first_losses(plain))


@pytest.mark.parametrize(("heads", "frozen"), [(True, False), (False, False), (False, True)])
def test_textbrewer_starts_from_the_same_losses(heads, frozen):
    pytest.importorskip("textbrewer", reason="a package of benchmarks/requirements.txt")
    check(ours=first_losses(on_rows), textbrewer=first_losses(partial(textbrewer, heads=heads, frozen=frozen)))


def test_contestants_of_other_losses_are_refused():
    with pytest.raises(MeasurementError, match="attention losses at the first step differ"):
        check(ours={"hidden": 1.0, "attention": 0.1}, plain={"hidden": 1.0, "attention": 0.1002})


def test_the_page_holds_rates_and_ratios():
    contestants = {OURS: THIS_LIBRARY[OURS], PLAIN: PEERS[PLAIN], "absent": PEERS[PLAIN]}
    rates = {CEILING: [3e11, 2e11, 4e11], OURS: [3000.0], PLAIN: [2000.0]}
    opponents = {
        name: SimpleNamespace(rates=each, last=SimpleNamespace(peak_memory=2**30)) for name, each in rates.items()
    }
    page = write_page("Here.", CASES["default"], contestants, opponents, on_gpu=False)
    [peer] = [re.split(r"\s*\|\s*", row) for row in page.splitlines() if row.startswith("| plain Hugging Face loop")]
    assert peer[2:6] == [
        "2,000 (2,000 to 2,000)",
        "1.50",
        "layers, embeddings",
        "two masked-LM heads (34% of its FLOPs), attention maps below the top",
    ]
    assert "Ceiling: 300 GFLOP/s (200 to 400)." in page
    assert "is not installed: absent." in page


def test_the_first_step_of_a_turn_does_not_count():
    command, contestant = CONTEXT.Pipe()
    player = Player(contestant)
    for steps in (2, 1, 0):
        command.send(steps)
    for work in (100, 1, 2, 200, 4):  # one that does not count and two, one that does not count and one
        player.tick()
        player.done += work
    with pytest.raises(Finished):
        player.tick()
    assert [command.recv().done for _ in range(3)] == [0, 3, 4]


def test_packed_rows_are_the_same_whether_packed_beforehand_or_as_it_trains():
    case = replace(TINY, vocabulary=300, row=64)
    beforehand, now = (first_losses(partial(on_packed_rows, as_it_trains=each), case) for each in (False, True))
    check(beforehand=beforehand, now=now)
    assert beforehand != first_losses(on_rows, case)


def on_gpu(*arguments, python=sys.executable):
    command = [ROOT / "benchmarks" / "on_gpu.sh", *arguments]
    environment = os.environ | {"CASE": "toy", "PYTHON": python}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def test_the_measurement_of_a_gpu_goes_on_with_the_slices_that_are_not_there_yet(tmp_path):
    (tmp_path / "peers.md").write_text("# peers, measured before\n")
    run = on_gpu(tmp_path, "step", "peers")
    assert run.returncode == 0, run.stderr
    summary = (tmp_path / "summary.md").read_text()
    assert [line for line in summary.splitlines() if line.startswith("#")] == [
        "# A step: 3 to 2 layers, 16 wide, vocabulary 500, 4 x 32 tokens",
        "# peers, measured before",
    ]
    for rows in ("one document a row", "packed rows", "packing rows as it trains"):
        assert f"| this library, {rows}" in summary
    assert "step" not in on_gpu(tmp_path, "step", "peers").stderr


def test_a_slice_that_fails_is_said_and_left_to_be_done(tmp_path):
    run = on_gpu(tmp_path, "peeling")
    assert run.returncode == 2
    assert "there is no slice peeling, only tests step" in run.stderr
    run = on_gpu(tmp_path, "step", python="false")
    assert run.returncode == 1
    assert "step failed or took longer than 480 s" in run.stderr
    assert not (tmp_path / "step.md").exists()
