"""The frontier holds what no other model beats in both cost and accuracy."""

import numpy as np
import pandas as pd

from camembert.paper.figures import pareto
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


def test_markers_of_equal_cost_stand_side_by_side_around_it():
    places = pareto.side_by_side([1.0, 1.0, 5.0])
    assert places[0] < 1.0 < places[1]
    assert np.isclose(places[:2].mean(), 1.0)
    assert places[2] == 5.0
    assert np.isclose(pareto.side_by_side([2.0, 2.0]), 2.0).all(), "all of equal cost"


def test_the_figure_is_drawn_also_without_intervals(tmp_path):
    index = {"recipe": [model.recipe for model in ORDER], "chain": [model.chain for model in ORDER]}
    none = [np.nan] * 3
    summary = pd.DataFrame(index | {"average": [0.7, 0.6, 0.65], "average_low": none, "average_high": none})
    costs = {"parameters": [3e6, 2e6, 2e6], "latency_ms_8": [2.0, 1.0, 1.1], "training_flops": [0.0, 0.0, 1e12]}
    pareto.draw_pareto(summary, pd.DataFrame(index | costs), ORDER, 8, tmp_path / "pareto")
    assert all((tmp_path / f"pareto.{ending}").stat().st_size > 1000 for ending in ("pdf", "png"))
