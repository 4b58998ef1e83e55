"""Markets and candles."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query, Request

from autogrid.data.timeframe import format_timeframe, parse_timeframe
from autogrid.errors import NotFound
from autogrid.store import candle_pages, coverage
from autogrid.store.candle_pages import Stored
from services.api.access import VIEWER, open_to
from services.api.deps import Db, Name
from services.api.markets.arrow import ARROW, stream
from services.api.markets.models import Candles, Market, SeriesOf
from services.api.paging import Page, Paged
from services.api.route import router
from services.api.times import Moment

routes = router("/v1", "markets")
_ARROW_ANSWER = {"content": {ARROW: {"schema": {"type": "string", "format": "binary"}}}}


class Wanted:
    """Which candles."""

    def __init__(
        self,
        exchange: Annotated[Name, Query(examples=["binance"])],
        symbol: Annotated[Name, Query(examples=["BTC/USDT"])],
        timeframe: Annotated[str, Query(pattern=r"^[1-9][0-9]{0,4}[smhdw]$", examples=["1m"])],
        start: Annotated[Moment | None, Query(description="First open; by default the first stored.")] = None,
        end: Annotated[Moment | None, Query(description="End, exclusive; by default the last stored.")] = None,
    ) -> None:
        self.exchange, self.symbol = exchange, symbol
        self.timeframe_s = parse_timeframe(timeframe)
        self.start = 0 if start is None else coverage.to_ms(start)
        self.end = coverage.to_ms(datetime(9999, 1, 1, tzinfo=UTC) if end is None else end)


@routes.get("/markets", **open_to(VIEWER, 422))
def list_markets(page: Paged, db: Db, exchange: Annotated[Name | None, Query()] = None) -> Page[Market]:
    """Markets, and the candles stored of each."""
    with db.begin() as connection:
        return page.of(_market, lambda at, limit: candle_pages.markets(connection, exchange, at, limit))


@routes.get("/candles", **(kept := open_to(VIEWER, 404, 422)) | {"responses": kept["responses"] | {200: _ARROW_ANSWER}})
def get_candles(
    request: Request, wanted: Annotated[Wanted, Depends()], db: Db,
    limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
    cursor: Annotated[int | None, Query(ge=0, le=253370764800000, description="From the page before.")] = None,
) -> Candles:  # fmt: skip
    """Candles, oldest first; as an Arrow stream of all of them with Accept: application/vnd.apache.arrow.stream.

    Candles coarser than what is stored are made from it.
    """
    start = wanted.start if cursor is None else cursor
    with db.begin() as connection:
        source = candle_pages.source(connection, wanted.exchange, wanted.symbol, wanted.timeframe_s)
        if source is None:
            raise NotFound(
                f"no candles of {wanted.exchange} {wanted.symbol} {format_timeframe(wanted.timeframe_s)} are stored: "
                "see /v1/markets, or run autogrid candles fetch"
            )
        if ARROW in request.headers.get("accept", ""):
            return stream(db, source, wanted.timeframe_s, start, wanted.end)  # type: ignore[return-value]
        rows, following = candle_pages.page(connection, source, wanted.timeframe_s, start, wanted.end, limit)
    return Candles(items=rows, next_cursor=None if following is None else str(following))


def _market(item: Stored) -> Market:
    series = [
        SeriesOf(timeframe=format_timeframe(width), start=coverage.when(start), end=coverage.when(end), candles=count)
        for width, start, end, count in item.series
    ]
    return Market(**item.row, series=series)
