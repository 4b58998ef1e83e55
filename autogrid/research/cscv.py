"""Probability of backtest overfitting: does the best of the first half stay good in the other one, for many halves?

Combinatorially symmetric cross-validation: Bailey, Borwein, Lopez de Prado and Zhu, "The Probability of Backtest
Overfitting" (2015), SSRN 2326253.
"""

from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt

from autogrid.errors import InvalidInput
from autogrid.research.overfit import ROUNDING, Floats, checked

#: Blocks of time: C(16, 8) = 12,870 ways to choose half of them.
BLOCKS = 16
#: Fewer periods a block would measure noise.
LEAST_IN_BLOCK = 4
#: Sharpe ratios this close are one: sums in another order differ in their last digits.
SAME = 1e-10
#: Splits times trials that are worked at once; more only costs memory.
AT_ONCE = 500_000


def blocks_for(periods: int) -> int:
    """The largest even number of blocks, at most BLOCKS, that have LEAST_IN_BLOCK periods each."""
    return min(BLOCKS, periods // LEAST_IN_BLOCK // 2 * 2)


def cscv(returns: npt.ArrayLike, blocks: int | None = None) -> Floats:
    """For every way to train on half of the blocks: the logit of the winner's rank in the other half.

    returns: fractions per period, shape (periods, trials). The first periods are left out where `blocks` (None: as
    `blocks_for` says) does not divide their number. In every split the trial with the highest Sharpe ratio in the
    training half is looked up in the other: its rank r of N (N is best, ties share) gives w = r / (N + 1) and the logit
    ln(w / (1 - w)), which is 0 or less where the winner is no better than the median. A trial that does not move in a
    half has the Sharpe ratio 0 there. Shape (C(blocks, blocks / 2),).

    InvalidInput for fewer than two trials, an odd number of blocks, or fewer than LEAST_IN_BLOCK periods a block.
    """
    values = checked(np.asarray(returns, dtype=np.float64), 2, 2 * LEAST_IN_BLOCK)
    periods, trials = values.shape
    blocks = blocks_for(periods) if blocks is None else blocks
    if trials < 2:
        raise InvalidInput(f"expected the returns of two trials or more, found {trials}: of one, none is chosen")
    if blocks < 2 or blocks % 2 or blocks > BLOCKS:
        raise InvalidInput(f"blocks must be an even number from 2 to {BLOCKS}, was {blocks}")
    size = periods // blocks
    if size < LEAST_IN_BLOCK:
        raise InvalidInput(
            f"expected {LEAST_IN_BLOCK} periods or more in each of {blocks} blocks, found {periods} periods in all; "
            f"use fewer blocks, or candles over more days"
        )
    cut = values[periods - size * blocks :].reshape(blocks, size, trials)
    sums, squares = cut.sum(axis=1), (cut**2).sum(axis=1)
    chosen = _halves(blocks)
    step = max(1, AT_ONCE // trials)
    parts = [_logits(chosen[i : i + step], sums, squares, size) for i in range(0, len(chosen), step)]
    return np.concatenate(parts)


def pbo(returns: npt.ArrayLike, blocks: int | None = None) -> float:
    """Probability of backtest overfitting: the share of splits whose winner is no better than the median elsewhere.

    About 0.5 for trials without skill, near 0 where one is really better. Arguments and errors as in `cscv`.
    """
    return share(cscv(returns, blocks))


def share(logits: Floats) -> float:
    """The share of logits that are 0 or less."""
    return float((logits <= 0).mean())


def _halves(blocks: int) -> Floats:
    """One row per split: 1 for the blocks to train on, else 0."""
    chosen = np.zeros((comb(blocks, blocks // 2), blocks))
    columns = np.array(list(combinations(range(blocks), blocks // 2)))
    np.put_along_axis(chosen, columns, 1.0, axis=1)
    return chosen


def _logits(chosen: Floats, sums: Floats, squares: Floats, size: int) -> Floats:
    count = size * chosen.shape[1] // 2
    inside = _sharpe(chosen @ sums, chosen @ squares, count)
    outside = _sharpe((1 - chosen) @ sums, (1 - chosen) @ squares, count)
    winner = inside.argmax(axis=1)
    found = np.take_along_axis(outside, winner[:, None], axis=1)
    apart = outside - found
    rank = (apart < -SAME).sum(axis=1) + ((np.abs(apart) <= SAME).sum(axis=1) + 1) / 2
    weight = rank / (outside.shape[1] + 1)
    return np.asarray(np.log(weight / (1 - weight)), dtype=np.float64)


def _sharpe(total: Floats, squares: Floats, count: int) -> Floats:
    """Sharpe ratios of sums and sums of squares over `count` periods; 0 where nothing moves."""
    mean = total / count
    variance = (squares - count * mean**2) / (count - 1)
    moves = variance > ROUNDING * squares / count
    return np.divide(mean, np.sqrt(variance, where=moves, out=np.ones_like(mean)), where=moves, out=np.zeros_like(mean))
