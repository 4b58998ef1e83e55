"""Orders no larger than an exchange takes: market orders are sliced, cells that are too large are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.orders import START, Key, OrderName, client_id, next_slice
from autogrid.core.plan import plan
from autogrid.errors import InvalidInput

RULES = {"tick": "0.01", "lot": "0.001", "min_notional": "5"}
GRID = Grid(lower="90", upper="110", cells=4, amount="1")


def slices(lots, largest):
    found = []
    while lots:
        found.append(next_slice(lots, largest))
        lots -= found[-1]
    return found


@given(st.integers(1, 10**12), st.integers(1, 10**12).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, 500))))
def test_slices_sum_up_are_as_few_as_can_be_and_differ_by_a_lot_at_most(lots, limit):
    largest = max(limit[0], -(-lots // limit[1]))  # at most 500 of them
    found = slices(lots, largest)
    assert sum(found) == lots
    assert len(found) == -(-lots // largest)
    assert max(found) <= largest
    assert max(found) - min(found) <= 1


@given(st.integers(1, 10**9), st.integers(2, 10**6), st.integers(1, 10**6))
def test_every_slice_is_a_valid_order(lots, least, price):
    """`least` atoms are the least notional; half of the largest order is worth that much."""
    largest = max(2 * -(-least // price), lots // 300 + 1)
    if lots * price < least:
        return
    assert all(each * price >= least and each <= largest for each in slices(lots, largest))


def test_without_a_limit_there_is_one_order():
    assert slices(7, None) == [7]


def test_slices_have_names_of_their_own():
    names = {client_id(OrderName("00", 1, 0, Key(START, -1, 0), attempt)) for attempt in range(100)}
    assert len(names) == 100


@pytest.mark.parametrize(
    ("limits", "lots"),
    [
        ({}, None),
        ({"max_amount": "2"}, 2_000),
        ({"max_amount": "2", "max_market_amount": "0.5"}, 500),
        # 95 % of 100 at a price of 10.
        ({"max_notional": "100"}, 9_500),
        ({"max_notional": "100", "max_market_amount": "12"}, 9_500),
        ({"max_market_amount": "0.0001"}, 1),
    ],
)
def test_the_largest_market_order_is_what_all_limits_allow(limits, lots):
    market = Market(**RULES, **limits)
    assert market.max_market_lots(1_000) == lots
    assert market.unlimited().max_market_lots(1_000) is None
    assert market.unlimited() == Market(**RULES)


@pytest.mark.parametrize("name", ["max_amount", "max_market_amount", "max_notional"])
def test_a_limit_is_above_zero(name):
    with pytest.raises(InvalidInput, match=f"{name} must be above zero, was 0"):
        Market(**RULES, **{name: "0"})


@pytest.mark.parametrize("fee", ["quote", "base"])
@pytest.mark.parametrize(
    ("limit", "text"),
    [
        ({"max_amount": "0.9"}, "an order of cell 0 at 90.00 must be at most 0.9, was 1"),
        # The dearest order of cell 1 is its sell at 100.
        ({"max_notional": "99"}, "an order of cell 1 at 95.00 must be at most 99 in value, was 1"),
    ],
)
def test_a_cell_that_is_too_large_is_refused_with_the_investment_that_works(limit, text, fee):
    market = Market(**RULES, **limit, maker_fee="0.001", taker_fee="0.001", buy_fee_asset=fee)
    with pytest.raises(InvalidInput) as caught:
        plan(GRID, market, 10_000)
    message = str(caught.value)
    assert message.startswith(text)
    investment, amount = message.split("works is ")[1].split(": ")[0].removesuffix(" a cell)").split(" (")
    assert f"({amount} a cell): invest less or use more cells" in message
    plan(Grid(lower="90", upper="110", cells=4, amount=amount), market, 10_000)
    plan(Grid(lower="90", upper="110", cells=4, investment=investment), market, 10_000)


def test_the_start_order_may_be_larger_than_one_order():
    planned = plan(GRID, Market(**RULES, max_amount="1", max_market_amount="0.3"), 10_000)
    assert planned.start_lots == 2_000
