"""Figures of many seeds and their intervals, held against rliable, tables and computation by hand."""

import numpy as np
import pytest

from argmaxq import UserError, statistics

# What rliable 1.2.0 says (with pandas 2, in an environment of its own) of scores rounded to 3 decimals:
#   rng = numpy.random.default_rng(0); X = rng.normal(1, .5, (10, 4)); Y = rng.gamma(2, .5, (7, 4))
#   metrics.aggregate_mean, aggregate_median, aggregate_iqm, aggregate_optimality_gap (gamma=1), each of X and Y;
#   metrics.probability_of_improvement(X, Y); library.create_performance_profile({"x": X}, [0, .5, 1, 1.5])
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(1, 0.5, (10, 4)).round(3)
Y = GENERATOR.gamma(2, 0.5, (7, 4)).round(3)
RLIABLE_X = (0.9697250000000001, 0.9896, 0.96035, 0.17157500000000003)
RLIABLE_Y = (1.07525, 1.076142857142857, 0.9217857142857143, 0.2196785714285714)
RLIABLE_X_ABOVE_Y = 0.5214285714285715
RLIABLE_PROFILE = (0.975, 0.9, 0.475, 0.1)


@pytest.mark.parametrize(("scores", "expected"), [(X, RLIABLE_X), (Y, RLIABLE_Y)], ids=["x", "y"])
def test_points_are_those_of_rliable(scores: np.ndarray, expected: tuple[float, ...]) -> None:
    found = (
        statistics.mean(scores),
        statistics.median(scores),
        statistics.interquartile_mean(scores),
        statistics.optimality_gap(scores, 1.0),
    )
    np.testing.assert_allclose([each.point for each in found], expected, rtol=0, atol=1e-12)
    assert all(each.low < each.point < each.high for each in found)
    assert {each.method for each in found} == {"stratified bootstrap"}


def test_pairs_and_profiles_are_those_of_rliable() -> None:
    assert statistics.probability_of_improvement(Y, X).point == pytest.approx(RLIABLE_X_ABOVE_Y, abs=1e-12)
    assert statistics.probability_of_improvement(X, Y).point == pytest.approx(1 - RLIABLE_X_ABOVE_Y, abs=1e-12)
    profile = statistics.performance_profile(X, np.array([0.0, 0.5, 1.0, 1.5]))
    np.testing.assert_allclose(profile.share, RLIABLE_PROFILE, rtol=0, atol=1e-12)
    assert ((profile.low <= profile.share) & (profile.share <= profile.high)).all()


def test_a_mean_of_few_seeds_has_students_interval() -> None:
    # 1 2 3 4 5: mean 3, standard error sqrt(2.5 / 5) = .7071; t(.975, 4) = 2.7764 from a table
    found = statistics.mean(np.arange(1.0, 6.0))
    assert found[:3] == pytest.approx((3.0, 3 - 2.7764 * 0.70711, 3 + 2.7764 * 0.70711), abs=1e-4)
    assert found.method == "Student's t"
    assert statistics.mean(np.array([7.0]))[1:4] == (-np.inf, np.inf, "too few seeds for an interval")


def test_an_interquartile_mean_of_few_seeds_has_tukey_and_mclaughlins_interval() -> None:
    # Of these 8 are 2 at either end left out: kept 3 4 5 7, mean 4.75; winsorised 3 3 3 4 5 7 7 7: 215 - 39^2 / 8
    scores = np.array([7.0, 2.9, 4.0, 8.0, 3.0, 7.1, 2.8, 5.0])
    error = np.sqrt((215 - 39**2 / 8) / (4 * 3))  # of Yuen: SSD / (h (h - 1)), h = 4; t(.975, 3) = 3.1824
    found = statistics.interquartile_mean(scores)
    assert found[:3] == pytest.approx((4.75, 4.75 - 3.1824 * error, 4.75 + 3.1824 * error), abs=1e-3)
    assert found.method == "the wider of Tukey and McLaughlin's t and the bootstrap"
    assert statistics.interquartile_mean(np.tile(scores, 7)).method == "stratified bootstrap"


def test_an_interval_of_scores_with_two_peaks_reaches_the_other_one() -> None:
    # The two bad seeds of eight are trimmed, so t is narrow; of redrawn eights 1 in 3 keeps a bad one.
    scores = np.array([100.0, 110.0, 398.0, 399.0, 400.0, 401.0, 402.0, 403.0])
    found = statistics.interquartile_mean(scores)
    assert found.low < 340 < 390 < found.high < 410
    far = statistics.improvement(scores + 100, scores)
    assert far.low < -160 < far.high
    assert far.method == "the wider of Yuen's t and the bootstrap"


