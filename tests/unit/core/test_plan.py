"""Amounts, cash, stops and headroom: every order a grid will place, checked before anything runs."""

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.plan import Plan, check_headroom, plan
from autogrid.errors import InvalidInput

RULES = {"tick": "0.01", "lot": "0.001", "min_notional": "1", "maker_fee": "0.001", "taker_fee": "0.001"}


def planned(start: str = "101", cash: str | None = None, rules: dict[str, str] | None = None, **grid: Any) -> Plan:
    market = Market(**(RULES | (rules or {})))
    sizes = {} if {"quote", "investment"} & grid.keys() else {"amount": "1"}
    whole = Grid(**({"lower": "90", "upper": "110", "cells": 4} | sizes | grid))
    return plan(whole, market, market.price_ticks(start), cash=cash)


def spend(p: Plan) -> int:
    """CONTRACT sections 3 and 5, from the plan's own orders: the atoms of start order and resting buys."""
    market, total = p.market, 0
    buys = [(p.start_fill, p.start_lots, market.taker_ppm)] if p.start_lots else []
    buys += [(p.levels[i], p.gross[i], market.maker_ppm) for i in range(p.empty)]
    for price, lots, ppm in buys:
        total += price * lots
        if not market.fee_in_base:
            total += (price * lots * ppm + 500_000) // 1_000_000
    return total


def test_the_three_sizings() -> None:
    assert planned(amount="1.0009").lots == (1000,) * 4
    assert planned(quote="100").lots == (1111, 1052, 1000, 952)
    whole = planned(investment="1000")
    assert spend(whole) <= 1000 * 10**5 < spend(planned(amount=str(whole.market.amount(whole.lots[0] + 1))))


@settings(max_examples=200, deadline=None)
@given(
    st.integers(2_000, 10**7), st.sampled_from(["quote", "base"]), st.integers(8500, 11500), st.integers(1, 9),
    st.sampled_from(["0", "0.001", "0.00075"]), st.integers(0, 5),
)  # fmt: skip
def test_an_investment_buys_the_most_lots_it_covers(
    cents: int, asset: str, start: int, cells: int, fee: str, slippage: int
) -> None:
    market = Market(**(RULES | {"buy_fee_asset": asset, "maker_fee": fee}))
    grid = Grid(lower="90", upper="110", cells=cells, investment=Decimal(cents) / 100)
    try:
        found = plan(grid, market, start, slippage_ticks=slippage)
    except InvalidInput:
        assume(False)
        raise
    assert spend(found) <= cents * 1000
    more = Grid(lower="90", upper="110", cells=cells, amount=market.amount(found.lots[0] + 1))
    assert spend(plan(more, market, start, slippage_ticks=slippage)) > cents * 1000


def test_gross_ups_cover_the_fee() -> None:
    p = planned(rules={"buy_fee_asset": "base", "taker_fee": "0.002"}, amount="2")
    assert p.gross == (2003,) * 4  # ceil(2000 / 0.999)
    assert p.start_lots == 4009  # ceil(4000 / 0.998): one order for both cells
    assert p.lots == (2000,) * 4


@pytest.mark.parametrize(("start", "empty"), [("80", 0), ("97.5", 1), ("97.51", 2), ("101", 2), ("500", 4)])
def test_the_empty_level_is_the_nearest(start: str, empty: int) -> None:
    p = planned(start=start)
    assert p.empty == empty
    assert p.start_lots == 1000 * (4 - empty)


