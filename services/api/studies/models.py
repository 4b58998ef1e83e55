"""Studies as the API shows them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.api.deps import NO_ZERO, Name

EXAMPLE = """\
[market]
exchange = "binance"
symbol = "BTC/USDT"
tick = "0.01"
lot = "0.00001"
min_notional = "5"
maker_fee = "0.001"
taker_fee = "0.001"
[candles]
timeframe = "1m"
[strategy]
name = "static"
[strategy.params]
lower = "50000"
upper = "70000"
cells = 60
spacing = "geometric"
investment = "10000"
"""
#: A study file (TOML).
Toml = Annotated[str, StringConstraints(min_length=1, max_length=100_000, pattern=NO_ZERO), Field(examples=[EXAMPLE])]


class NewStudy(BaseModel):
    """A study to be kept."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "btc sixty cells", "text": EXAMPLE}]})

    name: Name
    text: Toml


class Study(BaseModel):
    """A kept study."""

    id: int
    owner_id: int
    name: str
    #: The study file, as it was sent.
    text: str
    #: sha256 of its content, whatever its order, comments and spacing.
    fingerprint: str
    created_at: datetime
    updated_at: datetime


class Question(BaseModel):
    """A study to be looked at."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": EXAMPLE, "price": "60000"}]})

    text: Toml
    #: Where the grid would start; by default its trigger, the last stored close, or the middle of its range.
    price: Annotated[Decimal, Field(gt=0, max_digits=30, decimal_places=12)] | None = None


class Preview(BaseModel):
    """The grid a study describes, before anything is run or bought.

    Of a strategy that decides its grids: the one it would begin with on the newest stored candles. Where these do not
    suffice, or it would not begin yet, there are no levels and amounts, and what belongs to a grid is null.
    """

    exchange: str | None
    symbol: str | None
    timeframe: str | None
    #: What decides the study's grids as candles close; null: the study has one grid.
    strategy: str | None
    #: The end of the newest candle on which its strategy decided; null where it could not, or has nothing to decide.
    decided_at: datetime | None
    price: Decimal | None
    #: cells + 1, rising.
    levels: list[Decimal]
    #: Base each cell sells.
    amounts: list[Decimal]
    #: The level that has no order at the start; cells from it on begin with base.
    empty_level: int | None
    #: Quote the grid begins with.
    cash: Decimal
    #: Base bought at the start.
    start_amount: Decimal | None
    #: What a round trip of the narrowest and widest cell earns after maker fees, as a fraction of its buy.
    least_profit: Decimal | None
    most_profit: Decimal | None
    #: none, up, down or both: which way the grid follows a price that leaves it.
    trailing: str
    #: Levels beyond its ends that it moves to first, rising; a quarter as many as cells on each side it follows to.
    beyond: list[Decimal]
    stop_loss: Decimal | None
    take_profit: Decimal | None
    #: Whether the stops move with the grid.
    stops_move: bool
    #: Most base in one order, most in one market order, most quote in one order; null where no limit is known.
    max_amount: Decimal | None
    max_market_amount: Decimal | None
    max_notional: Decimal | None
