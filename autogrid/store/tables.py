"""The tables as SQLAlchemy sees them; the migrations create them and a test compares the two."""

import sqlalchemy as sa

metadata = sa.MetaData()
_TIME = sa.TIMESTAMP(timezone=True)


def _series() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("market_id", sa.Integer, sa.ForeignKey("market.id"), nullable=False),
        sa.Column("timeframe_s", sa.Integer, nullable=False),
    )


#: Rules are known only once an exchange or a study gave them.
market = sa.Table(
    "market",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("exchange", sa.Text, nullable=False),
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("tick", sa.Numeric),
    sa.Column("lot", sa.Numeric),
    sa.Column("min_notional", sa.Numeric),
    sa.Column("maker_fee", sa.Numeric),
    sa.Column("taker_fee", sa.Numeric),
    sa.Column("buy_fee_asset", sa.Text),
    sa.Column("max_amount", sa.Numeric),
    sa.Column("max_market_amount", sa.Numeric),
    sa.Column("max_notional", sa.Numeric),
    sa.CheckConstraint("buy_fee_asset IN ('quote', 'base')", name="market_buy_fee_asset"),
    sa.UniqueConstraint("exchange", "symbol", name="market_exchange_symbol"),
)

#: Market data is floating point, as exchanges publish it; money never is.
candle = sa.Table(
    "candle",
    metadata,
    *_series(),
    sa.Column("ts", _TIME, nullable=False),
    *(sa.Column(name, sa.Double, nullable=False) for name in ("open", "high", "low", "close", "volume")),
    sa.PrimaryKeyConstraint("market_id", "timeframe_s", "ts", name="candle_pk"),
)

#: Half-open stretches that an import or fetch has looked at; `version` changes when their candles do.
coverage = sa.Table(
    "coverage",
    metadata,
    *_series(),
    sa.Column("start_ts", _TIME, nullable=False),
    sa.Column("end_ts", _TIME, nullable=False),
    sa.Column("candles", sa.BigInteger, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("market_id", "timeframe_s", "start_ts", name="coverage_pk"),
    sa.CheckConstraint("start_ts < end_ts", name="coverage_order"),
)

#: Stretches inside coverage without candles.
gap = sa.Table(
    "gap",
    metadata,
    *_series(),
    sa.Column("start_ts", _TIME, nullable=False),
    sa.Column("end_ts", _TIME, nullable=False),
    sa.Column("candles", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("market_id", "timeframe_s", "start_ts", name="gap_pk"),
    sa.CheckConstraint("reason IN ('missing', 'exchange_omits_empty')", name="gap_reason"),
)

import_log = sa.Table(
    "import_log",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    *_series(),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("candles", sa.BigInteger, nullable=False),
    sa.Column("written", sa.BigInteger, nullable=False),
    sa.Column("imported_at", _TIME, nullable=False, server_default=sa.func.now()),
)
