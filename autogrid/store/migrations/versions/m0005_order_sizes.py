"""How large orders on a market may be."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
COLUMNS = ("max_amount", "max_market_amount", "max_notional")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("market", sa.Column(name, sa.Numeric))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("market", name)
