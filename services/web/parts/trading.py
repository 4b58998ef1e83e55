"""The charts of a bot."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.web.client import Api, ApiError
from services.web.parts import charts, show

Rows = list[dict[str, Any]]
#: Candle lengths to choose from, and about how many candles a chart shows.
LENGTHS = {"1m": 1, "5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440}
SHOWN = 400


async def market_candles(api: Api, bot: dict[str, Any], fills: Rows) -> list[list[float]]:
    """Candles of the bot's time, of a length that fits; empty where none are stored."""
    began = show.moment(bot["started_at"] or bot["created_at"]) or datetime.now(UTC)
    ended = datetime.now(UTC)
    if played := _played(bot, fills):
        began, ended = played
    minutes = (ended - began).total_seconds() / 60
    length = next((name for name, size in LENGTHS.items() if minutes / size <= SHOWN), "1d")
    start = began - timedelta(minutes=60 * LENGTHS[length])
    try:
        found: list[list[float]] = await api.items(  # type: ignore[assignment]
            "/v1/candles", exchange=bot["exchange"], symbol=bot["symbol"], timeframe=length, start=start.isoformat(),
            end=(ended + timedelta(minutes=10 * LENGTHS[length])).isoformat(), limit=1000,
        )  # fmt: skip
    except ApiError as error:
        if error.status not in (404, 422):  # no such series: the chart goes by the bot's own looks
            raise
        return []
    return found


def _played(bot: dict[str, Any], fills: Rows) -> tuple[datetime, datetime] | None:
    """The span of fills that an exchange played from a tape of the past; None for a bot of the present."""
    times = [time for fill in fills if (time := show.moment(fill["ts"]))]
    began = show.moment(bot["created_at"])
    return (min(times), max(times)) if times and began and max(times) < began - timedelta(hours=1) else None


def ladder_figure(
    bot: dict[str, Any], cells: dict[str, Any], fills: Rows, points: Rows, candles: list[list[float]]
) -> charts.Figure:
    """Candles, or the prices the bot saw, with levels, resting orders and fills."""
    data: list[charts.Figure] = []
    if candles:
        data.append(charts.candles(candles))
        times: list[Any] = [datetime.fromtimestamp(row[0] / 1000, UTC).isoformat() for row in candles]
        data[0]["x"] = times
    else:
        times = [] if _played(bot, fills) else [point["ts"] for point in points]
        if times:
            data.append(charts.line("Price", times, [float(point["price"]) for point in points], charts.INK))
    times = times + [fill["ts"] for fill in fills]
    if not _played(bot, fills):
        times.append(bot["last_tick_at"] or bot["created_at"])
    times.sort(key=lambda text: show.moment(text) or datetime.now(UTC))
    first, last = show.moment(times[0]), show.moment(times[-1])
    assert first is not None
    assert last is not None
    # A bot that has just begun: lines need some room.
    span = ((min(first, last - timedelta(minutes=5))).isoformat(), (last + (last - first) / 40).isoformat())
    orders = [{**cell["order"], "side": cell["side"]} for cell in cells["cells"] if cell["order"]]
    data += charts.ladder(cells["levels"], orders, span)
    data += charts.fills(fills)
    return charts.figure(
        data,
        empty="Prices and levels appear when the grid has started",
        xaxis={"type": "date", "rangeslider": {"visible": False}},
    )


def equity_figure(points: Rows) -> charts.Figure:
    """Equity and what holding would have been worth."""
    times = [point["ts"] for point in points]
    data = []
    if points:
        data.append(charts.line("Equity", times, [float(point["equity"]) for point in points]))
        hold = [None if point["hold"] is None else float(point["hold"]) for point in points]
        data.append(charts.line("Hold", times, hold, charts.INK, line={"dash": "dot"}))
    return charts.figure(data, empty="One point a minute, once the bot runs", xaxis={"type": "date"})


def inventory_figure(points: Rows) -> charts.Figure:
    """Coins held."""
    data = []
    if points:
        times, base = [point["ts"] for point in points], [float(point["base"]) for point in points]
        data = [charts.line("Coins held", times, base, line={"shape": "hv"}, fill="tozeroy",
                            fillcolor="rgba(59,130,196,.15)")]  # fmt: skip
    return charts.figure(data, empty="One point a minute, once the bot runs", xaxis={"type": "date"})