def test_a_median_lies_between_ordered_scores() -> None:
    # n = 10: P(fewer than 2 of 10 heads) = 11/1024 = .0107 < .025 < P(fewer than 3) = 56/1024
    found = statistics.median(np.arange(10.0))
    assert found[:4] == (4.5, 1.0, 8.0, "order statistics")
    assert statistics.median(np.arange(5.0)).method == "too few seeds for an interval"


def test_a_difference_has_welchs_interval() -> None:
    # variances 2.5 and 10 of 5 each: standard error sqrt(2.5), freedom 2.5^2 / (.5^2 / 4 + 2^2 / 4) = 5.8824
    found = statistics.improvement(np.arange(1.0, 6.0), np.arange(2.0, 12.0, 2.0), of="mean")
    assert found[:3] == pytest.approx((3.0, 3 - 2.4589 * 2.5**0.5, 3 + 2.4589 * 2.5**0.5), abs=2e-3)
    assert found.method == "Welch's t"


def test_a_sure_win_of_few_seeds_is_not_certain() -> None:
    found = statistics.probability_of_improvement(np.arange(3.0), np.arange(10.0, 13.0))
    # share 1: (1 - p)^2 = z^2 p (1 - p) (1 + 2 ((1 - p)/(2 - p) + p/(1 + p))) / 9, by bisection
    assert found[:3] == pytest.approx((1.0, 0.5010, 1.0), abs=5e-4)
    tied = statistics.probability_of_improvement(np.zeros(4), np.zeros(4))
    assert tied.point == 0.5
    assert tied.low == pytest.approx(1 - tied.high)


def test_resampling_is_reproducible() -> None:
    first, again, other = (statistics.mean(X, seed=seed)[:3] for seed in (1, 1, 2))
    assert first == again != other
    wide, narrow = (statistics.mean(X, level=level) for level in (0.95, 0.5))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_seeds_that_never_reach_a_threshold_count() -> None:
    # Kaplan and Meier: S is .8 after 1, .6 after 2, and with the run of 3 over without .6 * 1/2 after 4. There its
    # band is log(-log S) +- 1.96 sqrt(1/20 + 1/12 + 1/2) / log S = .186 +- 1.295: .012 to .718; from .058 on after 2.
    found = statistics.time_to_threshold(np.array([1.0, 2.0, 3.0, 4.0, 9.0]), np.array([1, 1, 0, 1, 0], bool))
    assert found[:3] == (4.0, 1.0, np.inf)
    # All went on as long: the median of ten, of which two never reach it, between the 2nd and the 9th
    whole = statistics.time_to_threshold(np.arange(1.0, 11.0), np.arange(10) < 8)
    assert whole[:4] == (5.0, 2.0, np.inf, "order statistics")
    never = statistics.time_to_threshold(np.array([5.0, 5.0]), np.zeros(2, bool))
    assert never[:3] == (np.inf, 0.0, np.inf)
    assert statistics.first_reached(np.array([10, 20, 30]), np.array([1.0, 5.0, 2.0]), 4.0) == 20.0
    assert statistics.first_reached(np.array([10, 20]), np.array([1.0, 3.0]), 4.0) is None


def test_tolerance_intervals_need_46_seeds() -> None:
    with pytest.raises(UserError, match=r"46 seeds are needed .* there are 45"):
        statistics.tolerance_interval(np.arange(45.0))
    assert statistics.tolerance_interval(np.arange(46.0))[1:3] == (0.0, 45.0)
    # n = 100, k = 2: P(Binomial(100, .9) <= 100 - 4) = .9922; k = 3: <= 94 is .9424
    assert statistics.tolerance_interval(np.arange(100.0))[1:3] == (1.0, 98.0)
    assert statistics.seeds_for_tolerance(0.95, 0.95) == 93


def test_how_many_seeds_tell_two_settings_apart() -> None:
    # Cohen (1988), table 2.4.1, two-sided 5 %, power .80: d = .5 needs 64 each, .8 needs 26, 1.0 needs 17
    assert [statistics.seeds_to_tell_apart(each, 1.0) for each in (0.5, 0.8, 1.0)] == [64, 26, 17]
    assert statistics.seeds_to_tell_apart(-16.0, 20.0) == 26
    assert statistics.pooled_deviation(np.arange(1.0, 6.0), np.arange(2.0, 12.0, 2.0)) == pytest.approx(2.5)
    with pytest.raises(UserError, match="cannot be planned for"):
        statistics.seeds_to_tell_apart(0.0, 1.0)


def test_what_is_no_score_is_refused() -> None:
    for scores, why in (([1.0, np.nan], "1 of 2 scores"), ([], "at least one"), (np.zeros((2, 2, 2)), r"\[seeds\]")):
        with pytest.raises(UserError, match=why):
            statistics.mean(np.array(scores))
    with pytest.raises(UserError, match="cannot be compared"):
        statistics.probability_of_improvement(X, Y[:, :2])
    with pytest.raises(UserError, match="between 0 and 1"):
        statistics.mean(X, level=95)
