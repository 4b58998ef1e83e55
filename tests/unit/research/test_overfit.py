"""The statistics of luck: the published examples, their limits, and a calibration on pure noise."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from autogrid.errors import InvalidInput
from autogrid.research.overfit import (
    Moments,
    dsr,
    expected_max_sharpe,
    luck_variance,
    min_track_record,
    moments,
    n_eff,
    psr,
)

YEAR = 250
DAILY = 1 / math.sqrt(YEAR)
returns = st.lists(st.floats(-0.2, 0.2), min_size=8, max_size=60).filter(lambda x: np.std(x) > 1e-6)
sharpes = st.floats(-1, 1)


@pytest.mark.parametrize(
    ("trials", "skew", "kurtosis", "found"), [(100, -3, 10, 0.900397), (46, -3, 10, 0.950502), (88, 0, 3, 0.950491)]
)
def test_dsr_of_the_paper(trials: int, skew: float, kurtosis: float, found: float) -> None:
    """A yearly Sharpe ratio of 2.5 over five years, the trials' yearly variance 0.5 (the paper rounds to 0.9004)."""
    track = Moments(5 * YEAR, 2.5 * DAILY, skew, kurtosis)
    assert dsr(track, trials, 0.5 / YEAR) == pytest.approx(found, abs=1e-6)


def test_sr0_of_the_paper() -> None:
    assert expected_max_sharpe(100, 0.5 / YEAR) == pytest.approx(0.113172, abs=1e-6)


def test_psr_of_the_paper() -> None:
    assert psr(Moments(24, 0.458, -2.448, 10.164)) == pytest.approx(0.913361, abs=1e-6)
    assert psr(Moments(24, 0.458)) == pytest.approx(0.981675, abs=1e-6)


def test_min_track_record_of_the_paper() -> None:
    """A yearly Sharpe ratio of 2 above one of 1 takes 2.73 years of daily normal returns."""
    assert min_track_record(Moments(YEAR, 2 * DAILY), DAILY) / YEAR == pytest.approx(2.7312, abs=1e-4)


@pytest.mark.parametrize(("trials", "found"), [(10, 1.5746), (45, 2.2356), (100, 2.5306), (1000, 3.2551)])
def test_expected_maximum_of_normals(trials: int, found: float) -> None:
    assert expected_max_sharpe(trials) == pytest.approx(found, abs=1e-4)
    drawn = np.random.default_rng(3).standard_normal((4_000, trials)).max(axis=1)
    # The formula is an approximation, the better the more trials.
    assert expected_max_sharpe(trials) == pytest.approx(drawn.mean(), abs=4 * drawn.std() / 4_000**0.5 + 0.4 / trials)


def test_one_trial_is_no_choice() -> None:
    track = Moments(100, 0.1)
    assert expected_max_sharpe(1, 0.5) == 0
    assert dsr(track, 1, 0.5) == psr(track)
    luck = [expected_max_sharpe(n) for n in (1, 1.05, 1.5, 2, 3, 10)]
    assert luck == sorted(luck)


@settings(deadline=None)
@given(returns)
def test_moments_are_those_of_scipy(values: list[float]) -> None:
    found = moments(values)
    assert found.periods == len(values)
    assert found.sharpe == pytest.approx(np.mean(values) / np.std(values, ddof=1), rel=1e-9, abs=1e-9)
    assert found.skew == pytest.approx(stats.skew(values), rel=1e-6, abs=1e-6)
    assert found.kurtosis == pytest.approx(stats.kurtosis(values, fisher=False), rel=1e-6)


@settings(deadline=None)
@given(returns, sharpes)
def test_a_track_record_is_long_enough_exactly_where_psr_is_95_percent(values: list[float], benchmark: float) -> None:
    track = moments(values)
    needed = min_track_record(track, benchmark)
    if abs(needed - track.periods) > 1e-6:
        assert (psr(track, benchmark) > 0.95) == (track.periods > needed)


@settings(deadline=None)
@given(returns, st.integers(1, 1000), st.integers(1, 1000), st.floats(0, 1))
def test_more_trials_never_make_it_more_probable(values: list[float], some: int, more: int, variance: float) -> None:
    track = moments(values)
    assert dsr(track, some + more, variance) <= dsr(track, some, variance) <= psr(track)


