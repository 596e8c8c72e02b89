"""The frontier holds what no other model beats in both cost and accuracy."""

import numpy as np
import pandas as pd
import pytest

from camembert.paper.figures import pareto, style
from camembert.paper.statistics import Model
from camembert.plan.chain import Method

ORDER = [
    Model("teacher", "6", "Teacher (6 layers)", Method.TEACHER),
    Model("untrained", "6-3x0", "Copied layers 6-3x0", Method.COPIED),
    Model("toplayer", "6-3", "Direct 6-3", Method.DIRECT),
]


def test_the_frontier_climbs_and_leaves_out_what_is_beaten():
    cost, score = [1.0, 2.0, 3.0, 4.0], [50.0, 60.0, 55.0, 70.0]
    assert pareto.frontier(cost, score) == [0, 1, 3]


def test_of_equal_cost_only_the_best_and_of_equal_accuracy_only_the_cheapest_stay():
    assert pareto.frontier([1.0, 1.0, 2.0], [50.0, 60.0, 60.0]) == [1]


def test_costs_that_differ_by_no_more_than_their_spread_count_as_equal():
    cost, score = [1.00, 1.02, 2.00], [50.0, 60.0, 70.0]
    assert pareto.frontier(cost, score, 0.0) == [0, 1, 2]
    assert pareto.frontier(cost, score, 0.05) == [1, 2]
    assert pareto.frontier(cost, score, [0.0, 0.05, 0.0]) == [1, 2], "the wider spread of two decides"
    assert pareto.frontier(cost[::-1], score[::-1], 0.05) == [1, 0]


def test_many_small_differences_do_not_add_up_to_one_cost():
    cost = [1.0, 1.04, 1.08, 1.12]
    assert pareto.frontier(cost, [50.0, 60.0, 70.0, 80.0], 0.05) == [1, 3]


def test_labels_are_spread_out_in_their_order_and_around_their_points():
    places = pareto.spread_out([0.5, 0.5, 0.9], 0.1)
    assert places == pytest.approx([0.45, 0.55, 0.9])
    assert pareto.spread_out([0.52, 0.5], 0.1) == pytest.approx([0.56, 0.46])


@pytest.fixture
def summary():
    index = {"recipe": [model.recipe for model in ORDER], "chain": [model.chain for model in ORDER]}
    none = [np.nan] * 3
    return pd.DataFrame(index | {"average": [0.7, 0.6, 0.65], "average_low": none, "average_high": none})


@pytest.fixture
def efficiency():
    index = {"recipe": [model.recipe for model in ORDER], "chain": [model.chain for model in ORDER]}
    costs = {"parameters": [3e6, 2e6, 2e6], "latency_ms_8": [2.0, 1.0, 1.0], "latency_spread_8": [0.02] * 3}
    return pd.DataFrame(index | costs | {"training_flops": [0.0, 0.0, 1e12]})


@pytest.fixture
def drawn(monkeypatch, efficiency, tmp_path):
    """A function that draws a figure and returns its panels."""
    figures = []
    monkeypatch.setattr(pareto, "save", lambda figure, stem: figures.append(figure) or style.save(figure, stem))

    def draw(summary, models=ORDER):
        pareto.draw_pareto(summary, efficiency, models, 8, tmp_path / "pareto")
        assert all((tmp_path / f"pareto.{ending}").stat().st_size > 1000 for ending in ("pdf", "png"))
        return figures[-1].axes

    return draw


def points(axes):
    """Where the markers of a panel stand."""
    return sorted((x, y) for bar in axes.containers for x, y in bar[0].get_xydata().round(9).tolist())


def test_every_point_stands_at_its_cost_also_where_several_cost_the_same(drawn, summary):
    parameters, latency, training = drawn(summary)
    assert points(parameters) == [(2.0, 60.0), (2.0, 65.0), (3.0, 70.0)]
    assert points(latency) == [(1.0, 60.0), (1.0, 65.0), (2.0, 70.0)]
    assert points(training) == [(0.0, 60.0), (1.0, 65.0)], "the teacher is a line"


def test_a_teacher_alone_has_no_panel_of_what_was_spent_after_it(drawn, summary):
    parameters, latency = drawn(summary.iloc[:1], ORDER[:1])
    assert (points(parameters), points(latency)) == ([(3.0, 70.0)], [(2.0, 70.0)])


def test_every_point_is_labelled_with_its_chain(drawn, summary):
    for axes, chains in zip(drawn(summary), (["6", "6-3", "6-3x0"],) * 2 + (["6-3", "6-3x0", "teacher"],), strict=True):
        assert sorted(text.get_text() for text in axes.texts) == chains


def test_more_models_than_there_is_room_for_have_no_labels(drawn, summary, monkeypatch):
    monkeypatch.setattr(pareto, "MOST_LABELS", 2)
    assert [[text.get_text() for text in axes.texts] for axes in drawn(summary)] == [[], [], ["teacher"]]


def test_retrieval_has_a_row_of_panels_where_it_was_evaluated(drawn, summary):
    assert len(drawn(summary)) == 3
    none = {f"retrieval{end}": np.nan for end in ("", "_low", "_high")}
    assert len(drawn(summary.assign(**none))) == 3
    there = {"retrieval": [0.6, 0.4, 0.5], "retrieval_low": [0.5, 0.3, 0.4], "retrieval_high": [0.7, 0.5, 0.6]}
    panels = drawn(summary.assign(**there))
    assert len(panels) == 6
    assert points(panels[3]) == [(2.0, 40.0), (2.0, 50.0), (3.0, 60.0)]
