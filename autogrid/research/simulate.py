"""Between plans and the kernel: arrays in, integer results out."""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from autogrid.core.decision import STRATEGY
from autogrid.core.ledger import Books, Ledger, close_books
from autogrid.core.path import path_code
from autogrid.core.plan import Plan, check_headroom
from autogrid.core.trailing import most_lots
from autogrid.errors import InvalidInput
from autogrid.research import kernel as k
from autogrid.research.kernel_bounds import band
from autogrid.research.kernel_trail import run_trailing
from autogrid.research.kernel_trail_bounds import band_trailing
from autogrid.research.runlog import Decided, FillLog
from autogrid.research.ticks import CandleTicks
from autogrid.research.trail import Trail, trail_of

Ints = npt.NDArray[np.int64]
STOPS = (None, "stop_loss", "take_profit", STRATEGY)


@dataclass(frozen=True, eq=False)
class Job:
    """One grid ready for the kernel."""

    plan: Plan
    levels: Ints
    lots: Ints
    gross: Ints
    rule: Ints
    #: None for a grid that stays where it is.
    trail: Trail | None


@dataclass(frozen=True, eq=False)
class Outcome:
    """The kernel's raw results; `kernel.B_*` and `kernel.S_*` index `books` and `stats`."""

    job: Job
    books: Ints
    stats: npt.NDArray[np.float64]
    log: Ints
    #: Moves of a trailing grid: candle, offset after it. As complete as the log.
    moves: Ints
    #: What a strategy decided, in order; none where one grid was given.
    decisions: tuple[Decided, ...] = ()

    @property
    def stopped(self) -> str | None:
        return STOPS[self.books[k.B_STOPPED]]

    @property
    def plans(self) -> tuple[Plan, ...]:
        """All grids that were worked."""
        decided = tuple(each.plan for each in self.decisions if each.plan is not None)
        return decided or (self.job.plan,)

    @property
    def started(self) -> bool:
        return bool(self.books[k.B_FIRST] >= 0)


def prepare(plan: Plan, ticks: CandleTicks, path: str, penetration: int, slippage: int) -> Job:
    """Check that no integer can overflow and lay the plan out in arrays."""
    top = max(int(ticks.tree[-1, 1]), plan.levels[-1], plan.start_fill, plan.take_profit or 0)
    low = int(ticks.tree[-1, 0])
    check_headroom(plan, top, ticks.travel, most_lots(plan, low))
    if (plan.stop_loss is not None or plan.take_profit is not None) and slippage >= min(low, plan.stop_loss or low):
        raise InvalidInput(f"slippage_ticks must be below the lowest price ({low} ticks), was {slippage}")
    return laid_out(plan, ticks, path, penetration, slippage)


def laid_out(plan: Plan, ticks: CandleTicks, path: str, penetration: int, slippage: int) -> Job:
    """The plan in arrays."""
    rule = np.zeros(k.R_SIZE, np.int64)
    rule[k.R_PENETRATION], rule[k.R_SLIPPAGE], rule[k.R_PATH] = penetration, slippage, path_code(path)
    rule[k.R_STOP_LOSS] = -1 if plan.stop_loss is None else plan.stop_loss
    rule[k.R_TAKE_PROFIT] = k.FAR if plan.take_profit is None else plan.take_profit
    rule[k.R_STOP_SELL] = plan.stop_sell
    rule[k.R_MAKER], rule[k.R_TAKER] = plan.market.maker_ppm, plan.market.taker_ppm
    rule[k.R_FEE_IN_BASE] = plan.market.fee_in_base
    rule[k.R_EMPTY], rule[k.R_START] = plan.empty, plan.start
    # What the cells that begin in base have cost: the books change grids at the start price (section 10).
    rule[k.R_START_FILL] = plan.start if plan.regrid else plan.start_fill
    rule[k.R_START_LOTS], rule[k.R_CASH] = plan.start_lots, plan.cash
    trail = trail_of(plan, int(ticks.tree[-1, 0]), int(ticks.tree[-1, 1]), penetration)
    return Job(plan, _ints(plan.levels), _ints(plan.lots), _ints(plan.gross), rule, trail)


