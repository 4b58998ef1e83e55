"""Bots whose strategy decides their grids."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("bot", sa.Column("strategy", sa.Text))
    op.add_column("bot", sa.Column("params", JSONB, server_default=sa.text("'{}'"), nullable=False))
    op.add_column("bot", sa.Column("decided_ms", sa.BigInteger, server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    for name in ("decided_ms", "params", "strategy"):
        op.drop_column("bot", name)
