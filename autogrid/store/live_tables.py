"""Tables of the live engine, in the metadata of `tables`. Prices in ticks, amounts in lots, money NUMERIC in quote."""

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from autogrid.store.tables import metadata

_TIME = sa.TIMESTAMP(timezone=True)
#: Orders whose outcome is open. One of them per (bot, kind, cell), unless the exchange accepted one id twice: the
#: second is adopted under "<client id>#<exchange id>".
LIVE = sa.text("status <> 'done'")
LIVE_ONCE = sa.text("status <> 'done' AND strpos(client_id, '#') = 0")
DUE = sa.text("next_tick_at IS NOT NULL")


def _id(kind: type[sa.Integer] = sa.Integer) -> sa.Column[int]:
    return sa.Column("id", kind, sa.Identity(), primary_key=True)


def _bot() -> sa.Column[int]:
    return sa.Column("bot_id", sa.Integer, sa.ForeignKey("bot.id"), nullable=False)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, _TIME, nullable=False, server_default=sa.func.now())


def _zero(name: str, kind: type[sa.Numeric[Decimal]] | type[sa.Integer]) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False, server_default=sa.text("0"))


#: One row: the two characters that begin this installation's client order ids.
installation = sa.Table(
    "installation",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("tag", sa.Text, nullable=False),
    sa.CheckConstraint("id = 1", name="installation_one"),
    sa.CheckConstraint("tag ~ '^[0-9A-Za-z]{2}$'", name="installation_tag"),
)

account = sa.Table(
    "account",
    metadata,
    _id(),
    sa.Column("owner_id", sa.Integer),
    sa.Column("name", sa.Text, nullable=False),
    #: ccxt's name of the exchange, or "paper".
    sa.Column("exchange", sa.Text, nullable=False),
    sa.Column("base_url", sa.Text),
    #: Encrypted (store/secrets.py).
    sa.Column("credentials", sa.LargeBinary),
    sa.Column("key_hint", sa.Text),
    #: No request before this time.
    sa.Column("paused_until", _TIME),
    #: No request until a person acts.
    sa.Column("blocked_reason", sa.Text),
    _now("created_at"),
    sa.UniqueConstraint("owner_id", "name", name="account_owner_name", postgresql_nulls_not_distinct=True),
)

#: Never changed: a trigger refuses.
passport = sa.Table(
    "passport",
    metadata,
    #: sha256, hex.
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("owner_id", sa.Integer),
    sa.Column("study", sa.Text, nullable=False),
    sa.Column("study_name", sa.Text, nullable=False),
    sa.Column("code_hash", sa.Text, nullable=False),
    sa.Column("candles_sha256", sa.Text, nullable=False),
    sa.Column("fills_sha256", sa.Text, nullable=False),
    sa.Column("result", JSONB, nullable=False),
    sa.Column("gates", JSONB, nullable=False),
    _now("created_at"),
    sa.Index("passport_newest", sa.text("created_at DESC")),
)

