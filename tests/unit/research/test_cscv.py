"""Probability of backtest overfitting: its limits, and a slow twin that does one split after the other."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogrid.errors import InvalidInput
from autogrid.research.cscv import blocks_for, cscv, pbo


def slow(returns: np.ndarray, blocks: int) -> list[float]:
    size = len(returns) // blocks
    parts = np.split(returns[len(returns) - size * blocks :], blocks)
    found = []
    for chosen in combinations(range(blocks), blocks // 2):
        inside = np.concatenate([parts[i] for i in chosen])
        outside = np.concatenate([parts[i] for i in range(blocks) if i not in chosen])
        a, b = ((x.mean(axis=0) / x.std(axis=0, ddof=1)) for x in (inside, outside))
        rank = 1 + sum(b < b[a.argmax()])
        found.append(np.log(rank / (len(a) + 1) / (1 - rank / (len(a) + 1))))
    return found


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 4, 6, 8]), st.integers(0, 5), st.integers(2, 12))
def test_the_slow_twin_agrees(seed: int, blocks: int, more: int, trials: int) -> None:
    returns = np.random.default_rng(seed).standard_normal((blocks * 5 + more, trials))
    assert cscv(returns, blocks) == pytest.approx(slow(returns, blocks), rel=1e-9)


def test_all_splits_of_sixteen_blocks() -> None:
    assert len(cscv(np.random.default_rng(1).standard_normal((64, 3)))) == comb(16, 8) == 12_870


def test_noise_is_a_coin() -> None:
    rng = np.random.default_rng(4)
    assert np.mean([pbo(rng.standard_normal((200, 30)), 10) for _ in range(60)]) == pytest.approx(0.5, abs=0.08)


def test_columns_without_a_mean_are_overfitted_for_certain() -> None:
    rng = np.random.default_rng(2)
    returns = rng.standard_normal((160, 40)) * rng.uniform(0.01, 0.1, 40)
    assert pbo(returns - returns.mean(axis=0)) == 1


def test_skill_is_seen() -> None:
    returns = np.random.default_rng(3).standard_normal((320, 40))
    returns[:, 7] += 0.5
    assert pbo(returns) == 0


def test_equal_trials_are_no_better_than_the_median() -> None:
    column = np.random.default_rng(6).standard_normal((64, 1))
    assert pbo(np.repeat(column, 5, axis=1)) == 1


def test_trials_that_stand_still_have_no_sharpe_ratio() -> None:
    """A grid that was stopped early, and one that never began."""
    rng = np.random.default_rng(7)
    returns = rng.standard_normal((64, 4)) + 0.3
    returns[20:, 2] = 0
    returns[:, 3] = 0
    found = cscv(returns, 8)
    assert np.isfinite(found).all()


def test_blocks_follow_the_number_of_periods() -> None:
    assert [blocks_for(n) for n in (8, 15, 16, 60, 64, 1000)] == [2, 2, 4, 14, 16, 16]


def test_what_cannot_be_judged_is_refused() -> None:
    noise = np.random.default_rng(8).standard_normal((60, 4))
    for returns, blocks, message in (
        (noise[:, :1], 8, "expected the returns of two trials or more, found 1"),
        (noise, 7, "blocks must be an even number from 2 to 16, was 7"),
        (noise, 18, "blocks must be an even number from 2 to 16, was 18"),
        (noise, 0, "blocks must be an even number from 2 to 16, was 0"),
        (noise, 16, "expected 4 periods or more in each of 16 blocks, found 60"),
        (noise[:7], None, "expected returns of 8 periods or more, found 7"),
        (noise[:, 0], 8, r"expected returns of 2 dimension\(s\)"),
    ):
        with pytest.raises(InvalidInput, match=message):
            cscv(returns, blocks)
