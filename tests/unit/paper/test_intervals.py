"""Intervals: what they are by hand, what they become in known cases, and how often they hold the truth."""

import numpy as np
import pytest
from benchmarks.coverage import coverage
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from camembert.paper.intervals import interval

TWO_RUNS = np.array([[[1, 1, 1, 1, 0.5, 0.5, 0, 0, 0, 0], [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0, 0]]])


def test_the_interval_by_hand():
    between_runs = 0.005 / 2  # means 0.5 and 0.6, one degree of freedom
    mixed = 0.2 / 9 / 20  # the runs differ by 0, ..., 0.5, 0.5, 0, 0: squares about 0.1 add up to 0.4, half of it each
    between_pairs = 1.6 / 9 / 10 - mixed  # 1 four times, 0.5 twice, 0.25 twice, 0 twice
    variance = between_runs + between_pairs
    degrees = variance**2 / (between_runs**2 / 1 + between_pairs**2 / 9)
    found = interval(TWO_RUNS)
    assert found.mean == pytest.approx(0.55)
    assert found.high - found.mean == pytest.approx(stats.t.ppf(0.975, degrees) * variance**0.5)
    assert found.mean - found.low == pytest.approx(found.high - found.mean)


def test_runs_that_agree_on_every_pair_leave_the_interval_of_the_pairs():
    answers = (np.arange(40) % 3 == 0).astype(float)
    low, high = DescrStatsW(answers).tconfint_mean()
    assert interval(np.tile(answers, (1, 3, 1)))[1:] == (pytest.approx(low), pytest.approx(high))


def test_runs_that_differ_in_all_pairs_alike_leave_the_interval_of_the_runs():
    levels = np.array([0.5, 0.52, 0.57])
    low, high = DescrStatsW(levels).tconfint_mean()
    assert interval(np.tile(levels[None, :, None], (1, 1, 40)))[1:] == (pytest.approx(low), pytest.approx(high))


def test_two_models_whose_pairs_are_alike_have_the_interval_of_welch():
    first, second = np.array([0.5, 0.52, 0.57]), np.array([0.4, 0.46])
    low, high = CompareMeans(DescrStatsW(first), DescrStatsW(second)).tconfint_diff(usevar="unequal")
    found = interval(*(np.tile(levels[None, :, None], (1, 1, 40)) for levels in (first, second)))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_the_difference_of_two_models_is_paired_by_test_pair():
    draw = np.random.default_rng(0)
    difficulty = draw.normal(size=400)
    first, second = ((draw.normal(size=(1, 5, 400)) / 2 + difficulty > 0).astype(float) for _ in range(2))
    found = interval(first, second)
    unpaired = interval(first), interval(second)
    assert found.high - found.low < 0.6 * sum((one.high - one.low) ** 2 for one in unpaired) ** 0.5


def test_a_model_against_itself_differs_by_nothing():
    found = interval(TWO_RUNS, TWO_RUNS)
    assert found.mean == 0
    assert found.low < 0 < found.high


def test_one_run_has_no_interval_alone_or_in_a_pair():
    assert interval(TWO_RUNS[:, :1]).mean == 0.5
    assert np.isnan([*interval(TWO_RUNS[:, :1])[1:], *interval(TWO_RUNS, TWO_RUNS[:, :1])[1:]]).all()


def test_what_never_varies_has_an_interval_of_no_width():
    assert interval(np.ones((1, 2, 10))) == (1, 1, 1)


def test_a_lucky_seed_of_fine_tuning_counts_once_for_all_distillation_seeds():
    """Fine-tuning seeds that shift every encoder alike are as few as they are, however many encoders there are."""
    shift = np.array([0.4, 0.5, 0.6])[None, :, None] * np.ones((20, 1, 30))
    low, high = DescrStatsW(shift[0, :, 0]).tconfint_mean()
    assert interval(shift)[1:] == (pytest.approx(low), pytest.approx(high))


def test_classifiers_that_share_an_encoder_are_not_independent():
    shift = np.array([0.4, 0.6])[:, None, None] * np.ones((1, 10, 30))
    low, high = DescrStatsW(shift[:, 0, 0]).tconfint_mean()
    assert interval(shift)[1:] == (pytest.approx(low), pytest.approx(high))


def test_a_pair_and_its_translations_count_as_one():
    """Three copies of one language are no more evidence than that language."""
    draw = np.random.default_rng(0)
    answers = (draw.random((1, 3, 1, 100)) < 0.5).astype(float)
    copies = np.repeat(answers, 3, axis=2).mean(axis=2)
    assert interval(copies) == pytest.approx(interval(answers[:, :, 0]))


@pytest.mark.parametrize(("seeds", "least"), [(2, 0.90), (3, 0.92), (5, 0.93), (20, 0.93)])
@pytest.mark.parametrize("compared", [False, True])
def test_intervals_hold_the_truth_as_often_as_they_say(seeds, least, compared):
    assert coverage((1, seeds), seeds=0.09, compared=compared) >= least


def test_intervals_over_both_kinds_of_seeds_hold_the_truth_as_often_as_they_say():
    assert coverage((5, 5), seeds=0.09, compared=False) >= 0.93
