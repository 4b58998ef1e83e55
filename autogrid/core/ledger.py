"""Money and base of one grid, and the identity that ties them together (contract, section 5)."""

from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple

from autogrid.core.market import fee_atoms
from autogrid.core.orders import BUY, GRID, REGRID, START, Fill
from autogrid.core.plan import Plan

MICRO = 1_000_000
#: A whole number of units, or an exact fraction where an exchange charged one.
Exact = int | Fraction


class Fee(NamedTuple):
    """A fee as an exchange charged it."""

    #: "quote" (amount in atoms), "base" (amount in millionths of a lot) or the name of another coin.
    asset: str
    amount: Exact


@dataclass
class Books:
    """Running books in atoms, lots and millionths of a lot. Whole fills and parts of them."""

    plan: Plan
    cash: Exact = field(init=False)
    #: Base held, in millionths of a lot.
    base_micro: Exact = 0
    #: Quote fees paid, atoms.
    fees: Exact = 0
    #: Base the exchange kept as fees, millionths of a lot.
    fees_micro: Exact = 0
    realised: int = 0
    #: Atoms paid for lots that belong to no cell: gross-ups, and cells sold short of what their fees took. Between two
    #: grids no lot belongs to a cell.
    excess_cost: int = 0
    #: Atoms got for lots that belong to no cell.
    excess_revenue: int = 0
    round_trips: int = 0
    fills: int = 0
    #: cell -> lots it holds, and the atoms paid for them.
    lots: dict[int, int] = field(default_factory=dict)
    cost: dict[int, int] = field(default_factory=dict)
    #: Fees in other coins: outside the books in quote, reported beside them.
    other_fees: dict[str, Exact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cash = self.plan.cash

    def apply(self, fill: Fill, fee: Fee | None = None) -> None:
        """Book one fill or a part of one; `fee` None charges what the market's rules say."""
        self.fills += 1
        notional = fill.price * fill.lots
        self.cash -= fill.side * notional
        self.base_micro += fill.side * fill.lots * MICRO
        self._charge(fee or self._fee(fill, notional))
        if fill.kind == REGRID:
            # The books change grids at one price; what the order got is apart from it.
            self.realised += fill.side * (self.plan.start - fill.price) * fill.lots
            fill = fill._replace(price=self.plan.start)
        if fill.side == BUY:
            self._hold(fill)
        else:
            self._close(fill)

    def settle(self, cell: int) -> bool:
        """What the cell still holds belongs to no cell from now on: dust. False if it held nothing."""
        if not self.lots.pop(cell, 0):
            return False
        self.excess_cost += self.cost.pop(cell)
        return True

    def regrid(self, plan: Plan) -> None:
        """Close the books of the old grid at the price `plan` starts at, and give its cells what base there is.

        What is missing, or too much, is then traded by the regrid order.
        """
        price = plan.start
        for cell in sorted(self.lots):
            lots = self.lots.pop(cell)
            self.realised += price * lots - self.cost.pop(cell)
            self.excess_cost += price * lots
        self.plan = plan
        left = int(self.base_micro // MICRO)
        for cell in range(plan.empty, plan.n):
            part = min(left, plan.lots[cell])
            if part > 0:
                self.lots[cell], self.cost[cell] = part, part * price
                self.excess_revenue += part * price
                left -= part

    def inherit(self, plan: Plan, old: int, new: int) -> None:
        """The grid has moved to `plan`: what cell `old` holds is the cell `new`'s from now on, at the same cost."""
        self.plan = plan
        if old in self.lots:
            self.lots[new], self.cost[new] = self.lots.pop(old), self.cost.pop(old)

    def _fee(self, fill: Fill, notional: int) -> Fee:
        market = self.plan.market
        ppm = market.taker_ppm if fill.is_taker else market.maker_ppm
        if fill.side == BUY and market.fee_in_base:
            return Fee("base", fill.lots * ppm)
        return Fee("quote", fee_atoms(notional, ppm))

    def _charge(self, fee: Fee) -> None:
        amount = fee.amount
        if isinstance(amount, Fraction) and amount.denominator == 1:
            amount = amount.numerator
        if fee.asset == "quote":
            self.cash -= amount
            self.fees += amount
        elif fee.asset == "base":
            self.base_micro -= amount
            self.fees_micro += amount
        else:
            self.other_fees[fee.asset] = self.other_fees.get(fee.asset, 0) + amount

    def _hold(self, fill: Fill) -> None:
        left, plan = fill.lots, self.plan
        opens = fill.kind in (START, REGRID)
        for cell in range(plan.empty, plan.n) if opens else (fill.cell,):
            # What comes for a cell that the grid has left behind, or so late a start, belongs to no cell.
            i = plan.index(cell)
            if i is None or (opens and (plan.offset or fill.kind != plan.opening.kind)):
                continue
            have = self.lots.get(cell, 0)
            part = min(left, plan.lots[i] - have)
            if part > 0:
                self.lots[cell] = have + part
                self.cost[cell] = self.cost.get(cell, 0) + part * fill.price
                left -= part
        self.excess_cost += left * fill.price

    def _close(self, fill: Fill) -> None:
        # A regrid order sells what the new grid has no cell for.
        cells = (fill.cell,) if fill.kind == GRID else () if fill.kind == REGRID else sorted(self.lots)
        left = fill.lots
        for cell in cells:
            have = self.lots.get(cell, 0)
            part = min(left, have)
            if part <= 0:
                continue
            left -= part
            released = self.cost[cell] * part // have
            self.realised += fill.price * part - released
            if part == have:
                del self.lots[cell], self.cost[cell]
                self.round_trips += fill.kind == GRID
            else:
                self.lots[cell], self.cost[cell] = have - part, self.cost[cell] - released
        self.excess_revenue += left * fill.price

    def ledger(self, close: int) -> "Ledger":
        """The books at a last price of `close` ticks. Checks the identity."""
        held = sum(self.lots.values())
        return close_books(self, close, held * close - sum(self.cost.values()), held)


def close_books(books: Books, close: int, held_gain: int, held_lots: int) -> "Ledger":
    """Decimals at the border. `held_gain` atoms: held cells at `close` against their basis."""
    excess = Fraction((books.base_micro - held_lots * MICRO) * close, MICRO)
    unrealised = held_gain + excess - books.excess_cost + books.excess_revenue
    equity = books.cash + Fraction(books.base_micro * close, MICRO)
    if equity - books.plan.cash != books.realised + unrealised - books.fees:
        raise AssertionError("the ledger's identity does not hold: a defect in AutoGrid, please report it")
    market = books.plan.market
    return Ledger(
        cash=_exact(Fraction(books.cash), market.atom),
        base=_exact(Fraction(books.base_micro, MICRO), market.lot),
        fees=_exact(Fraction(books.fees), market.atom),
        fees_base=_exact(Fraction(books.fees_micro, MICRO), market.lot),
        realised=market.money(books.realised),
        unrealised=_exact(unrealised, market.atom),
        equity=_exact(equity, market.atom),
        equity_start=market.money(books.plan.cash),
        round_trips=books.round_trips,
        fills=books.fills,
    )


def _exact(value: Fraction, unit: Decimal) -> Decimal:
    """`value` units as a Decimal, without rounding: denominators here divide a million."""
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(value.numerator) * unit / Decimal(value.denominator)
        return exact.quantize(unit) if value.denominator == 1 else exact


@dataclass(frozen=True)
class Ledger:
    """Final books. Money in quote, `base` and `fees_base` in base.

    equity - equity_start = realised + unrealised - fees, exactly. `unrealised` holds the open cells
    against their basis, dust, and what fees in base took; `fees` are the fees paid in quote.
    """

    cash: Decimal
    base: Decimal
    fees: Decimal
    fees_base: Decimal
    realised: Decimal
    unrealised: Decimal
    equity: Decimal
    equity_start: Decimal
    round_trips: int
    fills: int
