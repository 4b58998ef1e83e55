"""Random grids for property tests, and a price's way through a ladder."""

from fractions import Fraction

from hypothesis import assume
from hypothesis import strategies as st

from autogrid.core.grid import Grid
from autogrid.core.ledger import Fee
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, SELL, START, Intent, Key
from autogrid.core.plan import Plan, plan
from autogrid.core.position import Position, Trade
from autogrid.errors import InvalidInput


@st.composite
def plans(draw, fee_asset=None):
    """A plan of a few cells; ticks of 1, so that prices are small integers."""
    lower = draw(st.integers(800, 1200))
    cells = draw(st.integers(1, 8))
    upper = lower + draw(st.integers(cells * 4, 500))
    stops = {}
    if draw(st.integers(0, 3)) == 0:
        stops["stop_loss"] = str(lower - draw(st.integers(0, 50)))
    market = Market(
        tick="1",
        lot=draw(st.sampled_from(["0.01", "0.0001"])),
        min_notional="1",
        maker_fee=draw(st.sampled_from(["0", "0.0007", "0.001"])),
        taker_fee=draw(st.sampled_from(["0", "0.0011"])),
        buy_fee_asset=fee_asset or draw(st.sampled_from(["quote", "base"])),
    )
    grid = Grid(
        lower=str(lower),
        upper=str(upper),
        cells=cells,
        spacing=draw(st.sampled_from(["arithmetic", "geometric"])),
        stop_action=draw(st.sampled_from(["sell", "keep"])),
        **draw(st.sampled_from([{"amount": "0.5"}, {"quote": "600"}, {"investment": "20000"}])),
        **stops,
    )
    try:
        return plan(grid, market, draw(st.integers(lower - 50, upper + 50)), slippage_ticks=draw(st.integers(0, 2)))
    except InvalidInput:
        assume(False)


def resting(planned: Plan, empty: int) -> list[tuple[int, int, int, int]]:
    """What rests when `empty` cells hold quote: (cell, side, price, lots)."""
    buys = [(cell, BUY, planned.levels[cell], planned.gross[cell]) for cell in range(empty)]
    sells = [(cell, SELL, planned.levels[cell + 1], planned.lots[cell]) for cell in range(empty, planned.n)]
    return buys + sells


def shown(intents: list[Intent]) -> list[tuple[int, int, int, int]]:
    """Intents as `resting` has them: by cell."""
    assert all(intent.key.kind == GRID for intent in intents)
    return sorted((intent.key.cell, intent.side, intent.price, intent.lots) for intent in intents)


def rule_fee(planned: Plan, side: int, price: int, lots: int, taker: bool) -> Fee:
    """What the market's rules charge, to the last fraction: the parts of an order then cost what the whole does."""
    ppm = planned.market.taker_ppm if taker else planned.market.maker_ppm
    if side == BUY and planned.market.fee_in_base:
        return Fee("base", lots * ppm)
    return Fee("quote", Fraction(price * lots * ppm, 1_000_000))


def trade_of(planned: Plan, intent: Intent, lots: int) -> Trade:
    """An execution of `lots` of an intent."""
    fee = rule_fee(planned, intent.side, intent.price, lots, intent.key.kind != GRID)
    return Trade(intent.key, intent.side, intent.price, lots, fee)


def start(position: Position) -> None:
    """Fill the start order whole."""
    planned = position.plan
    if planned.start_lots:
        intent = Intent(Key(START, -1, 0), BUY, planned.start_fill, planned.start_lots)
        assert position.apply(trade_of(planned, intent, planned.start_lots))


@st.composite
def traded(draw, fee_asset=None, most=40):
    """A position after random executions, in whole and in part, of whatever rested, and those executions."""
    position = Position(draw(plans(fee_asset)))
    start(position)
    trades = []
    for _ in range(draw(st.integers(0, most))):
        intents = position.wanted(position.plan.start)
        if not intents:
            break
        intent = draw(st.sampled_from(intents))
        lots = draw(st.one_of(st.just(intent.lots), st.integers(1, intent.lots)))
        trades.append(trade_of(position.plan, intent, lots))
        assert position.apply(trades[-1])
    return position, trades
