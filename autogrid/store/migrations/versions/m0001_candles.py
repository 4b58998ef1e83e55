"""Markets, candles, coverage, gaps, import log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _series() -> list[sa.Column[int]]:
    return [
        sa.Column("market_id", sa.Integer, sa.ForeignKey("market.id"), nullable=False),
        sa.Column("timeframe_s", sa.Integer, nullable=False),
    ]


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=False)


def upgrade() -> None:
    op.create_table(
        "market",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("exchange", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        *(sa.Column(n, sa.Numeric) for n in ("tick", "lot", "min_notional", "maker_fee", "taker_fee")),
        sa.Column("buy_fee_asset", sa.Text),
        sa.CheckConstraint("buy_fee_asset IN ('quote', 'base')", name="market_buy_fee_asset"),
        sa.UniqueConstraint("exchange", "symbol", name="market_exchange_symbol"),
    )
    op.create_table(
        "candle",
        *_series(),
        _time("ts"),
        *(sa.Column(n, sa.Double, nullable=False) for n in ("open", "high", "low", "close", "volume")),
        sa.PrimaryKeyConstraint("market_id", "timeframe_s", "ts", name="candle_pk"),
    )
    op.create_table(
        "coverage",
        *_series(),
        _time("start_ts"),
        _time("end_ts"),
        sa.Column("candles", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("market_id", "timeframe_s", "start_ts", name="coverage_pk"),
        sa.CheckConstraint("start_ts < end_ts", name="coverage_order"),
    )
    op.create_table(
        "gap",
        *_series(),
        _time("start_ts"),
        _time("end_ts"),
        sa.Column("candles", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("market_id", "timeframe_s", "start_ts", name="gap_pk"),
        sa.CheckConstraint("reason IN ('missing', 'exchange_omits_empty')", name="gap_reason"),
    )
    op.create_table(
        "import_log",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        *_series(),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("candles", sa.BigInteger, nullable=False),
        sa.Column("written", sa.BigInteger, nullable=False),
        sa.Column("imported_at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
    )


def downgrade() -> None:
    for table in ("import_log", "gap", "coverage", "candle", "market"):
        op.drop_table(table)
