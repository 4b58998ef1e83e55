"""Accounts, passports, bots, their orders, fills, events, twins and equity."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

_LIVE = sa.text("status <> 'done'")
_LIVE_ONCE = sa.text("status <> 'done' AND strpos(client_id, '#') = 0")


def _col(name: str, kind: object, *more: object, default: str | None = None) -> sa.Column[object]:
    """A column that must have a value."""
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, kind, *more, nullable=False, server_default=server_default)  # type: ignore[arg-type]


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True))


def _now(name: str) -> sa.Column[object]:
    return _col(name, sa.TIMESTAMP(timezone=True), default="now()")


def _id(kind: type[sa.Integer] = sa.Integer) -> sa.Column[int]:
    return sa.Column("id", kind, sa.Identity(), primary_key=True)


def _bot() -> sa.Column[object]:
    return _col("bot_id", sa.Integer, sa.ForeignKey("bot.id"))


def upgrade() -> None:
    _accounts()
    _bots()
    _orders()
    _fills()
    _reports()
    op.execute(
        "CREATE FUNCTION passport_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'passport % is immutable: promote the study again', OLD.id; END $$"
    )
    op.execute(
        "CREATE TRIGGER passport_immutable BEFORE UPDATE OR DELETE ON passport "
        "FOR EACH ROW EXECUTE FUNCTION passport_is_immutable()"
    )


def _accounts() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        _col("tag", sa.Text),
        sa.CheckConstraint("id = 1", name="installation_one"),
        sa.CheckConstraint("tag ~ '^[0-9A-Za-z]{2}$'", name="installation_tag"),
    )
    op.create_table(
        "account",
        _id(),
        sa.Column("owner_id", sa.Integer),
        _col("name", sa.Text),
        _col("exchange", sa.Text),
        sa.Column("base_url", sa.Text),
        sa.Column("credentials", sa.LargeBinary),
        sa.Column("key_hint", sa.Text),
        _time("paused_until"),
        sa.Column("blocked_reason", sa.Text),
        _now("created_at"),
        sa.UniqueConstraint("owner_id", "name", name="account_owner_name", postgresql_nulls_not_distinct=True),
    )
    op.create_table(
        "passport",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner_id", sa.Integer),
        *(_col(name, sa.Text) for name in ("study", "study_name", "code_hash", "candles_sha256", "fills_sha256")),
        _col("result", JSONB),
        _col("gates", JSONB),
        _now("created_at"),
    )
    op.create_index("passport_newest", "passport", [sa.text("created_at DESC")])


def _bots() -> None:
    op.create_table(
        "bot",
        _id(),
        sa.Column("owner_id", sa.Integer),
        _col("account_id", sa.Integer, sa.ForeignKey("account.id")),
        sa.Column("passport_id", sa.Text, sa.ForeignKey("passport.id")),
        *(_col(name, sa.Text) for name in ("name", "tag", "exchange", "symbol")),
        _col("market", JSONB),
        _col("grid", JSONB),
        sa.Column("cash", sa.Numeric),
        _col("slippage_ticks", sa.Integer),
        _col("code_hash", sa.Text),
        _col("limits", JSONB),
        sa.Column("window", sa.Integer),
        _col("wish", sa.Text),
        _col("status", sa.Text),
        sa.Column("reason", sa.Text),
        _col("generation", sa.Integer, default="0"),
        sa.Column("plan", JSONB),
        sa.Column("position", JSONB),
        sa.Column("first_price", sa.BigInteger),
        sa.Column("last_price", sa.BigInteger),
        _col("cursor", sa.Text, default="''"),
        *(_col(name, JSONB, default="'[]'") for name in ("notes", "attempts", "sent_ms")),
        _col("day", sa.Integer, default="0"),
        *(_col(name, sa.Numeric, default="0") for name in ("day_equity", "reserved_quote", "reserved_base")),
        _col("version", sa.BigInteger, default="0"),
        *(_time(name) for name in ("next_tick_at", "last_tick_at", "reconciled_at")),
        _now("created_at"),
        *(_time(name) for name in ("started_at", "stopped_at")),
        sa.Column("paper", JSONB),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("bot_due", "bot", ["next_tick_at"], postgresql_where=sa.text("next_tick_at IS NOT NULL"))
    op.create_index("bot_account", "bot", ["account_id"])
    op.create_index("bot_owner", "bot", ["owner_id"])


def _orders() -> None:
    op.create_table(
        "bot_order",
        _id(sa.BigInteger),
        _bot(),
        _col("kind", sa.SmallInteger),
        *(_col(name, sa.Integer) for name in ("cell", "cycle", "attempt")),
        _col("side", sa.SmallInteger),
        *(_col(name, sa.BigInteger) for name in ("price", "lots")),
        _col("client_id", sa.Text),
        sa.Column("exchange_id", sa.Text),
        _col("status", sa.Text),
        _col("filled", sa.BigInteger, default="0"),
        _time("sent_at"),
        sa.Column("reason", sa.Text),
        _now("created_at"),
        _now("updated_at"),
        sa.UniqueConstraint("bot_id", "client_id", name="bot_order_client_id"),
        sa.CheckConstraint("status IN ('planned', 'sent', 'open', 'cancelling', 'done')", name="bot_order_status"),
        sa.CheckConstraint("side IN (-1, 1)", name="bot_order_side"),
    )
    op.create_index(
        "bot_order_one_live", "bot_order", ["bot_id", "kind", "cell"], unique=True, postgresql_where=_LIVE_ONCE
    )
    op.create_index("bot_order_live", "bot_order", ["bot_id"], postgresql_where=_LIVE)
    op.create_index("bot_order_exchange_id", "bot_order", ["bot_id", "exchange_id"])
    op.create_index("bot_order_newest", "bot_order", ["bot_id", sa.text("id DESC")])


def _fills() -> None:
    op.create_table(
        "bot_fill",
        _id(sa.BigInteger),
        _bot(),
        sa.Column("order_id", sa.BigInteger, sa.ForeignKey("bot_order.id")),
        *(_col(name, sa.Text) for name in ("exchange_id", "trade_id", "client_id")),
        _col("ts", sa.TIMESTAMP(timezone=True)),
        _col("kind", sa.SmallInteger),
        *(_col(name, sa.Integer) for name in ("cell", "cycle")),
        _col("side", sa.SmallInteger),
        *(_col(name, sa.BigInteger) for name in ("price", "lots")),
        _col("fee", sa.Numeric),
        _col("fee_asset", sa.Text),
        sa.UniqueConstraint("bot_id", "exchange_id", "trade_id", name="bot_fill_trade"),
    )
    op.create_index("bot_fill_time", "bot_fill", ["bot_id", "ts", "id"])
    op.create_index("bot_fill_order", "bot_fill", ["order_id"])


def _reports() -> None:
    op.create_table(
        "bot_event",
        _id(sa.BigInteger),
        _bot(),
        _now("ts"),
        _col("level", sa.Text),
        _col("name", sa.Text),
        _col("data", JSONB),
    )
    op.create_index("bot_event_newest", "bot_event", ["bot_id", sa.text("id DESC")])
    op.create_table(
        "twin",
        _bot(),
        _col("day", sa.Date),
        _col("parts", JSONB),
        _col("divergence_bps", sa.Numeric),
        _now("created_at"),
        sa.PrimaryKeyConstraint("bot_id", "day", name="twin_pk"),
    )
    op.create_table(
        "bot_equity",
        _bot(),
        _col("ts", sa.TIMESTAMP(timezone=True)),
        *(_col(name, sa.Numeric) for name in ("equity", "cash", "base", "price")),
        sa.PrimaryKeyConstraint("bot_id", "ts", name="bot_equity_pk"),
    )


def downgrade() -> None:
    for table in ("bot_equity", "twin", "bot_event", "bot_fill", "bot_order", "bot", "passport", "account"):
        op.drop_table(table)
    op.drop_table("installation")
    op.execute("DROP FUNCTION passport_is_immutable()")
