"""Stretches of time against sets of integers, and the names of timeframes."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrid.data.spans import merge, missing
from autogrid.data.timeframe import format_timeframe, parse_timeframe
from autogrid.errors import InvalidInput

points = st.tuples(st.integers(0, 30), st.integers(0, 30))


def cover(spans: list[tuple[int, int]]) -> set[int]:
    return {x for a, b in spans for x in range(a, b)}


@given(st.lists(points))
def test_merge_is_the_union_without_touching(spans: list[tuple[int, int]]) -> None:
    merged = merge(spans)
    assert cover(merged) == cover(spans)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(merged))


@given(points, st.lists(points))
def test_missing_is_the_difference(wanted: tuple[int, int], spans: list[tuple[int, int]]) -> None:
    holes = missing(wanted, spans)
    assert cover(holes) == cover([wanted]) - cover(spans)
    assert merge(holes) == holes


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("1m", 60), ("90s", 90), ("4h", 14400), ("1w", 604800)])
def test_timeframes(text: str, seconds: int) -> None:
    assert parse_timeframe(text) == seconds
    assert format_timeframe(seconds) == text


@pytest.mark.parametrize("text", ["", "m", "0m", "1M", "1.5h", "01m"])
def test_other_timeframes_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="timeframe: expected"):
        parse_timeframe(text)
