"""Where a walk-forward trains and where it tests."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from autogrid.data.timeframe import parse_timeframe
from autogrid.errors import InvalidInput
from autogrid.research.ticks import DAY_MS


@dataclass(frozen=True)
class Window:
    """Rows to train and to test on; times are milliseconds UTC, ends exclusive."""

    train: slice
    test: slice
    train_start: int
    test_start: int
    test_end: int


def length_ms(name: str, text: str) -> int:
    """Milliseconds of a length such as "30d" or "12h"; InvalidInput, naming `name`, for anything else."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})([smhdw])", text)
    if match is None:
        raise InvalidInput(f"{name} must be a number and one of s, m, h, d, w, such as 30d, was {text!r}")
    return int(match[1]) * parse_timeframe(f"1{match[2]}") * 1000


def windows(index: pd.DatetimeIndex, train: int, test: int, step: int, anchored: bool) -> list[Window]:
    """All windows, one `step` (ms) after the other, whose test lies within the candles; nothing is tested twice.

    index: candle opens, UTC, in order. anchored: every training begins with the first candle and grows.
    InvalidInput where not one window fits, or where tests would overlap.
    """
    if step < test:
        raise InvalidInput("step must be at least as long as test, else candles would be tested twice")
    ts = index.as_unit("ms").asi8
    end = int(ts[-1]) + (int(np.median(np.diff(ts))) if len(ts) > 1 else 0)
    first, found = int(ts[0]), []
    for middle in range(first + train, end - test + 1, step):
        begin = first if anchored else middle - train
        a, b, c = (int(x) for x in np.searchsorted(ts, [begin, middle, middle + test]))
        found.append(Window(slice(a, b), slice(b, c), begin, middle, middle + test))
    if not found:
        raise InvalidInput(
            f"expected candles over {(train + test) / DAY_MS:g} days or more (train and test), found "
            f"{(end - first) / DAY_MS:g} days; use more candles or shorter windows"
        )
    return found