def simulate(job: Job, ticks: CandleTicks, log_size: int = 0) -> Outcome:
    """Run the kernel once. With `log_size` > 0 the fill log is complete: a too small one is grown, by running again."""
    while True:
        books, stats = np.zeros(k.B_SIZE, np.int64), np.zeros(k.S_SIZE)
        log = np.zeros((log_size, k.L_SIZE), np.int64)
        moves = np.zeros((log_size if job.trail else 0, 2), np.int64)
        _run(job, ticks, books, stats, log, moves)
        fills, moved = int(books[k.B_FILLS]), int(books[k.B_MOVES])
        if log_size == 0 or max(fills, moved) <= log_size:
            return Outcome(job, books, stats, log[:fills], moves[:moved])
        log_size = max(fills, moved)


def _run(job: Job, ticks: CandleTicks, books: Ints, stats: npt.NDArray[np.float64], log: Ints, moves: Ints) -> None:
    if job.trail is None:
        k.run(ticks.tree, ticks.offset, ticks.days, job.levels, job.lots, job.gross, job.rule, books, stats, log)
        return
    tables, window = job.trail, job.trail.window.copy()
    run_trailing(
        ticks.tree,
        ticks.offset,
        ticks.days,
        window,
        tables.wide,
        tables.stops,
        job.rule,
        tables.more,
        books,
        stats,
        log,
        moves,
    )


def fill_log(outcome: Outcome) -> FillLog:
    """The log's columns."""
    columns = [np.ascontiguousarray(outcome.log[:, i]) for i in range(k.L_SIZE)]
    return FillLog(*columns)


def ledger(outcome: Outcome, close: int) -> Ledger:
    """The final books at a last price of `close` ticks; the identity is checked on the way."""
    b, books = outcome.books.tolist(), core_books(outcome.job.plan, outcome.books)
    held = b[k.B_HELD] * close - b[k.B_COST]
    return close_books(books, close, held, b[k.B_HELD])


def core_books(plan: Plan, integers: Ints) -> Books:
    """The kernel's books as the core keeps them, but for what each cell holds."""
    b, books = integers.tolist(), Books(plan)
    books.cash, books.fees, books.fees_micro = b[k.B_CASH], b[k.B_FEES], b[k.B_FEES_MICRO]
    books.base_micro = b[k.B_HELD] * k.MICRO + b[k.B_DUST]
    books.realised, books.round_trips, books.fills = b[k.B_REALISED], b[k.B_ROUND_TRIPS], b[k.B_FILLS]
    books.excess_cost, books.excess_revenue = b[k.B_EXCESS_COST], b[k.B_EXCESS_REVENUE]
    return books


def bounds(job: Job, ticks: CandleTicks) -> tuple[Decimal, Decimal]:
    """Worst and best final equity over both orders of extremes in every candle, in quote."""
    tables = job.trail
    if tables is None:
        pairs = band(ticks.tree, ticks.offset, job.levels, job.lots, job.gross, job.rule)
    else:
        window, wide = tables.window, tables.wide
        pairs = band_trailing(ticks.tree, ticks.offset, window, wide, tables.stops, job.rule, tables.more)
    low, high = (_money(job.plan, int(atoms), int(rest)) for atoms, rest in pairs)
    return low, high


def _money(plan: Plan, atoms: int, micro: int) -> Decimal:
    exact = Fraction(atoms * k.MICRO + micro, k.MICRO)
    if exact.denominator == 1:
        return plan.market.money(exact.numerator)
    with localcontext() as context:
        context.prec = 60
        return Decimal(exact.numerator) * plan.market.atom / exact.denominator


def _ints(values: tuple[int, ...]) -> Ints:
    return np.array(values, dtype=np.int64)
