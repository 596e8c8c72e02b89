"""Intervals: what they are by hand, what they become in known cases, and how often they hold the truth."""

import numpy as np
import pytest
from benchmarks import coverage as simulated
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from camembert.paper.intervals import (
    UNCOVERED,
    ResultsError,
    Scores,
    compute_interval,
    describe_coverage,
    merge_clusters,
    score_units,
    weigh_languages,
)

TWO_RUNS = Scores(
    (1, 2), np.array([[1, 1, 1, 1, 0.5, 0.5, 0, 0, 0, 0], [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0, 0]])
)  # fmt: skip


def scores(values):
    return Scores(tuple(range(1, len(values) + 1)), np.asarray(values, dtype=float))


def test_the_interval_by_hand():
    of_runs = 0.005 / 2  # means 0.5 and 0.6, one degree of freedom
    of_both = (
        0.2 / 9 / 20
    )  # the runs differ by 0, ..., 0.5, 0.5, 0, 0: squares about 0.1 add up to 0.4, half of it each
    of_items = 1.6 / 9 / 10 - of_both  # 1 four times, 0.5 twice, 0.25 twice, 0 twice
    t_runs, t_items = stats.t.ppf(0.975, [1, 9])
    found = compute_interval(TWO_RUNS)
    assert found.mean == pytest.approx(0.55)
    expected = (t_runs * of_runs + t_items * of_items) / (of_runs + of_items) ** 0.5
    assert found.high - found.mean == pytest.approx(expected)
    assert found.mean - found.low == pytest.approx(found.high - found.mean)


def test_runs_that_agree_on_every_item_leave_the_interval_of_the_items():
    answers = (np.arange(40) % 3 == 0).astype(float)
    low, high = DescrStatsW(answers).tconfint_mean()
    assert compute_interval(scores(np.tile(answers, (3, 1))))[1:] == (pytest.approx(low), pytest.approx(high))


def test_runs_that_differ_in_all_items_alike_leave_the_interval_of_the_runs():
    levels = np.array([0.5, 0.52, 0.57])
    low, high = DescrStatsW(levels).tconfint_mean()
    assert compute_interval(scores(np.tile(levels[:, None], (1, 40))))[1:] == (pytest.approx(low), pytest.approx(high))


def test_an_item_on_which_runs_disagree_is_not_counted_twice():
    """Items whose means all agree add nothing, though each run finds them unlike."""
    values = np.array([[1, 0] * 20, [0, 1] * 20, [1, 1] + [0, 1] * 19])
    low, high = DescrStatsW(values.mean(axis=1)).tconfint_mean()
    of_items = values.mean(axis=0).var(ddof=1) / 40
    rest = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    assert of_items < (rest**2).sum() / (2 * 39) / 120
    assert compute_interval(scores(values))[1:] == (pytest.approx(low), pytest.approx(high))


def test_a_difference_is_that_of_the_runs_both_have():
    first = Scores((1, 2, 3), np.tile([[0.5], [0.6], [0.7]], (1, 40)))
    second = Scores((3, 1), np.tile([[0.4], [0.3]], (1, 40)))
    differences = first.minus(second)
    assert differences.runs == (1, 3)
    assert differences.mean == pytest.approx((0.2 + 0.3) / 2)
    low, high = DescrStatsW([0.2, 0.3]).tconfint_mean()
    assert compute_interval(differences)[1:] == (pytest.approx(low), pytest.approx(high))


def test_luck_that_a_run_brings_to_both_models_leaves_no_trace_in_their_difference():
    luck = np.array([0.0, 0.2, -0.1])[:, None] * np.ones((1, 40))
    items = (np.arange(40) % 4 == 0) / 10
    low, high = DescrStatsW(0.1 + items).tconfint_mean()
    found = compute_interval(scores(0.5 + luck + items).minus(scores(0.4 + luck)))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_runs_that_share_no_number_cannot_be_paired():
    with pytest.raises(ResultsError, match="runs 1, 2 and 3 have none in common"):
        TWO_RUNS.minus(Scores((3,), np.zeros((1, 10))))


def test_what_exists_once_has_the_interval_of_its_items_and_is_in_every_run():
    once = Scores((0,), (np.arange(10) % 2)[None].astype(float))
    low, high = DescrStatsW(once.values[0]).tconfint_mean()
    assert compute_interval(once)[1:] == (pytest.approx(low), pytest.approx(high))
    assert once.covers == once.minus(once).covers == "test items"
    for differences in (TWO_RUNS.minus(once), once.minus(TWO_RUNS)):
        assert differences.runs == (1, 2)
        assert differences.covers == "runs, test items"
    assert TWO_RUNS.minus(once).mean == pytest.approx(0.55 - 0.5)


def test_a_model_against_itself_differs_by_nothing():
    assert compute_interval(TWO_RUNS.minus(TWO_RUNS)) == (0, 0, 0)


