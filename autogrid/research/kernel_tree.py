"""Finding the next candle that can matter, and the worst drawdown between two, without reading all of them.

A tree of block extremes: node k of level v covers candles [k << 4v, (k+1) << 4v) and is `tree[offset[v] + k]`:
(lowest low, highest high, lowest close, highest close) in ticks. Level 0 are the candles: (low, high, open, close).
Everything of a candle lies in one row, of 16 bytes where the prices allow it: a run waits for memory, not for sums.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from autogrid.research.compiling import compiled

#: log2 of the fan-out.
SHIFT = 4

Ints = npt.NDArray[np.integer[Any]]


def build_tree(
    open_: npt.NDArray[np.int64], low: npt.NDArray[np.int64], high: npt.NDArray[np.int64], close: npt.NDArray[np.int64]
) -> tuple[Ints, npt.NDArray[np.int64]]:
    """`tree` of shape (nodes, 4) and `offset` of shape (levels + 1,); prices in ticks, shape (candles,)."""
    level = np.stack([low, high, open_, close], axis=1).astype(np.int32 if high.max() < 2**31 else np.int64)
    levels = [level]
    level = level[:, (0, 1, 3, 3)]
    while len(level) > 1:
        starts = np.arange(0, len(level), 1 << SHIFT)
        pick = (np.minimum, np.maximum, np.minimum, np.maximum)
        level = np.stack([each.reduceat(level[:, i], starts) for i, each in enumerate(pick)], axis=1)
        levels.append(level)
    offset = np.cumsum([0] + [len(each) for each in levels])
    return np.concatenate(levels), offset.astype(np.int64)


@compiled
def next_event(tree, offset, start, buy_at, sell_at):  # type: ignore[no-untyped-def]
    """The first candle from `start` on with low <= buy_at or high >= sell_at; the number of candles if none."""
    top = offset.shape[0] - 2
    total = offset[1]
    level = 0
    node = start
    while True:
        if node >= offset[level + 1] - offset[level]:
            return total
        row = offset[level] + node
        if tree[row, 0] <= buy_at or tree[row, 1] >= sell_at:
            if level == 0:
                return node
            level -= 1
            node <<= SHIFT
        else:
            node += 1
            while level < top and node & ((1 << SHIFT) - 1) == 0:
                node >>= SHIFT
                level += 1


@compiled
def largest(offset, position, level, last):  # type: ignore[no-untyped-def]
    """The level of the largest block that begins at candle `position` and ends by `last`, looked for from `level`."""
    top = offset.shape[0] - 2
    while (
        level < top
        and position & ((1 << (SHIFT * (level + 1))) - 1) == 0
        and position + (1 << (SHIFT * (level + 1))) <= last
    ):
        level += 1
    while level > 0 and position + (1 << (SHIFT * level)) > last:
        level -= 1
    return level


@compiled
def drawdown(tree, offset, first, last, cash, base, peak, worst):  # type: ignore[no-untyped-def]
    """Running (peak, worst relative drawdown) of cash + base x close over candles [first, last), base >= 0.

    A block is opened only if it holds both a new peak and a fall that could be deeper than `worst`.
    """
    position = first
    level = 0
    while position < last:
        level = largest(offset, position, level, last)
        while True:
            row = offset[level] + (position >> (SHIFT * level))
            highest = cash + base * tree[row, 3]
            bottom = highest if level == 0 else cash + base * tree[row, 2]
            if level == 0 or highest <= peak:
                peak = max(peak, highest)
                if peak - bottom > worst * peak:
                    worst = (peak - bottom) / peak
                break
            if highest - bottom <= worst * highest:
                peak = highest
                break
            level -= 1
        position += 1 << (SHIFT * level)
    return peak, worst


@compiled
def count_within(tree, offset, first, last, lower, upper):  # type: ignore[no-untyped-def]
    """How many closes of candles [first, last) lie in [lower, upper]."""
    count = 0
    position = first
    level = 0
    while position < last:
        level = largest(offset, position, level, last)
        while True:
            row = offset[level] + (position >> (SHIFT * level))
            least = tree[row, 3 if level == 0 else 2]
            if lower <= least and tree[row, 3] <= upper:
                count += 1 << (SHIFT * level)
                break
            if tree[row, 3] < lower or least > upper or level == 0:
                break
            level -= 1
        position += 1 << (SHIFT * level)
    return count