def number(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, text
    return found[1]


@pytest.mark.parametrize("asset", ["quote", "base"])
@pytest.mark.parametrize(("least", "sizing"), [("1", {"investment": "0.5"}), ("50", {"amount": "0.2"}), ("0.0001", {})])
def test_too_small_cells_name_the_smallest_investment_that_works(
    asset: str, least: str, sizing: dict[str, str]
) -> None:
    rules = {"buy_fee_asset": asset, "min_notional": least}
    with pytest.raises(InvalidInput, match="must hold at least one lot|too narrow") as caught:
        planned(rules=rules, **(sizing or {"amount": "0.0009"}))
    investment = Decimal(number(r"smallest investment that works is ([\d.]+) ", str(caught.value)))
    assert min(planned(rules=rules, investment=str(investment)).lots) >= 1
    with pytest.raises(InvalidInput):
        planned(rules=rules, investment=str(investment - Decimal("0.00001")))


def test_an_amount_whose_gross_up_eats_the_profit_names_one_that_earns() -> None:
    with pytest.raises(InvalidInput, match="cells are too narrow") as caught:
        planned(rules={"buy_fee_asset": "base", "min_notional": "0"}, amount="0.001")
    investment = number(r"an investment of ([\d.]+) ", str(caught.value))
    assert planned(rules={"buy_fee_asset": "base", "min_notional": "0"}, investment=investment).lots[0] > 1


@pytest.mark.parametrize("spacing", ["arithmetic", "geometric"])
@pytest.mark.parametrize("asset", ["quote", "base"])
@pytest.mark.parametrize("sizing", [{"amount": "3"}, {"quote": "250"}, {"investment": "9000"}])
@pytest.mark.parametrize("fee", ["0.001", "0.0075"])
def test_cells_that_do_not_earn_name_the_widest_number_that_does(
    spacing: str, asset: str, sizing: dict[str, str], fee: str
) -> None:
    def works(cells: int) -> bool:
        try:
            planned(rules={"maker_fee": fee, "buy_fee_asset": asset}, spacing=spacing, cells=cells, **sizing)
        except InvalidInput:
            return False
        return True

    with pytest.raises(InvalidInput, match="120 cells are too narrow: a cell's sell must bring more") as caught:
        planned(rules={"maker_fee": fee, "buy_fee_asset": asset}, spacing=spacing, cells=120, **sizing)
    widest = int(number(r"at most (\d+) cells earn", str(caught.value)))
    assert [n for n in range(1, 120) if works(n)][-1] == widest


def test_a_range_too_narrow_for_its_fees_says_so() -> None:
    with pytest.raises(InvalidInput, match="no number of cells earns in this range: use fewer cells or a wider range$"):
        planned(start="100", lower="100", upper="100.10", cells=1)


def test_cash() -> None:
    assert planned(investment="1000").cash == 1000 * 10**5
    assert planned(investment="1000", cash="1500.000019").cash == 150_000_001
    exact = planned()
    assert exact.cash == spend(exact)
    needed = exact.market.money(spend(exact))
    with pytest.raises(InvalidInput, match=f"cash must cover .* {needed} is needed, was 300"):
        planned(cash="300")
    assert planned(cash=str(needed)).cash == spend(exact)
    for bad in ("0", "-5", "NaN"):
        with pytest.raises(InvalidInput, match="cash must be"):
            planned(cash=bad)


@pytest.mark.parametrize(
    ("start", "stops", "message"),
    [
        ("89", {"stop_loss": "89"}, "start price must be above stop_loss, was 89.00 <= 89; lower the stop"),
        ("80", {"stop_loss": "89"}, "was 80.00 <= 89"),
        ("111", {"take_profit": "111"}, "start price must be below take_profit, was 111.00 >= 111; raise the stop"),
    ],
)
def test_a_start_at_or_beyond_a_stop_is_refused(start: str, stops: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        planned(start=start, **stops)


@pytest.mark.parametrize(
    ("amount", "rules", "highest", "travel", "name"),
    [
        ("10000000000", {}, 11_000, 0, "a fee"),
        ("5000000000", {"maker_fee": "0", "taker_fee": "0"}, 11_000, 0, "base in millionths"),
        ("1000", {}, 10**13, 0, "equity"),
        ("1000", {}, 11_000, 10**13, "equity"),
        ("1", {"buy_fee_asset": "base"}, 10**13, 0, "a remainder"),
    ],
)
def test_what_could_leave_int64_is_refused(
    amount: str, rules: dict[str, str], highest: int, travel: int, name: str
) -> None:
    p = planned(amount=amount, rules=rules)
    told = name + r".* must stay below 2\*\*62, could reach \d\.\d{3}e\+\d+; use a larger tick"
    with pytest.raises(InvalidInput, match=told):
        check_headroom(p, highest, travel)


def test_realistic_extremes_fit() -> None:
    rules = {"tick": "0.01", "lot": "0.00000001"}
    p = planned(start="60000", rules=rules, lower="30000", upper="100000", cells=300, investment="400000")
    check_headroom(p, 12_000_000, 10**11)