bot = sa.Table(
    "bot",
    metadata,
    _id(),
    sa.Column("owner_id", sa.Integer),
    sa.Column("account_id", sa.Integer, sa.ForeignKey("account.id"), nullable=False),
    sa.Column("passport_id", sa.Text, sa.ForeignKey("passport.id")),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("tag", sa.Text, nullable=False),
    #: Whose candles show the bot's market: the account's exchange, for paper the study's.
    sa.Column("exchange", sa.Text, nullable=False),
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("market", JSONB, nullable=False),
    #: What decides the bot's grids, by name, and its parameters; NULL: `grid` is its one grid.
    sa.Column("strategy", sa.Text),
    sa.Column("params", JSONB, nullable=False, server_default=sa.text("'{}'")),
    #: The grid that is worked, or core.decision.UNDECIDED.
    sa.Column("grid", JSONB, nullable=False),
    #: The end of the last candle on which the strategy has decided, ms.
    _zero("decided_ms", sa.BigInteger),
    sa.Column("cash", sa.Numeric),
    sa.Column("slippage_ticks", sa.Integer, nullable=False),
    sa.Column("code_hash", sa.Text, nullable=False),
    sa.Column("limits", JSONB, nullable=False),
    sa.Column("window", sa.Integer),
    sa.Column("wish", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    _zero("generation", sa.Integer),
    sa.Column("plan", JSONB),
    sa.Column("position", JSONB),
    sa.Column("first_price", sa.BigInteger),
    sa.Column("last_price", sa.BigInteger),
    sa.Column("cursor", sa.Text, nullable=False, server_default=""),
    sa.Column("notes", JSONB, nullable=False, server_default=sa.text("'[]'")),
    sa.Column("attempts", JSONB, nullable=False, server_default=sa.text("'[]'")),
    sa.Column("sent_ms", JSONB, nullable=False, server_default=sa.text("'[]'")),
    _zero("day", sa.Integer),
    _zero("day_equity", sa.Numeric),
    #: What of the account's coins belongs to this bot: the budget first, then what its books hold.
    _zero("reserved_quote", sa.Numeric),
    _zero("reserved_base", sa.Numeric),
    _zero("version", sa.BigInteger),
    #: NULL: nothing to do until somebody wishes something.
    sa.Column("next_tick_at", _TIME),
    sa.Column("last_tick_at", _TIME),
    sa.Column("reconciled_at", _TIME),
    _now("created_at"),
    sa.Column("started_at", _TIME),
    sa.Column("stopped_at", _TIME),
    #: State of the simulated exchange of a paper bot.
    sa.Column("paper", JSONB),
    sa.Index("bot_due", "next_tick_at", postgresql_where=DUE),
    sa.Index("bot_account", "account_id"),
    sa.Index("bot_owner", "owner_id"),
    # An updated row finds room on its own page and touches no index.
    postgresql_with={"fillfactor": 70},
)

bot_order = sa.Table(
    "bot_order",
    metadata,
    _id(sa.BigInteger),
    _bot(),
    #: Index into core.orders.KINDS.
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("cell", sa.Integer, nullable=False),
    sa.Column("cycle", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("side", sa.SmallInteger, nullable=False),
    sa.Column("price", sa.BigInteger, nullable=False),
    sa.Column("lots", sa.BigInteger, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("exchange_id", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    _zero("filled", sa.BigInteger),
    sa.Column("sent_at", _TIME),
    sa.Column("reason", sa.Text),
    _now("created_at"),
    _now("updated_at"),
    sa.UniqueConstraint("bot_id", "client_id", name="bot_order_client_id"),
    sa.CheckConstraint("status IN ('planned', 'sent', 'open', 'cancelling', 'done')", name="bot_order_status"),
    sa.CheckConstraint("side IN (-1, 1)", name="bot_order_side"),
    sa.Index("bot_order_one_live", "bot_id", "kind", "cell", unique=True, postgresql_where=LIVE_ONCE),
    sa.Index("bot_order_live", "bot_id", postgresql_where=LIVE),
    sa.Index("bot_order_exchange_id", "bot_id", "exchange_id"),
    sa.Index("bot_order_newest", "bot_id", sa.text("id DESC")),
)

bot_fill = sa.Table(
    "bot_fill",
    metadata,
    _id(sa.BigInteger),
    _bot(),
    sa.Column("order_id", sa.BigInteger, sa.ForeignKey("bot_order.id")),
    sa.Column("exchange_id", sa.Text, nullable=False),
    sa.Column("trade_id", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("ts", _TIME, nullable=False),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("cell", sa.Integer, nullable=False),
    sa.Column("cycle", sa.Integer, nullable=False),
    sa.Column("side", sa.SmallInteger, nullable=False),
    sa.Column("price", sa.BigInteger, nullable=False),
    sa.Column("lots", sa.BigInteger, nullable=False),
    sa.Column("fee", sa.Numeric, nullable=False),
    sa.Column("fee_asset", sa.Text, nullable=False),
    sa.UniqueConstraint("bot_id", "exchange_id", "trade_id", name="bot_fill_trade"),
    sa.Index("bot_fill_time", "bot_id", "ts", "id"),
    sa.Index("bot_fill_order", "order_id"),
)

bot_event = sa.Table(
    "bot_event",
    metadata,
    _id(sa.BigInteger),
    _bot(),
    _now("ts"),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("data", JSONB, nullable=False),
    sa.Index("bot_event_newest", "bot_id", sa.text("id DESC")),
)

#: A bot's day against the replay of the same candles; `parts` say where the difference came from.
twin = sa.Table(
    "twin",
    metadata,
    _bot(),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("parts", JSONB, nullable=False),
    sa.Column("divergence_bps", sa.Numeric, nullable=False),
    _now("created_at"),
    sa.PrimaryKeyConstraint("bot_id", "day", name="twin_pk"),
)

#: At most one row a minute, at its beginning. Money in quote, `base` in base.
bot_equity = sa.Table(
    "bot_equity",
    metadata,
    _bot(),
    sa.Column("ts", _TIME, nullable=False),
    *(sa.Column(name, sa.Numeric, nullable=False) for name in ("equity", "cash", "base", "price")),
    sa.PrimaryKeyConstraint("bot_id", "ts", name="bot_equity_pk"),
)
