"""Levels against the formulas, in exact or very wide arithmetic."""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogrid.core.levels import levels, nearest_level
from autogrid.errors import InvalidInput

WIDE = Context(prec=120)


def formula(lower: Decimal, upper: Decimal, cells: int, spacing: str, tick: Decimal) -> list[int]:
    """CONTRACT section 2, word for word."""
    found = []
    for i in range(cells + 1):
        if spacing == "arithmetic":
            found.append(round((Fraction(lower) + Fraction(i) * Fraction(upper - lower) / cells) / Fraction(tick)))
        elif i in (0, cells):
            found.append(round(Fraction(lower if i == 0 else upper) / Fraction(tick)))
        else:
            ratio = WIDE.power(WIDE.divide(upper, lower), WIDE.divide(Decimal(i), Decimal(cells)))
            price = WIDE.divide(WIDE.multiply(lower, ratio), tick)
            found.append(int(price.to_integral_value(ROUND_HALF_EVEN, WIDE)))
    return found


prices = st.integers(1, 10**7).map(lambda x: Decimal(x) / 100)
ticks = st.sampled_from(["0.01", "0.1", "0.5", "0.25", "1", "0.003"]).map(Decimal)


@settings(max_examples=400, deadline=None)
@given(prices, prices, st.integers(1, 40), st.sampled_from(["arithmetic", "geometric"]), ticks)
def test_levels_follow_the_formula(one: Decimal, two: Decimal, cells: int, spacing: str, tick: Decimal) -> None:
    lower, upper = min(one, two), max(one, two)
    if lower == upper:
        return
    expected = formula(lower, upper, cells, spacing, tick)
    try:
        assert list(levels(lower, upper, cells, spacing, tick)) == expected
    except InvalidInput:
        assert expected[0] < 1 or len(set(expected)) < cells + 1


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), st.integers(1, 25), st.integers(0, 9), st.sampled_from(["arithmetic", "geometric"]))
def test_the_error_names_the_largest_number_of_cells_that_fits(low: int, width: int, tenth: int, spacing: str) -> None:
    lower, upper, cells = Decimal(low) + Decimal(tenth) / 10, Decimal(low + width), 40
    if lower >= upper:
        return
    fitting = [n for n in range(1, cells) if len(set(formula(lower, upper, n, spacing, Decimal(1)))) == n + 1]
    with pytest.raises(InvalidInput) as caught:
        levels(lower, upper, cells, spacing, Decimal(1))
    named = re.search(r"at most (\d+) cells fit", str(caught.value))
    assert named is not None
    assert int(named[1]) == max(fitting, default=0)


def test_geometric_ties_are_decided_exactly() -> None:
    # 1 * 4^(1/2) * 1.25 / 1 = 2.5 and 4.5: both roots are rational, and both are ties.
    assert levels(Decimal("1.25"), Decimal("5"), 2, "geometric", Decimal(1)) == (1, 2, 5)
    assert levels(Decimal("2.25"), Decimal("9"), 2, "geometric", Decimal(1)) == (2, 4, 9)
    assert levels(Decimal("3.5"), Decimal("14"), 2, "geometric", Decimal(1)) == (4, 7, 14)
    near = Decimal("2.25" + "0" * 40 + "1")
    assert levels(near, Decimal("9"), 2, "geometric", Decimal(1)) == (2, 5, 9)


def test_limits() -> None:
    with pytest.raises(InvalidInput, match="cells must be at most 100000, was 100001"):
        levels(Decimal(1), Decimal(10**9), 100_001, "arithmetic", Decimal(1))
    with pytest.raises(InvalidInput, match=r"lower must be at least one price tick \(1\), was 0.4"):
        levels(Decimal("0.4"), Decimal(9), 3, "arithmetic", Decimal(1))
    assert len(levels(Decimal(1000), Decimal(10**9), 100_000, "arithmetic", Decimal(1))) == 100_001


@pytest.mark.parametrize(
    ("price", "index"), [(1, 0), (90, 0), (95, 0), (96, 1), (104, 1), (105, 1), (106, 2), (110, 2), (999, 2)]
)
def test_nearest_level_ties_go_down(price: int, index: int) -> None:
    assert nearest_level((90, 100, 110), price) == index
