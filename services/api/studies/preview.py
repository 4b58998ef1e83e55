"""What a study describes, by plain arithmetic."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy.engine import Connection

from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.plan import Plan, plan
from autogrid.core.study import Study
from autogrid.core.trailing import ruler
from autogrid.store import candle_pages, markets
from autogrid.strategies.registry import worked
from services.api.studies.decided import decided
from services.api.studies.models import Preview

#: What belongs to a grid, where there is none yet.
_UNPLANNED: dict[str, Any] = dict.fromkeys(
    ("empty_level", "start_amount", "least_profit", "most_profit", "stop_loss", "take_profit")
) | {"levels": [], "amounts": [], "beyond": [], "trailing": "none", "stops_move": False}


def preview(connection: Connection, study: Study, price: Decimal | None) -> Preview:
    """The grid of a study as it would start at `price`. InvalidInput says what is wrong with it."""
    known = {}
    if study.exchange and study.symbol:
        known = dict(markets.rules(connection, study.exchange, study.symbol))
    market, grid = study.market_with(known), worked(study)
    if isinstance(grid, Grid):
        start = price or _price(connection, study, grid)
        cash = None if study.cash is None else str(study.cash)
        planned = plan(grid, market, market.price_ticks(start), cash, study.slippage_ticks)
        return Preview(**_names(study), **_limits(market), strategy=None, decided_at=None, **_planned(planned))
    found = decided(connection, study, market, grid, price)
    shown = _UNPLANNED | {"price": price, "cash": found.cash} if found.plan is None else _planned(found.plan)
    return Preview(**_names(study), **_limits(market), strategy=study.strategy, decided_at=found.at, **shown)


def _names(study: Study) -> dict[str, Any]:
    return {name: getattr(study, name) for name in ("exchange", "symbol", "timeframe")}


def _planned(planned: Plan) -> dict[str, Any]:
    """What belongs to a grid."""
    market, grid, profits = planned.market, planned.grid, _profits(planned)
    return {
        "price": market.price(planned.start),
        "levels": [market.price(level) for level in planned.levels],
        "amounts": [market.amount(lots) for lots in planned.lots],
        "empty_level": planned.empty,
        "cash": market.money(planned.cash),
        "start_amount": market.amount(planned.start_lots),
        "least_profit": min(profits),
        "most_profit": max(profits),
        "trailing": grid.trailing or "none",
        "beyond": [market.price(level) for level in _beyond(planned)],
        "stop_loss": None if planned.stop_loss is None else market.price(planned.stop_loss),
        "take_profit": None if planned.take_profit is None else market.price(planned.take_profit),
        "stops_move": grid.trailing is not None and not grid.stop_fixed,
    }


def _limits(market: Market) -> dict[str, Any]:
    return {name: getattr(market, name) for name in ("max_amount", "max_market_amount", "max_notional")}


def _beyond(planned: Plan) -> list[int]:
    """The next levels on the sides to which the grid follows the price, ticks."""
    grid, rule, count = planned.grid, ruler(planned.grid, planned.market), max(1, planned.n // 4)
    below = range(-count, 0) if grid.trails_down else ()
    above = range(planned.n + 1, planned.n + count + 1) if grid.trails_up else ()
    return [level for i in (*below, *above) if (level := rule.level(i)) >= 1]


def _price(connection: Connection, study: Study, grid: Grid) -> Decimal:
    if grid.trigger is not None:
        return Decimal(str(grid.trigger))
    if study.exchange and study.symbol:
        close = candle_pages.last_close(connection, study.exchange, study.symbol)
        if close is not None:
            return Decimal(repr(close))
    return (Decimal(str(grid.lower)) + Decimal(str(grid.upper))) / 2


def _profits(planned: Plan) -> list[Decimal]:
    fee = Fraction(planned.market.maker_ppm, 1_000_000)
    found = []
    for low, high in zip(planned.levels[:-1], planned.levels[1:], strict=True):
        earned = Fraction(high, low) * (1 - fee) - 1 - fee
        found.append(Decimal(round(earned * 10**8)) / 10**8)
    return found
