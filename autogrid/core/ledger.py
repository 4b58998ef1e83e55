"""Money and base of one grid, and the identity that ties them together (contract, section 5)."""

from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction

from autogrid.core.market import fee_atoms
from autogrid.core.orders import BUY, GRID, START, Fill
from autogrid.core.plan import Plan

MICRO = 1_000_000


@dataclass
class Books:
    """Running books in atoms, lots and millionths of a lot."""

    plan: Plan
    cash: int = field(init=False)
    #: Base held, in millionths of a lot.
    base_micro: int = 0
    #: Quote fees paid, atoms.
    fees: int = 0
    #: Base the exchange kept as fees, millionths of a lot.
    fees_micro: int = 0
    realised: int = 0
    #: Atoms paid for the lots that gross-ups bought beyond what the cells need.
    excess_cost: int = 0
    #: Atoms got for such lots in a stop.
    excess_revenue: int = 0
    round_trips: int = 0
    fills: int = 0
    #: cell -> its cost basis in ticks, for cells that hold base.
    basis: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cash = self.plan.cash

    def apply(self, fill: Fill) -> None:
        """Book one fill."""
        self.fills += 1
        market = self.plan.market
        notional = fill.price * fill.lots
        ppm = market.taker_ppm if fill.is_taker else market.maker_ppm
        self.cash -= fill.side * notional
        if fill.side == BUY and market.fee_in_base:
            self.base_micro += fill.lots * (MICRO - ppm)
            self.fees_micro += fill.lots * ppm
        else:
            fee = fee_atoms(notional, ppm)
            self.cash -= fee
            self.fees += fee
            self.base_micro += fill.side * fill.lots * MICRO
        if fill.side == BUY:
            self._hold(fill)
        else:
            self._close(fill)

    def _hold(self, fill: Fill) -> None:
        first, last = (self.plan.empty, self.plan.n) if fill.kind == START else (fill.cell, fill.cell + 1)
        needed = sum(self.plan.lots[first:last])
        self.basis.update(dict.fromkeys(range(first, last), fill.price))
        self.excess_cost += (fill.lots - needed) * fill.price

    def _close(self, fill: Fill) -> None:
        cells = [fill.cell] if fill.kind == GRID else list(self.basis)
        sold = 0
        for cell in cells:
            lots = self.plan.lots[cell]
            self.realised += (fill.price - self.basis.pop(cell)) * lots
            sold += lots
        self.round_trips += fill.kind == GRID
        self.excess_revenue += (fill.lots - sold) * fill.price

    def ledger(self, close: int) -> "Ledger":
        """The books at a last price of `close` ticks. Checks the identity."""
        held = sum((close - basis) * self.plan.lots[cell] for cell, basis in self.basis.items())
        return close_books(self, close, held, sum(self.plan.lots[cell] for cell in self.basis))


def close_books(books: Books, close: int, held_gain: int, held_lots: int) -> "Ledger":
    """Decimals at the border. `held_gain` atoms: held cells at `close` against their basis."""
    excess = Fraction((books.base_micro - held_lots * MICRO) * close, MICRO)
    unrealised = held_gain + excess - books.excess_cost + books.excess_revenue
    equity = books.cash + Fraction(books.base_micro * close, MICRO)
    if equity - books.plan.cash != books.realised + unrealised - books.fees:
        raise AssertionError("the ledger's identity does not hold: a defect in AutoGrid, please report it")
    market = books.plan.market
    return Ledger(
        cash=market.money(books.cash),
        base=_exact(Fraction(books.base_micro, MICRO), market.lot),
        fees=market.money(books.fees),
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
