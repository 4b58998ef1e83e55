"""Where a walk-forward trains and tests: in order, apart, and never before it has trained."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrid.errors import InvalidInput
from autogrid.research.windows import length_ms, windows

HOUR = 3_600_000
hours = st.integers(1, 60)


def opens(count: int, left_out: int = 0) -> pd.DatetimeIndex:
    """Hourly opens, with a hole after the first ten."""
    index = pd.date_range("2024-01-01 05:00", periods=count + left_out, freq="h", tz="UTC", unit="ms")
    return index.delete(range(10, 10 + left_out)) if left_out else index


@given(hours, hours, hours, st.integers(2, 300), st.booleans(), st.integers(0, 20))
def test_every_row_is_tested_at_most_once_and_trained_on_before(
    train: int, test: int, more: int, count: int, anchored: bool, hole: int
) -> None:
    index = opens(count, hole if count > 12 else 0)
    step = test + more - 1
    try:
        found = windows(index, train * HOUR, test * HOUR, step * HOUR, anchored)
    except InvalidInput:
        assert (index[-1] - index[0]).total_seconds() / 3600 + 1 < train + test
        return
    start, ts = index[0].value // 10**6, index.as_unit("ms").asi8
    for k, window in enumerate(found):
        assert window.test_start == start + (train + k * step) * HOUR
        assert window.test_end == window.test_start + test * HOUR
        assert window.train_start == (start if anchored else window.test_start - train * HOUR)
        assert window.train.stop == window.test.start
        assert list(ts[window.train]) == [t for t in ts if window.train_start <= t < window.test_start]
        assert list(ts[window.test]) == [t for t in ts if window.test_start <= t < window.test_end]
    end = ts[-1] + HOUR
    assert found[-1].test_end <= end < found[-1].test_end + step * HOUR
    tested = [row for window in found for row in range(window.test.start, window.test.stop)]
    assert len(tested) == len(set(tested))


def test_lengths_and_mistakes() -> None:
    assert [length_ms("train", text) for text in ("90s", "5m", "12h", "400d", "2w")] == [
        90_000, 300_000, 12 * HOUR, 9600 * HOUR, 336 * HOUR,
    ]  # fmt: skip
    for text in ("", "30", "d", "0d", "-3d", "1M", "1.5d", "30 d", "999999d"):
        with pytest.raises(InvalidInput, match="train must be a number and one of s, m, h, d, w"):
            length_ms("train", text)
    with pytest.raises(InvalidInput, match="step must be at least as long as test"):
        windows(opens(100), 10 * HOUR, 5 * HOUR, 4 * HOUR, anchored=False)
    with pytest.raises(InvalidInput, match=r"expected candles over 4\.20833 days or more .*, found 4\.16667 days"):
        windows(opens(100), 90 * HOUR, 11 * HOUR, 11 * HOUR, anchored=False)
