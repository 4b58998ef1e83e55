"""One live bot and its orders, as values. The store keeps them, the tick changes them."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple, get_args

from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.orders import GRID, Key
from autogrid.core.position import Position

#: What a person wants of a bot. pause cancels its orders, hold leaves them resting; stop keeps the base, stop_sell
#: sells it; kill cancels everything at once and halts.
Wish = Literal["run", "pause", "hold", "stop", "stop_sell", "kill"]
WISHES: tuple[Wish, ...] = get_args(Wish)
#: What a bot is. waiting: for its trigger price or first look at the market. halted and stopped are final until a
#: person acts; refused: its code hash is not the running code's.
Status = Literal["waiting", "running", "paused", "stopping", "stopped", "halted", "refused"]
STATUSES: tuple[Status, ...] = get_args(Status)

#: Life of an order: planned (written down, not sent), sent (outcome unknown until acknowledged or looked up),
#: open, cancelling (cancel sent), done (final; `reason` says how).
PLANNED, SENT, OPEN, CANCELLING, DONE = "planned", "sent", "open", "cancelling", "done"
DEFAULT_WINDOW = 100
LIVE = (PLANNED, SENT, OPEN, CANCELLING)


@dataclass(slots=True)
class Order:
    """One order row. Prices in ticks, amounts in lots."""

    key: Key
    attempt: int
    side: int
    price: int
    lots: int
    client_id: str
    status: str = PLANNED
    #: The store's key; None until it is stored.
    id: int | None = None
    exchange_id: str | None = None
    #: Lots whose executions are booked.
    filled: int = 0
    #: When it was last sent, ms.
    sent_at_ms: int = 0
    #: Why it ended or was refused: filled, canceled, expired, rejected: ...
    reason: str | None = None

    @property
    def is_market(self) -> bool:
        """Start and stop orders take, grid orders rest."""
        return self.key.kind != GRID


class FillRow(NamedTuple):
    """One execution as it is kept for ever."""

    trade_id: str
    exchange_id: str
    client_id: str
    ts_ms: int
    key: Key
    side: int
    #: Ticks and lots.
    price: int
    lots: int
    fee: Decimal
    fee_asset: str


class Event(NamedTuple):
    """Something a person or a metric wants to know. `level` is info, warning or critical."""

    level: str
    #: Constant name such as "stop_reached".
    name: str
    data: dict[str, str | int]


@dataclass(frozen=True)
class Limits:
    """What risk allows; None switches a limit off. Money in quote."""

    #: Highest value of what rests and is held.
    max_notional: Decimal | None = None
    #: Most orders resting at once, whatever the window says.
    max_open_orders: int | None = None
    max_orders_per_minute: int | None = None
    #: Largest distance between the traded price and the last known close at which a market order is sent, a fraction.
    max_price_deviation: Decimal | None = Decimal("0.1")
    #: Loss since the day (UTC) began at which the bot halts.
    max_daily_loss: Decimal | None = None


class Note(NamedTuple):
    """Why an order that should rest does not, and until when it is not tried again (ms)."""

    reason: str
    until_ms: int
    #: How often in a row it was refused.
    tries: int


@dataclass
class Bot:
    """One bot. What is above `wish` never changes once it exists, but for the grid where a strategy decides it."""

    id: int
    #: Two characters that name this installation in client order ids.
    tag: str
    name: str
    account_id: int
    #: "BTC/USDT": base and quote coin.
    symbol: str
    market: Market
    grid: Grid
    #: Quote the bot may spend; reserved for it on the account.
    cash: Decimal | None
    slippage_ticks: int
    code_hash: str
    limits: Limits = field(default_factory=Limits)
    #: At most this many orders rest: those nearest to the turning point. Exchanges allow some 200 on one market.
    window: int | None = DEFAULT_WINDOW
    #: What decides its grids as candles close, by name, and its parameters; None: it has one grid.
    strategy: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    wish: str = "run"
    status: str = "waiting"
    reason: str | None = None
    generation: int = 0
    #: None until the first price (or the trigger) fixed the plan.
    position: Position | None = None
    #: First price seen, ticks: tells from which side the trigger is reached.
    first_price: int | None = None
    last_price: int | None = None
    #: Where reading of executions goes on.
    cursor: str = ""
    #: The end of the last candle on which its strategy has decided, ms.
    decided_ms: int = 0
    #: (kind, cell) -> why it does not rest.
    notes: dict[tuple[int, int], Note] = field(default_factory=dict)
    #: (kind, cell) -> (cycle, orders made for it so far).
    attempts: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    #: When orders were sent within the last minute, ms.
    sent_ms: list[int] = field(default_factory=list)
    #: The UTC day (days since 1970) and equity in atoms at its first tick.
    day: int = 0
    day_equity: int = 0
    #: Compared and raised by every commit.
    version: int = 0

    @property
    def base_asset(self) -> str:
        return self.symbol.split("/")[0]

    @property
    def quote_asset(self) -> str:
        return self.symbol.split("/")[1].split(":")[0]
