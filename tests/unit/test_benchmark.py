"""The benchmark: contestants compute the same, take turns, and end up on one page."""

from pathlib import Path

import pytest

from cases import EMBEDDED, OURS, PLAIN
from measurements import Comparison, Line, MeasurementError, Memory, Rate, Step, TextComparison, check_losses
from page import write
from text import Text

TINY = EMBEDDED.resized(teacher=3, student=2, hidden=16, heads=2, intermediate=32, vocabulary=50, batch=2, row=8)


def first_losses(loop):
    """Losses of the first step of a contestant that is given one turn of a step."""
    import torch

    from turns import CONTEXT, Finished, Player

    command, contestant = CONTEXT.Pipe()
    player = Player(contestant, lambda: None, None)
    command.send(1)
    command.send(0)
    with pytest.raises(Finished):
        loop(TINY, torch.device("cpu"), player)
    assert command.recv().done == 0
    assert command.recv().done == TINY.tokens
    return player.facts["losses"]


def test_contestants_start_from_the_same_losses():
    import ours
    import peers

    check_losses({"ours": first_losses(ours.on_rows), "plain": first_losses(peers.plain)})


@pytest.mark.parametrize(("heads", "frozen"), [(True, False), (False, False), (False, True)])
def test_textbrewer_starts_from_the_same_losses(heads, frozen):
    pytest.importorskip("textbrewer", reason="a package of benchmarks/requirements.txt")
    import ours
    import peers

    textbrewer = peers.textbrewer(heads, frozen)
    check_losses({"ours": first_losses(ours.on_rows), "textbrewer": first_losses(textbrewer)})


def test_contestants_of_other_losses_are_refused():
    with pytest.raises(MeasurementError, match="attention losses at the first step differ"):
        check_losses({"ours": {"hidden": 1.0, "attention": 0.1}, "plain": {"hidden": 1.0, "attention": 0.1002}})


def test_the_page_holds_ratios_shares_and_growth():
    def line(contestant, tokens):
        return Line(contestant, Rate(tokens, tokens, tokens), 6.1e6, 0.5, 2**30)

    comparison = Comparison(EMBEDDED, Rate(3e11, 2e11, 4e11), [line(OURS, 3000.0), line(PLAIN, 2000.0)])
    on_text = TextComparison(EMBEDDED, Rate(900.0, 800.0, 990.0), Rate(300.0, 200.0, 400.0), 0.01)
    text = Text([], Path(), Path(), "some lines", "some vocabulary")
    time = [Step(EMBEDDED.resized(batch=rows), 0.01 * rows) for rows in (1, 2, 3)]
    page = write("Here.", [comparison], [on_text], text, time, [Memory(10, 2**20, 2**21)], None, None)
    assert "| plain Hugging Face loop | 2,000 (2,000 to 2,000) |                1.50 |" in page
    assert "Ceiling: 300 GFLOP/s (200 to 400)." in page
    assert "R² = 1.0000" in page
    assert "Not measured on a GPU" in page
