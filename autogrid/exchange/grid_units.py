"""An order in whole lots and ticks, rounded so that it never costs more or brings less than was asked."""

from decimal import Context

from autogrid.core.market import Market
from autogrid.exchange.port import BUY, NewOrder

_WIDE = Context(prec=80)


def units(rules: Market, new: NewOrder) -> tuple[int, int | None]:
    """Lots and price in ticks (None: a market order): amounts down, a buy's price down, a sell's price up."""
    lots = int(_WIDE.divide_int(new.amount, rules.lot))
    if new.price is None:
        return lots, None
    ticks, rest = _WIDE.divmod(new.price, rules.tick)
    return lots, int(ticks) + (1 if rest and new.side != BUY else 0)
