"""Markets and candles as the API shows them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, WithJsonSchema


class SeriesOf(BaseModel):
    """Candles of one length that are stored of a market."""

    timeframe: str
    #: Open of the first candle.
    start: datetime
    #: End of the last one, exclusive.
    end: datetime
    candles: int


class Market(BaseModel):
    """A market; rules are null until an exchange or a study gave them."""

    id: int
    exchange: str
    symbol: str
    tick: Decimal | None
    lot: Decimal | None
    min_notional: Decimal | None
    maker_fee: Decimal | None
    taker_fee: Decimal | None
    #: What a buy's fee is taken from: quote or base.
    buy_fee_asset: str | None
    #: Most base in one order, most in one market order, most quote in one order; null where no limit is known.
    max_amount: Decimal | None
    max_market_amount: Decimal | None
    max_notional: Decimal | None
    series: list[SeriesOf]


#: As an array of numbers: tools that read OpenAPI documents do not agree on arrays whose places differ.
Row = Annotated[
    tuple[int, float, float, float, float, float],
    WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 6, "maxItems": 6}),
]


class Candles(BaseModel):
    """Candles, oldest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [[1722038400000, 67.9, 68.0, 67.5, 67.8, 12.5]], "next_cursor": None}]
        }
    )

    #: ts (open, ms UTC), open, high, low, close, volume.
    items: list[Row]
    #: Hand it back as ?cursor= for the next page; null on the last one.
    next_cursor: str | None
