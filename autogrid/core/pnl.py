"""What a grid earned, split by where it came from; from running books, in exact Decimals.

    total = equity - equity_start = grid_profit + inventory - fees

grid_profit is what completed sells brought over their cells' cost; inventory is what the held base is worth over its
cost at the last price. `versus_hold` is the difference to putting all cash into base at what the start order pays,
taker fee included.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple

from autogrid.core.ledger import MICRO, Exact
from autogrid.core.market import Market

#: Decimals of quote: more than any exchange books, few enough to be read.
_DIGITS = Decimal("1e-12")


class Totals(NamedTuple):
    """What of a grid's books the split needs. Atoms and millionths of a lot."""

    cash: Exact
    base_micro: Exact
    fees: Exact
    realised: int
    #: Of the plan: cash in atoms, and what the start order pays in ticks.
    cash_start: int
    start_fill: int


@dataclass(frozen=True)
class Pnl:
    """Profit and loss at one price, in quote."""

    equity: Decimal
    equity_start: Decimal
    total: Decimal
    grid_profit: Decimal
    inventory: Decimal
    fees: Decimal
    #: What holding would be worth now.
    hold: Decimal
    versus_hold: Decimal


def pnl(market: Market, totals: Totals, price: int) -> Pnl:
    """The split at a price of `price` ticks."""
    equity = Fraction(totals.cash) + Fraction(totals.base_micro) * price / MICRO
    total = equity - totals.cash_start
    inventory = total - totals.realised + Fraction(totals.fees)
    fee = Fraction(market.taker_ppm, MICRO)
    kept = 1 - fee if market.fee_in_base else 1 / (1 + fee)
    hold = Fraction(totals.cash_start * price, totals.start_fill) * kept
    values = (
        equity,
        Fraction(totals.cash_start),
        total,
        Fraction(totals.realised),
        inventory,
        Fraction(totals.fees),
        hold,
        equity - hold,
    )
    return Pnl(*(_money(value, market.atom) for value in values))


def _money(atoms: Fraction, atom: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        exact = atom * atoms.numerator / atoms.denominator
        return exact if -exact.as_tuple().exponent <= 12 else exact.quantize(_DIGITS)  # type: ignore[operator]
