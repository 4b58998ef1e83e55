"""Rules, units, and the one rounding."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrid.core.market import Market, fee_atoms, gross_lots
from autogrid.errors import InvalidInput

RULES = {"tick": "0.01", "lot": "0.001", "min_notional": "5", "maker_fee": "0.001", "taker_fee": "0.0015"}


def test_units() -> None:
    market = Market(**RULES)
    assert (market.maker_ppm, market.taker_ppm) == (1000, 1500)
    assert market.atom == Decimal("0.00001")
    assert market.min_notional_atoms == 500_000
    assert market.price_ticks("101.00") == 10_100
    assert str(market.price(10_100)) == "101.00"
    assert market.lots("2.0009") == 2000
    assert str(market.amount(2000)) == "2.000"
    assert market.atoms("1.000019") == 100_001
    assert market.money(100_001) == Decimal("1.00001")


def test_defaults_are_no_fees_and_no_least_notional() -> None:
    market = Market("1", "1")
    assert (market.min_notional, market.maker_fee, market.taker_fee, market.buy_fee_asset) == (0, 0, 0, "quote")


@pytest.mark.parametrize(("price", "ticks"), [("0.5", 0), ("1.5", 2), ("2.5", 2), ("2.50001", 3), ("3.5", 4)])
def test_ties_go_to_the_even_tick(price: str, ticks: int) -> None:
    assert Market("1", "1").price_ticks(price) == ticks


@given(st.integers(0, 10**15), st.integers(0, 999_999))
def test_a_fee_is_rounded_half_up(notional: int, ppm: int) -> None:
    assert fee_atoms(notional, ppm) == (Fraction(notional * ppm, 10**6) + Fraction(1, 2)).__floor__()


@given(st.integers(1, 10**12), st.integers(0, 999_999))
def test_a_gross_up_is_the_least_that_leaves_enough(lots: int, ppm: int) -> None:
    gross = gross_lots(lots, ppm)
    assert gross * (10**6 - ppm) >= lots * 10**6
    assert (gross - 1) * (10**6 - ppm) < lots * 10**6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tick": "0"}, "tick must be above zero, was 0"),
        ({"tick": "-1"}, "tick must be above zero, was -1"),
        ({"lot": "NaN"}, "lot must be a finite number, was 'NaN'"),
        ({"lot": "Infinity"}, "lot must be a finite number"),
        ({"lot": "a"}, "lot must be a number, was 'a'"),
        ({"tick": 0.01}, 'tick must be exact: write "0.01" in quotes or use Decimal, was 0.01'),
        ({"tick": True}, "tick must be exact"),
        ({"min_notional": "-1"}, "min_notional must not be negative, was -1"),
        ({"maker_fee": "1"}, r'maker_fee must be a fraction from 0 to below 1 \(0.1 % is "0.001"\), was 1'),
        ({"maker_fee": "-0.001"}, "maker_fee must be a fraction from 0"),
        ({"taker_fee": "0.0000001"}, "taker_fee may have at most six decimals, was 1E-7"),
        ({"buy_fee_asset": "BNB"}, 'buy_fee_asset must be "quote" or "base", was \'BNB\''),
    ],
)
def test_refusals_name_expected_and_actual(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Market(**(RULES | change))  # type: ignore[arg-type]