def test_one_run_has_no_interval_alone_or_in_a_pair():
    one = Scores((1,), TWO_RUNS.values[:1])
    assert compute_interval(one).mean == 0.5
    assert np.isnan([*compute_interval(one)[1:], *compute_interval(TWO_RUNS.minus(one))[1:]]).all()
    assert one.covers == TWO_RUNS.minus(one).covers == ""


def test_one_item_has_no_interval():
    assert np.isnan(compute_interval(scores([[1], [0], [1]]))[1:]).all()


def test_an_interval_of_less_confidence_lies_inside():
    wide, narrow = compute_interval(TWO_RUNS), compute_interval(TWO_RUNS, 0.9)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_items_of_a_cluster_are_one_item():
    """Three copies of an item are no more evidence than that item."""
    draw = np.random.default_rng(0)
    answers = (draw.random((3, 100)) < 0.5).astype(float)
    copies, clusters = np.repeat(answers, 3, axis=1), np.repeat(np.arange(100), 3)
    merged, single = (compute_interval(scores(each)) for each in (merge_clusters(copies, clusters), answers))
    assert merged == pytest.approx(single)
    assert compute_interval(scores(copies)).high < single.high


def test_clusters_of_unequal_size_count_by_their_items_as_a_ratio_does():
    values, clusters = np.array([[1.0, 1, 1, 0, 0, 1]]), np.array([7, 7, 7, 3, 3, 9])
    found = merge_clusters(values, clusters)[0]
    assert found.mean() == pytest.approx(values.mean())
    sizes, sums = np.array([2, 3, 1]), np.array([0, 3, 1])  # clusters 3, 7, 9
    ratio = sums.sum() / sizes.sum()
    assert found.var(ddof=1) == pytest.approx(((sums - ratio * sizes) ** 2).sum() / 2 / sizes.mean() ** 2)


def test_a_table_says_what_its_intervals_cover_and_what_none_does():
    both = "Intervals cover the draw of the runs (3) and of the test items."
    once = "What no training run made exists once: its interval covers the test items alone."
    assert describe_coverage(["runs, test items"], [3]) == f"{both} {UNCOVERED}"
    assert describe_coverage(["runs, test items", "test items"], [3, 1]) == f"{both} {once} {UNCOVERED}"
    assert "(3 to 10)" in describe_coverage(["runs, test items"], [3, 10])
    assert describe_coverage(["", ""], [1, 1]) == f"With one run of a model there is no interval. {UNCOVERED}"


@pytest.mark.parametrize("runs", [3, 5, 10])
@pytest.mark.parametrize("correlation", [-0.5, 0.5])
def test_intervals_of_differences_hold_the_truth_however_runs_are_correlated(runs, correlation):
    found = simulated.of_differences(runs, run=0.25, correlation=correlation, simulations=1000)
    assert found["paired, Cochran-Cox"].coverage >= 0.93


@pytest.mark.parametrize("runs", [3, 5, 10])
def test_intervals_of_one_model_hold_the_truth(runs):
    assert simulated.of_one_model(runs, run=0.09, simulations=1000)["Cochran-Cox"].coverage >= 0.93


def test_independent_runs_would_not_hold_where_runs_are_negatively_correlated():
    found = simulated.of_differences(10, run=0.4, correlation=-0.5, simulations=1000)
    assert found["Welch, Cochran-Cox"].coverage < 0.93 < found["paired, Cochran-Cox"].coverage


def test_languages_with_items_of_their_own_are_strata():
    """The mean is that of the languages, the variance of it that of a stratified sample."""
    rng = np.random.default_rng(0)
    of_language = [rng.random(400), 0.2 * rng.random(100) + 0.7]
    languages = np.repeat([0, 1], [400, 100])
    found = weigh_languages(np.concatenate(of_language)[None], languages)
    assert found.mean() == pytest.approx(np.mean([own.mean() for own in of_language]))
    stratified = sum(own.var(ddof=1) / len(own) for own in of_language) / 4
    assert found.var(ddof=1) / found.size == pytest.approx(stratified, rel=0.01)


def test_items_that_all_languages_have_may_as_well_be_strata():
    values, languages = np.random.default_rng(0).random((3, 100)), np.repeat([0, 1], 50)
    strata, units = (score_units(values, languages, None, parallel) for parallel in (False, True))
    assert (strata.shape, units.shape) == ((3, 100), (3, 50))
    for scored in (strata, units):
        assert scored.mean(axis=1) == pytest.approx(values.mean(axis=1))


def test_clusters_of_languages_are_one_where_translations_are_and_apart_elsewhere():
    values, languages, clusters = np.eye(2, 8), np.repeat([0, 1], 4), np.tile([0, 0, 1, 1], 2)
    assert score_units(values, languages, clusters, parallel=True).shape == (2, 2)
    assert score_units(values, languages, clusters, parallel=False).shape == (2, 4)