def test_equal_trials_are_one_and_different_ones_many() -> None:
    rng = np.random.default_rng(5)
    column = rng.standard_normal((400, 1))
    assert n_eff(np.repeat(column, 30, axis=1) * rng.uniform(1, 9, 30)) == pytest.approx(1)
    assert n_eff(np.hstack([column, -column])) == pytest.approx(1)
    apart = np.linalg.qr(rng.standard_normal((400, 20)) - 0)[0]
    assert n_eff(apart - apart.mean(axis=0)) == pytest.approx(20, rel=0.02)
    assert n_eff(rng.standard_normal((30, 300))) <= 29
    assert n_eff(np.hstack([column, np.zeros((400, 5))])) == pytest.approx(1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 25), st.integers(8, 40))
def test_the_number_of_trials_is_that_of_the_eigenvalues(seed: int, trials: int, periods: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((periods, trials)) + rng.uniform(0, 3) * rng.standard_normal((periods, 1))
    eigen = np.linalg.eigvalsh(np.atleast_2d(np.corrcoef(values.T)))
    assert n_eff(values) == pytest.approx(eigen.sum() ** 2 / (eigen**2).sum(), rel=1e-9)
    assert 1 - 1e-9 <= n_eff(values) <= trials + 1e-9


def test_calibration_the_best_of_noise_looks_good_and_is_not_believed() -> None:
    """50 strategies without skill: the best passes PSR nine times in ten, and DSR in none of 200 runs.

    One in a thousand does pass, for luck has no bound; hence also the rate over many more runs.
    """
    rng, looks_good, believed = np.random.default_rng(2), [], []
    for _ in range(4_000):
        drawn = rng.standard_normal((125, 50), np.float32).astype(float)
        sharpe = drawn.mean(axis=0) / drawn.std(axis=0, ddof=1)
        track = moments(drawn[:, sharpe.argmax()])
        looks_good.append(psr(track) > 0.95)
        believed.append(dsr(track, 50, sharpe.var(ddof=1)) > 0.95)
    assert np.mean(looks_good) == pytest.approx(0.92, abs=0.02)
    assert np.mean(looks_good[:200]) == pytest.approx(0.9, abs=0.06)
    assert sum(believed[:200]) == 0
    assert np.mean(believed) < 0.003


def test_the_variance_of_luck_is_that_of_noise() -> None:
    drawn = np.random.default_rng(2).standard_normal((100, 4_000))
    sharpe = drawn.mean(axis=0) / drawn.std(axis=0, ddof=1)
    assert luck_variance(100) == pytest.approx(sharpe.var(), rel=0.1)


def test_what_cannot_be_judged_is_refused() -> None:
    for values, message in (
        ([0.1] * 7, "expected returns of 8 periods or more, found 7"),
        ([0.01] * 30, "expected returns that differ, found 30 times 0.01"),
        ([0.0] * 30, "expected returns that differ, found 30 times 0"),
        ([0.1, math.nan] * 8, "returns must be finite numbers"),
        ([0.1, math.inf] * 8, "returns must be finite numbers"),
        ([[0.1, 0.2]] * 8, r"expected returns of 1 dimension\(s\), found the shape \(8, 2\)"),
    ):
        with pytest.raises(InvalidInput, match=message):
            moments(values)
    for trials, variance in ((0, 1), (0.9, 1), (3, -1), (math.nan, 1), (3, math.nan), (math.inf, 1)):
        with pytest.raises(InvalidInput, match="expected one trial or more and a variance from 0 on"):
            expected_max_sharpe(trials, variance)
    with pytest.raises(InvalidInput, match=r"kurtosis, which is not the excess over 3, must be above 1 \+ skewness"):
        psr(Moments(24, 0.9, 3, 0.1))
    with pytest.raises(InvalidInput, match="two periods or more, found 1"):
        psr(Moments(1, 0.5))
    with pytest.raises(InvalidInput, match="two periods or more, found 1"):
        luck_variance(1)
    with pytest.raises(InvalidInput, match="confidence must lie between 0.5 and 1, was 95"):
        min_track_record(Moments(24, 0.5), confidence=95)
    with pytest.raises(InvalidInput, match="expected returns that differ, found none"):
        n_eff(np.ones((30, 3)))
    assert min_track_record(Moments(24, 0.1), 0.1) == math.inf
