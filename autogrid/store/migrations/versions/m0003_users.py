"""Users and their sessions, keys, audit; studies, jobs, reports, alerts; owners of accounts, bots and passports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

_TIME = sa.TIMESTAMP(timezone=True)
_OWNED = ("account", "bot", "passport")


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, _TIME, server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    _people()
    _keys()
    _traces()
    _research()
    _reports()
    _alerts()
    for table in _OWNED:
        op.create_foreign_key(f"{table}_owner_fk", table, "app_user", ["owner_id"], ["id"])


def _people() -> None:
    op.create_table(
        "app_user",
        sa.Column("id", sa.Integer, sa.Identity(), nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, server_default=sa.true(), nullable=False),
        sa.Column("time_zone", sa.Text, server_default="UTC", nullable=False),
        _now("created_at"),
        sa.CheckConstraint("role IN ('viewer', 'trader', 'admin')", name="app_user_role"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("app_user_email", "app_user", [sa.text("lower(email)")], unique=True)
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid, server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        _now("created_at"),
        sa.Column("revoked_at", _TIME),
        sa.Column("reason", sa.Text),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("session_user", "session", ["user_id"])
    op.create_table(
        "refresh_token",
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("session_id", sa.Uuid, nullable=False),
        _now("issued_at"),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("refresh_token_session", "refresh_token", ["session_id"])


def _keys() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Integer, sa.Identity(), nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        _now("created_at"),
        sa.Column("last_used_at", _TIME),
        sa.CheckConstraint("role IN ('viewer', 'trader', 'admin')", name="api_key_role"),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash", name="api_key_hash"),
    )
    op.create_index("api_key_user", "api_key", ["user_id", "id"])


def _traces() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        _now("at"),
        sa.Column("user_id", sa.Integer),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("object", sa.Text, nullable=False),
        sa.Column("outcome", sa.Integer, nullable=False),
        sa.Column("ip", sa.Text),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_user", "audit", ["user_id", "id"])
    op.create_table(
        "idempotency_key",
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("body", sa.LargeBinary),
        _now("created_at"),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"]),
        sa.PrimaryKeyConstraint("user_id", "key", name="idempotency_key_pk"),
    )
    op.create_index("idempotency_key_created", "idempotency_key", ["created_at"])


def _research() -> None:
    op.create_table(
        "study",
        sa.Column("id", sa.Integer, sa.Identity(), nullable=False),
        sa.Column("owner_id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.ForeignKeyConstraint(["owner_id"], ["app_user.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner_id", "name", name="study_name"),
    )
    op.create_index("study_owner", "study", ["owner_id", "id"])
    op.create_table(
        "job",
        sa.Column("id", sa.Integer, sa.Identity(), nullable=False),
        sa.Column("owner_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("study_id", sa.Integer),
        sa.Column("request", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.Text, server_default="queued", nullable=False),
        sa.Column("progress", sa.Double, server_default="0", nullable=False),
        sa.Column("message", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("result", postgresql.JSONB()),
        _now("created_at"),
        sa.Column("started_at", _TIME),
        sa.Column("ended_at", _TIME),
        _now("changed_at"),
        sa.CheckConstraint("kind IN ('backtest', 'sweep', 'promotion', 'verification')", name="job_kind"),
        sa.CheckConstraint("status IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="job_status"),
        sa.ForeignKeyConstraint(["owner_id"], ["app_user.id"]),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("job_changed", "job", ["changed_at"])
    op.create_index("job_owner", "job", ["owner_id", "id"])
    op.create_index("job_study", "job", ["study_id"])


def _reports() -> None:
    op.create_table(
        "schedule",
        sa.Column("id", sa.Integer, sa.Identity(), nullable=False),
        sa.Column("owner_id", sa.Integer, nullable=False),
        sa.Column("template", sa.Text, nullable=False),
        sa.Column("params", postgresql.JSONB(), nullable=False),
        sa.Column("cron", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, server_default=sa.true(), nullable=False),
        sa.Column("next_at", _TIME),
        _now("created_at"),
        sa.ForeignKeyConstraint(["owner_id"], ["app_user.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("schedule_due", "schedule", ["next_at"])
    op.create_index("schedule_owner", "schedule", ["owner_id", "id"])
    op.create_table(
        "report",
        sa.Column("id", sa.Integer, sa.Identity(), nullable=False),
        sa.Column("owner_id", sa.Integer, nullable=False),
        sa.Column("schedule_id", sa.Integer),
        sa.Column("template", sa.Text, nullable=False),
        sa.Column("params", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.Text, server_default="queued", nullable=False),
        sa.Column("attempts", sa.Integer, server_default="0", nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("html", sa.Text),
        sa.Column("notebook", sa.Text),
        _now("created_at"),
        sa.Column("started_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.CheckConstraint("status IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="report_status"),
        sa.ForeignKeyConstraint(["owner_id"], ["app_user.id"]),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedule.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("report_owner", "report", ["owner_id", "id"])
    op.create_index("report_schedule", "report", ["schedule_id", "id"])
    op.create_index("report_unfinished", "report", ["id"], postgresql_where=sa.text("status IN ('queued', 'running')"))


def _alerts() -> None:
    op.create_table(
        "alert_target",
        sa.Column("id", sa.Integer, sa.Identity(), nullable=False),
        sa.Column("owner_id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("url", sa.LargeBinary, nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("quiet_start", sa.Time),
        sa.Column("quiet_end", sa.Time),
        sa.Column("time_zone", sa.Text, server_default="UTC", nullable=False),
        sa.Column("enabled", sa.Boolean, server_default=sa.true(), nullable=False),
        _now("created_at"),
        sa.ForeignKeyConstraint(["owner_id"], ["app_user.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("alert_target_owner", "alert_target", ["owner_id", "id"])
    op.create_table(
        "alert_log",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("owner_id", sa.Integer, nullable=False),
        sa.Column("target_id", sa.Integer),
        _now("at"),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["app_user.id"]),
        sa.ForeignKeyConstraint(["target_id"], ["alert_target.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("alert_log_owner", "alert_log", ["owner_id", "id"])
    op.create_index("alert_log_subject", "alert_log", ["owner_id", "subject", "at"])
    op.create_index("alert_log_target", "alert_log", ["target_id"])
    op.create_index(
        "alert_log_waiting", "alert_log", ["id"], postgresql_where=sa.text("outcome IN ('pending', 'quiet')")
    )


def downgrade() -> None:
    for table in _OWNED:
        op.drop_constraint(f"{table}_owner_fk", table)
    for table in (
        "alert_log",
        "alert_target",
        "report",
        "schedule",
        "job",
        "study",
        "idempotency_key",
        "audit",
        "api_key",
        "refresh_token",
        "session",
        "app_user",
    ):
        op.drop_table(table)
