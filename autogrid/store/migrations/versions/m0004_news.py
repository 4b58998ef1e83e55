"""Where readers of events go on from; how often an alert was tried."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "marker",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.add_column(
        "report",
        sa.Column("changed_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.add_column("app_user", sa.Column("digest_on", sa.Date))
    op.add_column("alert_log", sa.Column("attempts", sa.Integer, server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("alert_log", "attempts")
    op.drop_column("report", "changed_at")
    op.drop_column("app_user", "digest_on")
    op.drop_table("marker")
