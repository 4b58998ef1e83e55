"""The charts of a bot."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.web.client import Api, ApiError, Items
from services.web.parts import charts, show

Candles = list[list[float]]
#: Candle lengths to choose from, and about how many candles a chart shows.
LENGTHS = {"1m": 1, "5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440}
SHOWN = 400
#: What a visitor may look at.
RANGES: dict[str, timedelta | None] = {
    "1 h": timedelta(hours=1), "6 h": timedelta(hours=6), "1 d": timedelta(days=1), "7 d": timedelta(days=7),
    "30 d": timedelta(days=30), "All": None,
}  # fmt: skip
EMPTY = "One point a minute, once the bot runs"


@dataclass(frozen=True)
class Span:
    """The time that is shown."""

    start: datetime
    end: datetime
    #: Whether the exchange plays a tape of the past: the bot's own clock says nothing about its prices.
    played: bool = False

    @staticmethod
    def of(bot: dict[str, Any], fills: Items, chosen: str) -> "Span":
        """Of a bot's life until its end or now, the last part where one is chosen."""
        made = show.moment(bot["created_at"]) or datetime.now(UTC)
        start, end = show.moment(bot["started_at"]) or made, show.moment(bot["stopped_at"]) or datetime.now(UTC)
        times = [time for fill in fills if (time := show.moment(fill["ts"]))]
        played = bool(times) and max(times) < made - timedelta(hours=1)
        if played:
            start, end = min(times), max(times)
        length = RANGES[chosen]
        return Span(start if length is None else max(start, end - length), max(start, end), played)

    def holds(self, text: str) -> bool:
        """Whether a time of the API is shown."""
        time = show.moment(text)
        return time is not None and self.start <= time <= self.end + timedelta(minutes=1)


async def market_candles(api: Api, bot: dict[str, Any], span: Span) -> Candles:
    """Candles of this time, of a length that fits; empty where none are stored."""
    length = length_for(span.end - span.start)
    return await candles(api, bot["exchange"], bot["symbol"], length, span.start, span.end)


def length_for(time: timedelta) -> str:
    """The shortest candles of which a chart can show so much time."""
    minutes = time.total_seconds() / 60
    return next((name for name, size in LENGTHS.items() if minutes / size <= SHOWN), "1d")


async def candles(api: Api, exchange: str, symbol: str, length: str, start: datetime, end: datetime) -> Candles:
    """Candles with a little around them; empty where none are stored."""
    size = timedelta(minutes=LENGTHS.get(length, 1))
    try:
        found = await api.get(
            "/v1/candles", exchange=exchange, symbol=symbol, timeframe=length, start=(start - 60 * size).isoformat(),
            end=(end + 10 * size).isoformat(), limit=1000,
        )  # fmt: skip
    except ApiError as error:
        if error.status not in (404, 422):  # no such series: the chart goes by the bot's own looks
            raise
        return []
    items: Candles = found["items"]
    return items


def ladder_figure(
    bot: dict[str, Any], cells: dict[str, Any], fills: Items, points: Items, rows: Candles, span: Span, zone: str
) -> charts.Figure:
    """Candles, or the prices the bot saw, with levels, resting orders, fills and the last price."""
    data: list[charts.Figure] = []
    if rows:
        data.append(charts.candles(rows, zone))
    elif points and not span.played:
        times = [show.local(point["ts"], zone) for point in points]
        data.append(charts.line("Price", times, [float(point["price"]) for point in points], charts.INK))
    first = span.start if not rows else min(span.start, _of_ms(rows[0][0]))
    last = span.end if not rows else max(span.end, _of_ms(rows[-1][0]))
    # A bot that has just begun: lines need some room.
    first = min(first, last - timedelta(minutes=5))
    whole = (show.local(first, zone), show.local(last + (last - first) / 30, zone))
    newest = (show.local(last - (last - first) / 8, zone), whole[1])
    orders = [{**cell["order"], "side": cell["side"]} for cell in cells["cells"] if cell["order"]]
    levels = cells["levels"] or [level for level in (bot["lower"], bot["upper"]) if level is not None]
    data += charts.ladder(levels, orders, whole, newest)
    data += charts.fills([{**fill, "ts": show.local(fill["ts"], zone)} for fill in fills if span.holds(fill["ts"])])
    marks = charts.price_tag(bot["last_price"]) if bot["stopped_at"] is None else {}
    return charts.figure(data, xaxis=charts.time_axis(zone, whole), **marks)


def _of_ms(ts_ms: float) -> datetime:
    return datetime.fromtimestamp(ts_ms / 1000, UTC)


def equity_figure(points: Items, zone: str) -> charts.Figure:
    """Equity and what holding would have been worth."""
    times = [show.local(point["ts"], zone) for point in points]
    data = []
    if points:
        data.append(charts.line("Equity", times, [float(point["equity"]) for point in points]))
        hold = [None if point["hold"] is None else float(point["hold"]) for point in points]
        data.append(charts.line("Hold", times, hold, charts.INK, line={"dash": "dot"}))
    return charts.figure(data, empty=EMPTY, xaxis=charts.time_axis(zone))


def inventory_figure(points: Items, zone: str) -> charts.Figure:
    """Coins held."""
    data = []
    if points:
        times, base = [show.local(point["ts"], zone) for point in points], [float(point["base"]) for point in points]
        data = [charts.line("Coins held", times, base, line={"shape": "hv"}, fill="tozeroy",
                            fillcolor="rgba(59,130,196,.15)")]  # fmt: skip
    return charts.figure(
        data, empty=EMPTY, xaxis=charts.time_axis(zone), showlegend=False, yaxis={"rangemode": "tozero"}
    )
