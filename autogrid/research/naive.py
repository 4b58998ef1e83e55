"""The slow, obvious twin of the kernel: the core's ladder, candle by candle."""

from dataclasses import dataclass, field

from autogrid.core.decision import Stop, first_view, view_of
from autogrid.core.grid import Grid
from autogrid.core.ladder import Ladder
from autogrid.core.ledger import Exact
from autogrid.core.orders import Fill
from autogrid.core.path import path_code, points
from autogrid.core.plan import Plan
from autogrid.core.regrid import Change, first
from autogrid.errors import InvalidInput
from autogrid.research.dynamic import Setting
from autogrid.research.runlog import Decided
from autogrid.research.ticks import CandleTicks


@dataclass(frozen=True)
class Trace:
    """Everything that happened. Lists have one entry per candle, after that candle."""

    ladder: Ladder
    fills: list[tuple[int, Fill]]
    empty: list[int]
    cash: list[Exact]
    base_micro: list[Exact]
    #: The plan, which moves with a trailing grid.
    windows: list[Plan]


def trace(plan: Plan, ticks: CandleTicks, path: str, penetration: int, slippage: int) -> Trace:
    """Walk every candle; arguments as in `simulate.prepare`."""
    return trace_orders(plan, ticks, [path_code(path)] * len(ticks), penetration, slippage)


def trace_orders(plan: Plan, ticks: CandleTicks, orders: list[int], penetration: int, slippage: int) -> Trace:
    """As `trace`, with an order of extremes for each candle."""
    ladder = Ladder(plan, penetration, slippage)
    result = Trace(ladder, [], [], [], [], [])
    last_close = None
    rows = zip(ticks.open.tolist(), ticks.high.tolist(), ticks.low.tolist(), ticks.close.tolist(), strict=True)
    for t, (open_, high, low, close) in enumerate(rows):
        walk = points(open_, high, low, close, orders[t])
        result.fills.extend((t, fill) for fill in ladder.candle(walk, last_close))
        result.empty.append(ladder.empty)
        result.cash.append(ladder.books.cash)
        result.base_micro.append(ladder.books.base_micro)
        result.windows.append(ladder.plan)
        last_close = close
    return result


@dataclass
class Decisions:
    """A run of a strategy. Lists of cash, base and plans have one entry per candle, after it; see `Trace`."""

    #: None before the first grid.
    ladder: Ladder | None = None
    stopped: str | None = None
    fills: list[tuple[int, Fill]] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)
    cash: list[Exact] = field(default_factory=list)
    base_micro: list[Exact] = field(default_factory=list)
    plans: list[Plan | None] = field(default_factory=list)


def trace_decided(setting: Setting) -> Decisions:
    """The slow twin of `dynamic.simulate_decided`."""
    ticks, run = setting.ticks, Decisions()
    moments = dict(setting.decider.moments(ticks.ts))
    rows = zip(ticks.open.tolist(), ticks.high.tolist(), ticks.low.tolist(), ticks.close.tolist(), strict=True)
    for t, row in enumerate(rows):
        open_, *rest = points(*row, path_code(setting.path))
        _leg(run, t, open_, gap=True)
        if t in moments and run.stopped is None:
            _ask(run, setting, t, moments[t])
        for y in rest:
            _leg(run, t, y)
        ladder = run.ladder
        run.cash.append(setting.market.atoms(setting.cash) if ladder is None else ladder.books.cash)
        run.base_micro.append(0 if ladder is None else ladder.books.base_micro)
        run.plans.append(None if ladder is None else ladder.plan)
    return run


def _leg(run: Decisions, t: int, y: int, gap: bool = False) -> None:
    if run.ladder is not None and run.stopped is None:
        run.fills.extend((t, fill) for fill in run.ladder.leg(y, gap=gap))
        run.stopped = run.ladder.stopped


def _ask(run: Decisions, setting: Setting, t: int, at_ms: int) -> None:
    price, market, ladder = int(setting.ticks.open[t]), setting.market, run.ladder
    ts = int(setting.ticks.ts[t])
    if ladder is None:
        view = first_view(market, setting.cash, price)
    else:
        view = view_of(market, ladder.plan.grid, ladder.books, price)
    try:
        decision = setting.decider.decide(at_ms, view)
        if isinstance(decision, Grid):
            run.fills.extend((t, fill) for fill in _started(run, setting, decision, price))
            assert run.ladder is not None
            run.decided.append(Decided(t, ts, "grid", run.ladder.plan))
    except InvalidInput as error:
        run.decided.append(Decided(t, ts, "refused", reason=str(error)))
        return
    if isinstance(decision, Stop):
        run.stopped = "strategy"
        if ladder is not None:
            run.fills.extend((t, fill) for fill in ladder.stop(price, decision.sell))
        run.decided.append(Decided(t, ts, "stop"))


def _started(run: Decisions, setting: Setting, grid: Grid, price: int) -> list[Fill]:
    if run.ladder is not None:
        return list(run.ladder.regrid(grid, price))
    planned = first(setting.market, setting.cash, Change(grid, price, setting.slippage))
    run.ladder = Ladder(planned, setting.penetration, setting.slippage)
    return list(run.ladder.start())
