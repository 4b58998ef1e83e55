"""The split of profit and loss in whole numbers against the same in fractions."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from autogrid.core.ledger import MICRO
from autogrid.core.market import Market
from autogrid.core.pnl import Totals, pnl

ATOMS = st.integers(-(10**18), 10**18)
EXACT = ATOMS | st.fractions(-(10**12), 10**12, max_denominator=10**8)
MARKETS = st.builds(
    Market,
    tick=st.sampled_from(["0.01", "1", "0.00000001"]),
    lot=st.sampled_from(["0.001", "10", "0.000001"]),
    taker_fee=st.sampled_from(["0", "0.001", "0.999999"]),
    buy_fee_asset=st.sampled_from(["quote", "base"]),
)


@given(MARKETS, st.builds(Totals, EXACT, EXACT, EXACT, ATOMS, ATOMS, st.integers(1, 10**9)), st.integers(1, 10**9))
def test_the_split_is_exact_and_adds_up(market: Market, totals: Totals, price: int) -> None:
    found = pnl(market, totals, price)
    atom, fee = Fraction(market.atom), Fraction(market.taker_ppm, MICRO)
    equity = Fraction(totals.cash) + Fraction(totals.base_micro) * price / MICRO
    hold = Fraction(totals.cash_start * price, totals.start_fill) * (1 - fee if market.fee_in_base else 1 / (1 + fee))
    expected = {
        "equity": equity,
        "equity_start": Fraction(totals.cash_start),
        "total": equity - totals.cash_start,
        "grid_profit": Fraction(totals.realised),
        "inventory": equity - totals.cash_start - totals.realised + Fraction(totals.fees),
        "fees": Fraction(totals.fees),
        "hold": hold,
        "versus_hold": equity - hold,
    }
    for name, value in expected.items():
        assert abs(Fraction(getattr(found, name)) - value * atom) <= Fraction(1, 2 * 10**12), name


def test_a_bot_of_the_contract() -> None:
    market = Market("0.01", "0.001", taker_fee="0.001")
    # 404 quote, 202 of it spent on 2.000 at 101.00, fee 0.202; the price is 102.
    found = pnl(market, Totals(20_179_800, 2_000 * MICRO, 20_200, 0, 40_400_000, 10_100), 10_200)
    assert (found.equity, found.total) == (Decimal("405.798"), Decimal("1.798"))
    assert (found.grid_profit, found.inventory, found.fees) == (0, Decimal(2), Decimal("0.202"))
    assert found.hold == round(Decimal(404) * 102 / 101 / Decimal("1.001"), 12)
    assert found.versus_hold == found.equity - found.hold
