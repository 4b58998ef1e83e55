"""A strategy that decides its grids, on one set of candles (contract, section 10).

Compiled from one decision to the next. At a decision the core's own ladder acts on the books; its slow twin for whole
runs is `naive.trace_decided`.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from autogrid.core.decision import STRATEGY, UNDECIDED, Stop, View, first_view, view_of
from autogrid.core.grid import Grid
from autogrid.core.ladder import Ladder
from autogrid.core.market import Market, fee_atoms, positive
from autogrid.core.orders import BUY, Fill
from autogrid.core.path import PATHS, path_code
from autogrid.core.plan import HEADROOM, Plan, check_headroom
from autogrid.core.regrid import Change, first
from autogrid.errors import InvalidInput
from autogrid.research import kernel as k
from autogrid.research.kernel_part import run_part
from autogrid.research.runlog import Decided
from autogrid.research.simulate import STOPS, Job, Outcome, core_books, laid_out, ledger
from autogrid.research.ticks import CandleTicks
from autogrid.strategies.decider import FrameDecider

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Setting:
    """What a strategy is run on."""

    decider: FrameDecider
    ticks: CandleTicks
    market: Market
    #: Quote to begin with.
    cash: Decimal
    path: str
    penetration: int
    slippage: int

    def __post_init__(self) -> None:
        path_code(self.path)
        low = int(self.ticks.tree[-1, 0])
        if self.slippage >= low:
            raise InvalidInput(f"slippage_ticks must be below the lowest price ({low} ticks), was {self.slippage}")
        if self.market.atoms(self.cash) >= HEADROOM:
            raise InvalidInput(f"cash must stay below 2**62 atoms, was {self.cash:f}; use a larger tick or lot")


def needed_cash(cash: Decimal | str | None) -> Decimal:
    """What a strategy begins with. InvalidInput where it is not said."""
    if cash is None:
        raise InvalidInput(
            "a strategy that decides its grids must be told what it begins with: add cash to [simulation], or cash=... "
            "to the call"
        )
    return positive("cash", cash)


def simulate_decided(setting: Setting, log_size: int = 0) -> Outcome:
    """Run the strategy once. With `log_size` > 0 the fill log is complete."""
    walk, last, total = _Walk(setting, log_size), 0, len(setting.ticks)
    for t, at_ms in setting.decider.moments(setting.ticks.ts):
        walk.go(last, t)
        last = t
        if walk.is_over:
            break
        walk.decide(t, at_ms)
    walk.go(last, total)
    return walk.outcome()


def path_range(setting: Setting, found: Outcome) -> tuple[Decimal, Decimal]:
    """Least and greatest final equity over the three path rules; `found` is that of the setting's own."""
    close = int(setting.ticks.close[-1])
    others = [simulate_decided(replace(setting, path=name)) for name in PATHS if name != setting.path]
    equities = [ledger(each, close).equity for each in (found, *others)]
    return min(equities), max(equities)


def undecided(market: Market, cash: int, price: int) -> Plan:
    """The plan of a bot without a grid: no cells; `cash` atoms and a `price` in ticks are all it has."""
    return Plan(market, UNDECIDED, (), (), (), price, price, 0, 0, cash, None, None, True)


