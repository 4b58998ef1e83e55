"""What a grid earned, split by where it came from; from running books, in exact Decimals.

    total = equity - equity_start = grid_profit + inventory - fees

grid_profit is what completed sells brought over their cells' cost; inventory is what the held base is worth over its
cost at the last price. `versus_hold` is the difference to putting all cash into base at what the start order pays,
taker fee included.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from math import lcm
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
    exact = (totals.cash, totals.base_micro, totals.fees)
    # Whole numbers of this part of an atom: fractions would be reduced at every step.
    part = MICRO * lcm(*(value.denominator for value in exact))
    cash, held, fees = (value.numerator * (part // value.denominator) for value in exact)
    start, realised = totals.cash_start * part, totals.realised * part
    equity = cash + held * price // MICRO
    total = equity - start
    kept, of = (MICRO - market.taker_ppm, MICRO) if market.fee_in_base else (MICRO, MICRO + market.taker_ppm)
    hold, over = totals.cash_start * price * kept, totals.start_fill * of
    with localcontext() as context:
        context.prec = 80
        whole = (equity, start, total, realised, total - realised + fees, fees)
        money = [market.atom * value / part for value in whole]
        money += [market.atom * hold / over, market.atom * (equity * over - hold * part) / (part * over)]
        return Pnl(*(_rounded(each) for each in money))


def _rounded(exact: Decimal) -> Decimal:
    return exact if -exact.as_tuple().exponent <= 12 else exact.quantize(_DIGITS)  # type: ignore[operator]
