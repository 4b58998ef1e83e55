"""What the API shows of bots beside `BotSummary`, and what it takes. Prices and money in quote, amounts in base."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from autogrid.core.bot import Status
from services.api.deps import Name, Text

Side = Literal["buy", "sell"]
Kind = Literal["start", "grid", "stop", "regrid"]


class NewBot(BaseModel):
    """A bot to be made from a passport; /v1/promotions makes passport and bot in one go."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"passport_id": "0" * 64, "account_id": 1, "name": "btc", "start": True}]}
    )

    passport_id: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    account_id: Annotated[int, Field(ge=1, le=2**31 - 1)]
    name: Name
    #: False: it waits, paused, until it is started.
    start: StrictBool = True


class Pause(BaseModel):
    """How to pause."""

    #: True leaves the orders resting; False cancels them.
    keep_orders: StrictBool = False


class Stop(BaseModel):
    """How to stop."""

    #: True sells the base at the market; False keeps it.
    sell: StrictBool = False


class Why(BaseModel):
    """Why it was killed."""

    reason: Annotated[Text, Field(max_length=200)] = "killed by its owner"


class RestingOrder(BaseModel):
    """The order of a cell."""

    status: Literal["planned", "sent", "open", "cancelling"]
    client_id: str
    exchange_id: str | None
    price: Decimal
    amount: Decimal
    filled: Decimal


class Cell(BaseModel):
    """One cell: what should rest, what rests, and why the two differ."""

    cell: int
    lower: Decimal
    upper: Decimal
    side: Side
    price: Decimal
    amount: Decimal
    filled: Decimal
    #: Whether its order should rest now.
    wanted: bool
    order: RestingOrder | None
    #: null where all is as it should be.
    reason: str | None
    #: Paid for the base it holds.
    cost: Decimal
    turns: int


class Cells(BaseModel):
    """All cells of a bot, from the lowest; empty before its grid has started."""

    status: Status
    reason: str | None
    last_price: Decimal | None
    #: cells + 1, rising.
    levels: list[Decimal]
    cells: list[Cell]
    #: Orders that should rest and do not.
    missing: int
    #: What decides the grids as candles close; null: there is one grid.
    strategy: str | None
    #: The end of the last candle on which the strategy has decided, and of the one on which it decides next. Null
    #: before the first decision, which is made as soon as the candles are there.
    decided_at: datetime | None
    next_decision_at: datetime | None


class Order(BaseModel):
    """An order; status done is final and `reason` says how it ended."""

    id: int
    kind: Kind
    cell: int
    side: Side
    price: Decimal
    amount: Decimal
    filled: Decimal
    status: Literal["planned", "sent", "open", "cancelling", "done"]
    client_id: str
    exchange_id: str | None
    reason: str | None
    created_at: datetime
    updated_at: datetime


class Fill(BaseModel):
    """One execution."""

    id: int
    ts: datetime
    kind: Kind
    cell: int
    side: Side
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_asset: str
    trade_id: str
    client_id: str


class Event(BaseModel):
    """Something that happened to a bot."""

    id: int
    ts: datetime
    level: Literal["info", "warning", "critical"]
    name: str
    data: dict[str, Any]


@dataclass
class Equity:
    """What a bot was worth at the beginning of a minute."""

    # No model: a thousand of them are made for one answer.
    ts: datetime
    equity: Decimal
    cash: Decimal
    base: Decimal
    price: Decimal
    #: What holding would have been worth; null before the grid has started.
    hold: Decimal | None


class Twin(BaseModel):
    """A day against the replay of the same candles."""

    day: date
    #: Of equity.
    divergence_bps: Decimal
    #: Where the difference came from, in quote; `lacking` and `extra` count fills. Where it happened: `untaken`, how
    #: many grids that the bot's strategy decided could not start in the replay; `borrowed`, what that spent beyond the
    #: bot's cash.
    parts: dict[str, Any]