class _Walk:
    """One run: a grid or none, and the books."""

    def __init__(self, setting: Setting, log_size: int) -> None:
        self.setting = setting
        self.job: Job | None = None
        self.books, self.stats = np.zeros(k.B_SIZE, np.int64), np.zeros(k.S_SIZE)
        self.log = np.zeros((log_size, k.L_SIZE), np.int64)
        self.decisions: list[Decided] = []
        self.cash = setting.market.atoms(setting.cash)
        self.books[k.B_CASH], self.books[k.B_FIRST] = self.cash, -1
        self.stats[k.S_PEAK] = self.stats[k.S_LAST_DAY] = self.cash

    @property
    def is_over(self) -> bool:
        return bool(self.books[k.B_STOPPED])

    def go(self, begin: int, end: int) -> None:
        """From after the open of candle `begin` to the open of candle `end`; the log grows where it must."""
        job, ticks = self.job, self.setting.ticks
        if job is None or begin == end:
            return
        kept = self.books.copy(), self.stats.copy()
        while True:
            run_part(
                begin, end, ticks.tree, ticks.offset, ticks.days, job.levels, job.lots, job.gross, job.rule,
                self.books, self.stats, self.log,
            )  # fmt: skip
            if not self._grow(int(self.books[k.B_FILLS])):
                return
            self.books[:], self.stats[:] = kept

    def decide(self, t: int, at_ms: int) -> None:
        """Ask the strategy at the open of candle `t`, and do as it says."""
        price, fills = int(self.setting.ticks.open[t]), None
        try:
            decision = self.setting.decider.decide(at_ms, self._view(price))
            if isinstance(decision, Grid):
                ladder, fills = self._changed(decision, price)
        except InvalidInput as error:
            self._note(t, "refused", reason=str(error))
            return
        if fills is not None:
            self._work(ladder)
            self._book(t, ladder, fills)
            self._note(t, "grid", plan=ladder.plan)
        elif isinstance(decision, Stop):
            if self.job is not None:
                ladder = self._ladder(self.job)
                self._book(t, ladder, list(ladder.stop(price, decision.sell)))
            self.books[k.B_STOPPED], self.books[k.B_LAST] = STOPS.index(STRATEGY), t
            self._note(t, "stop")

    def outcome(self) -> Outcome:
        """What has become of it."""
        setting = self.setting
        job = self.job or laid_out(
            undecided(setting.market, self.cash, int(setting.ticks.open[0])), setting.ticks, setting.path, 0, 0
        )
        end = self.books[k.B_LAST] + 1 if self.is_over else len(setting.ticks)
        if self.job is not None:
            self.stats[k.S_IN_RANGE] /= end - self.books[k.B_FIRST]
        log = self.log[: int(self.books[k.B_FILLS])]
        return Outcome(job, self.books, self.stats, log, np.zeros((0, 2), np.int64), tuple(self.decisions))

    def _view(self, price: int) -> View:
        market, job = self.setting.market, self.job
        if job is None:
            return first_view(market, self.setting.cash, price)
        return view_of(market, job.plan.grid, core_books(job.plan, self.books), price)

    def _changed(self, grid: Grid, price: int) -> tuple[Ladder, list[Fill]]:
        """The ladder that works `grid` from now on, and the order it began with. InvalidInput where it cannot."""
        setting = self.setting
        if self.job is not None:
            ladder = self._ladder(self.job)
            return ladder, list(ladder.regrid(grid, price))
        planned = first(setting.market, setting.cash, Change(grid, price, setting.slippage))
        ladder = Ladder(planned, setting.penetration, setting.slippage)
        return ladder, list(ladder.start())

    def _ladder(self, job: Job) -> Ladder:
        """The core's ladder where the kernel has come to."""
        ladder = Ladder(job.plan, self.setting.penetration, self.setting.slippage)
        ladder.started, ladder.empty, ladder.books = True, int(self.books[k.B_EMPTY]), core_books(job.plan, self.books)
        opening, bought = int(job.rule[k.R_START_FILL]), int(self.books[k.B_HIGHEST])
        # A cell that has sold since the grid began was bought at its own level.
        for cell in range(ladder.empty, job.plan.n) if self.books[k.B_HELD] else ():
            lots = job.plan.lots[cell]
            ladder.books.lots[cell] = lots
            ladder.books.cost[cell] = lots * (opening if cell >= bought else job.plan.levels[cell])
        return ladder

    def _work(self, ladder: Ladder) -> None:
        """Hand the ladder's grid to the kernel. InvalidInput if any integer could leave int64."""
        setting, made, books = self.setting, ladder.plan, ladder.books
        ticks, most = setting.ticks, max(int(books.cash), abs(books.realised), int(books.fees))
        highest = max(int(ticks.tree[-1, 1]), made.levels[-1], made.start_fill, made.take_profit or 0)
        whole = max(made.start_lots, int(books.base_micro // k.MICRO))
        check_headroom(replace(made, cash=most, start_lots=whole), highest, ticks.travel)
        self.job = laid_out(made, ticks, setting.path, setting.penetration, setting.slippage)

    def _book(self, t: int, ladder: Ladder, fills: list[Fill]) -> None:
        """The ladder's books become the kernel's; `fills` are what happened to them."""
        b, books = self.books, ladder.books
        held = sum(books.lots.values())
        b[k.B_CASH], b[k.B_FEES], b[k.B_FEES_MICRO] = books.cash, books.fees, books.fees_micro
        b[k.B_HELD], b[k.B_DUST], b[k.B_COST] = held, books.base_micro - held * k.MICRO, sum(books.cost.values())
        # Only their difference matters, and each grows without end.
        b[k.B_EXCESS_COST], b[k.B_EXCESS_REVENUE] = books.excess_cost - books.excess_revenue, 0
        b[k.B_REALISED], b[k.B_EMPTY], b[k.B_HIGHEST] = books.realised, ladder.empty, ladder.empty
        if b[k.B_FIRST] < 0:
            b[k.B_FIRST] = t
            self.stats[k.S_DAYS] = np.searchsorted(self.setting.ticks.days, t)
        for fill in fills:
            self._count(t, fill)

    def _count(self, t: int, fill: Fill) -> None:
        """A taker order in figures and in the log."""
        market, notional, n = self.setting.market, fill.price * fill.lots, int(self.books[k.B_FILLS])
        in_base = market.fee_in_base and fill.side == BUY
        self.stats[k.S_TURNOVER] += notional
        fee = notional * (market.taker_ppm / k.MICRO) if in_base else fee_atoms(notional, market.taker_ppm)
        self.stats[k.S_FEE_VALUE] += fee
        self.books[k.B_FILLS] = n + 1
        self._grow(n + 1)
        if n < len(self.log):
            self.log[n] = (t, *fill)

    def _grow(self, fills: int) -> bool:
        """Make room for so many fills in a log that is kept; whether there was too little."""
        had = len(self.log)
        if not 0 < had < fills:
            return False
        self.log = np.concatenate([self.log, np.zeros((max(had, fills - had), k.L_SIZE), np.int64)])
        return True

    def _note(self, t: int, what: str, plan: Plan | None = None, reason: str | None = None) -> None:
        self.decisions.append(Decided(t, int(self.setting.ticks.ts[t]), what, plan, reason))
