"""What a study would do, before money is at stake: its cost, its earnings, its ladder on the newest candles."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from markupsafe import Markup
from nicegui import ui

from services.web.client import Api
from services.web.parts import charts, show
from services.web.parts.charts import Chart
from services.web.parts.tables import Facts, put
from services.web.parts.trading import Candles, candles, length_for

#: How much of the market's past is shown.
PAST = timedelta(days=7)
EARNS = "A round trip's earnings are after the maker fees of both sides, as a part of what its buy costs. "
DECIDES = "Its strategy decides the grid, and others after it, on the candles of the day. "
LATER = "Its strategy decides the first grid once all candles that it looks back on are stored. "
CHARTED = "The chart has the newest stored candles."
NO_CANDLES = (
    "No candles of this market are stored yet, which a backtest needs: autogrid candles fetch {exchange} {symbol} "
    "{timeframe} --since 2024-01-01"
)


class Preview:
    """The place of a preview; the newest one replaces the one before."""

    def __init__(self, api: Api, markets: list[dict[str, Any]], zone: str) -> None:
        self._api, self._zone = api, zone
        self._ends = {(each["exchange"], each["symbol"]): _end(each) for each in markets}
        self._seen: dict[tuple[str, str], Candles] = {}
        with ui.element("div").classes("stack").props('aria-live="polite"'):
            self._problem = ui.html(sanitize=False).classes("wide")
            self._facts = Facts()
        with ui.element("div").classes("wide") as self._place:
            self._chart = Chart("Newest candles with the levels and the first orders")
        self._hint = ui.label().classes("hint")

    def refuse(self, text: str) -> None:
        """The study cannot be: why."""
        put(self._problem, Markup('<p class="note bad" role="alert">{}</p>').format(text))
        self._facts.show([])
        self._place.set_visibility(False)
        self._hint.set_text("")

    async def show(self, found: dict[str, Any]) -> None:
        """What the API says of it."""
        put(self._problem, Markup(""))
        base, quote = show.coins(found["symbol"] or "base/quote")
        self._facts.show([*_decides(found, self._zone), *_facts(found, base, quote)])
        rows = await self._candles(found["exchange"], found["symbol"])
        known = found["exchange"] and found["symbol"]
        said = EARNS if found["levels"] else ""
        if found["strategy"]:
            said += DECIDES if found["decided_at"] else LATER
        self._hint.set_text(said + (CHARTED if rows else NO_CANDLES.format(**found) if known else ""))
        self._place.set_visibility(bool(rows))
        if rows:
            self._chart.show(self._figure(found, rows))

    async def _candles(self, exchange: str, symbol: str) -> Candles:
        market = (exchange, symbol)
        end = self._ends.get(market)
        if end is None:
            return []
        if market not in self._seen:
            start = end - PAST
            self._seen[market] = await candles(self._api, exchange, symbol, length_for(PAST), start, end)
        return self._seen[market]

    def _figure(self, found: dict[str, Any], rows: Candles) -> charts.Figure:
        levels, empty = found["levels"], found["empty_level"]
        drawn = charts.candles(rows, self._zone)
        first, last = (datetime.fromisoformat(drawn["x"][at]) for at in (0, -1))
        ends = last + (last - first) / 30, last - (last - first) / 8
        until, since = (each.isoformat() for each in ends)
        orders = [{"price": price, "side": "buy"} for price in levels[:empty]]
        orders += [{"price": price, "side": "sell"} for price in levels[empty + 1 :]] if levels else []
        whole = (drawn["x"][0], until)
        data = [drawn, *charts.ladder(levels, orders, whole, (since, until))]
        data += charts.across("Levels it may move to", found["beyond"], whole, charts.QUIET)
        for name, place, color in (("Stop loss", "stop_loss", charts.SELL), ("Take profit", "take_profit", charts.BUY)):
            if found[place] is not None:
                data += charts.across(name, [found[place]], whole, color, "dash")
        return charts.figure(data, xaxis=charts.time_axis(self._zone, whole), **_tag(found))


def _end(market: dict[str, Any]) -> datetime | None:
    ends = [time for series in market["series"] if (time := show.moment(series["end"]))]
    return max(ends, default=None)


def _tag(found: dict[str, Any]) -> dict[str, Any]:
    return {} if found["price"] is None else charts.price_tag(found["price"])


def _decides(found: dict[str, Any], zone: str) -> list[tuple[str, Any]]:
    """What decides the grid, and on which candle it has decided this one."""
    if found["strategy"] is None:
        return []
    name = ("Strategy", found["strategy"])
    if found["decided_at"] is None:
        return [name, ("First grid", "later")]
    none = [] if found["levels"] else [("First grid", "none on this candle")]
    return [name, ("Decided on the candle to", show.when(found["decided_at"], zone)), *none]


def _facts(found: dict[str, Any], base: str, quote: str) -> list[tuple[str, Any]]:
    levels, amounts = found["levels"], found["amounts"]
    if not levels:
        return [(f"Cash it begins with, {quote}", show.plain(found["cash"])), *_limits(found, base, quote)]
    least, most = (show.signed(Decimal(found[key]) * 100, 3) for key in ("least_profit", "most_profit"))
    earns = least if least == most else Markup("{} – {}").format(least, most)
    return [
        (f"Cash it needs, {quote}", show.plain(found["cash"])),
        (f"Bought at the start, {base}", show.exact(found["start_amount"])),
        (f"Starts near, {quote}", show.exact(found["price"])),
        ("Levels", len(levels)),
        (f"Amount per cell, {base}", _range(amounts)),
        (f"Step, {quote}", _range([Decimal(b) - Decimal(a) for a, b in pairwise(levels)])),
        ("A round trip earns, %", earns),
        *_stops(found, quote),
        *_limits(found, base, quote),
    ]


def _stops(found: dict[str, Any], quote: str) -> list[tuple[str, Any]]:
    """Which way it follows the price, and what its stops do then."""
    trails = found["trailing"] != "none"
    moves = "" if not trails else ", moves with the grid" if found["stops_move"] else ", stays"
    rows = (
        [("Follows the price", {"up": "up", "down": "down", "both": "up and down"}[found["trailing"]])]
        if trails
        else []
    )
    for name, key in (("Stop loss", "stop_loss"), ("Take profit", "take_profit")):
        if found[key] is not None:
            rows.append((f"{name}, {quote}", show.exact(found[key]) + moves))
    return rows


def _limits(found: dict[str, Any], base: str, quote: str) -> list[tuple[str, Any]]:
    """The exchange's largest orders, where they are known."""
    limits = (("max_amount", "Largest order", base), ("max_market_amount", "Largest market order", base),
              ("max_notional", "Largest order", quote))  # fmt: skip
    return [(f"{name}, {coin}", show.exact(found[key])) for key, name, coin in limits if found[key] is not None]


def _range(values: list[Any]) -> str:
    numbers = [Decimal(str(value)) for value in values]
    low, high = min(numbers), max(numbers)
    return show.exact(low) if low == high else f"{show.exact(low)} to {show.exact(high)}"
