"""Kill switches that stay engaged until somebody releases them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_TIME = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "kill_switch",
        sa.Column("id", sa.Integer, sa.Identity(), nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("bot_id", sa.Integer),
        sa.Column("account_id", sa.Integer),
        sa.Column("owner_id", sa.Integer),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("engaged_by", sa.Integer),
        sa.Column("engaged_at", _TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("released_by", sa.Integer),
        sa.Column("released_at", _TIME),
        sa.CheckConstraint("scope IN ('bot', 'account', 'mine', 'everything')", name="kill_switch_scope"),
        sa.ForeignKeyConstraint(["bot_id"], ["bot.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["owner_id"], ["app_user.id"]),
        sa.ForeignKeyConstraint(["engaged_by"], ["app_user.id"]),
        sa.ForeignKeyConstraint(["released_by"], ["app_user.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("kill_switch_bot", "kill_switch", ["bot_id"])
    op.create_index("kill_switch_account", "kill_switch", ["account_id"])
    op.create_index("kill_switch_owner", "kill_switch", ["owner_id", "id"])
    op.create_index(
        "kill_switch_engaged",
        "kill_switch",
        ["scope", "bot_id", "account_id", "owner_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("released_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("kill_switch")
