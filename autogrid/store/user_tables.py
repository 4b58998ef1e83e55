"""The tables of people and what they ask for; `autogrid.store.tables` has the markets."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from autogrid.store.live_tables import account, bot, passport
from autogrid.store.tables import metadata

ROLES = ("viewer", "trader", "admin")
JOB_KINDS = ("backtest", "sweep", "promotion", "verification")
#: What a kill switch stops: a bot, all of an account, of an owner, of everybody.
SWITCHES = ("bot", "account", "mine", "everything")
STATUSES = ("queued", "running", "done", "failed", "cancelled")
_TIME = sa.TIMESTAMP(timezone=True)


def _one_of(column: str, values: tuple[str, ...], name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=name)


def _created() -> sa.Column[object]:
    return sa.Column("created_at", _TIME, nullable=False, server_default=sa.func.now())


def _user(name: str = "owner_id") -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.ForeignKey("app_user.id"), nullable=False)


app_user = sa.Table(
    "app_user",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    #: As it was typed; unique whatever its case (index app_user_email).
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("time_zone", sa.Text, nullable=False, server_default="UTC"),
    #: Day, in the user's time zone, of the last digest.
    sa.Column("digest_on", sa.Date),
    _created(),
    _one_of("role", ROLES, "app_user_role"),
)
sa.Index("app_user_email", sa.func.lower(app_user.c.email), unique=True)

#: One sign-in: a family of refresh tokens, revoked as a whole.
session = sa.Table(
    "session",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
    _user("user_id"),
    _created(),
    sa.Column("revoked_at", _TIME),
    #: Why it was revoked: logout, reuse, password, deactivated.
    sa.Column("reason", sa.Text),
    sa.Index("session_user", "user_id"),
)

#: sha256 of each refresh token ever given out in a session; one whose `used_at` is set must not come again.
refresh_token = sa.Table(
    "refresh_token",
    metadata,
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("session_id", sa.Uuid, sa.ForeignKey("session.id", ondelete="CASCADE"), nullable=False),
    sa.Column("issued_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Column("expires_at", _TIME, nullable=False),
    sa.Column("used_at", _TIME),
    sa.Index("refresh_token_session", "session_id"),
)

api_key = sa.Table(
    "api_key",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    _user("user_id"),
    sa.Column("name", sa.Text, nullable=False),
    #: The first characters, to tell keys apart.
    sa.Column("prefix", sa.Text, nullable=False),
    #: sha256; a key has 256 random bits, so a slow hash would add nothing.
    sa.Column("hash", sa.LargeBinary, nullable=False),
    #: The key can do what this role may and its user may.
    sa.Column("role", sa.Text, nullable=False),
    _created(),
    sa.Column("last_used_at", _TIME),
    sa.UniqueConstraint("hash", name="api_key_hash"),
    sa.Index("api_key_user", "user_id", "id"),
    _one_of("role", ROLES, "api_key_role"),
)

#: Who did what, and how it ended (HTTP status). Rows are only ever added.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("at", _TIME, nullable=False, server_default=sa.func.now()),
    #: None: nobody was signed in (sign-up, login, command line).
    sa.Column("user_id", sa.Integer, sa.ForeignKey("app_user.id")),
    #: Name of the operation, such as "stop_bot".
    sa.Column("action", sa.Text, nullable=False),
    #: Path of the thing it was done to.
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("outcome", sa.Integer, nullable=False),
    sa.Column("ip", sa.Text),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Index("audit_user", "user_id", "id"),
)

#: Answers to requests that carried an Idempotency-Key; `status` is None while the first one is at work.
idempotency_key = sa.Table(
    "idempotency_key",
    metadata,
    _user("user_id"),
    sa.Column("key", sa.Text, nullable=False),
    #: sha256 of method, path and body.
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.Integer),
    #: Sealed: it may hold a new API key.
    sa.Column("body", sa.LargeBinary),
    _created(),
    sa.PrimaryKeyConstraint("user_id", "key", name="idempotency_key_pk"),
    sa.Index("idempotency_key_created", "created_at"),
)

study = sa.Table(
    "study",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    _user(),
    sa.Column("name", sa.Text, nullable=False),
    #: The study file (TOML).
    sa.Column("text", sa.Text, nullable=False),
    #: `Study.fingerprint` of it.
    sa.Column("fingerprint", sa.Text, nullable=False),
    _created(),
    sa.Column("updated_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.UniqueConstraint("owner_id", "name", name="study_name"),
    sa.Index("study_owner", "owner_id", "id"),
)

#: Work on the research queue: backtests, sweeps, promotions, verifications.
job = sa.Table(
    "job",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    _user(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("study_id", sa.Integer, sa.ForeignKey("study.id", ondelete="SET NULL")),
    #: What was asked for, complete: the study's text, swept values, target.
    sa.Column("request", postgresql.JSONB, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="queued"),
    #: 0 to 1.
    sa.Column("progress", sa.Double, nullable=False, server_default="0"),
    sa.Column("message", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("result", postgresql.JSONB),
    _created(),
    sa.Column("started_at", _TIME),
    sa.Column("ended_at", _TIME),
    #: Compared by the event stream.
    sa.Column("changed_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Index("job_owner", "owner_id", "id"),
    sa.Index("job_study", "study_id"),
    sa.Index("job_changed", "changed_at"),
    _one_of("kind", JOB_KINDS, "job_kind"),
    _one_of("status", STATUSES, "job_status"),
)

schedule = sa.Table(
    "schedule",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    _user(),
    sa.Column("template", sa.Text, nullable=False),
    sa.Column("params", postgresql.JSONB, nullable=False),
    #: Five fields, read in `time_zone`.
    sa.Column("cron", sa.Text, nullable=False),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
    #: When it is due; None while it is switched off.
    sa.Column("next_at", _TIME),
    _created(),
    sa.Index("schedule_owner", "owner_id", "id"),
    sa.Index("schedule_due", "next_at"),
)

report = sa.Table(
    "report",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    _user(),
    sa.Column("schedule_id", sa.Integer, sa.ForeignKey("schedule.id", ondelete="SET NULL")),
    sa.Column("template", sa.Text, nullable=False),
    sa.Column("params", postgresql.JSONB, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="queued"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text),
    sa.Column("html", sa.Text),
    #: The executed notebook (ipynb).
    sa.Column("notebook", sa.Text),
    #: Its maker's last sign of life.
    sa.Column("changed_at", _TIME, nullable=False, server_default=sa.func.now()),
    _created(),
    sa.Column("started_at", _TIME),
    sa.Column("ended_at", _TIME),
    sa.Index("report_owner", "owner_id", "id"),
    sa.Index("report_schedule", "schedule_id", "id"),
    sa.Index("report_unfinished", "id", postgresql_where=sa.text("status IN ('queued', 'running')")),
    _one_of("status", STATUSES, "report_status"),
)

#: Where a person wants to be told, through apprise.
alert_target = sa.Table(
    "alert_target",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    _user(),
    sa.Column("name", sa.Text, nullable=False),
    #: The apprise URL, sealed: it carries tokens and passwords.
    sa.Column("url", sa.LargeBinary, nullable=False),
    sa.Column("kinds", postgresql.ARRAY(sa.Text), nullable=False),
    #: Between these times of day nothing but critical news is sent; both or neither.
    sa.Column("quiet_start", sa.Time),
    sa.Column("quiet_end", sa.Time),
    sa.Column("time_zone", sa.Text, nullable=False, server_default="UTC"),
    sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
    _created(),
    sa.Index("alert_target_owner", "owner_id", "id"),
)

#: What people were told, or would have been.
alert_log = sa.Table(
    "alert_log",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    _user(),
    sa.Column("target_id", sa.Integer, sa.ForeignKey("alert_target.id", ondelete="SET NULL")),
    sa.Column("at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Column("kind", sa.Text, nullable=False),
    #: News of the same subject is told once within a while.
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    #: pending | sent | failed | quiet (waits for the end of the quiet hours) | repeated | no_target.
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Index("alert_log_owner", "owner_id", "id"),
    sa.Index("alert_log_subject", "owner_id", "subject", "at"),
    sa.Index("alert_log_target", "target_id"),
    sa.Index("alert_log_waiting", "id", postgresql_where=sa.text("outcome IN ('pending', 'quiet')")),
)

#: How far a reader of something has come.
marker = sa.Table(
    "marker",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)

#: What was stopped at once and stays so until somebody releases it. Rows stay: they say who did what, and why.
kill_switch = sa.Table(
    "kill_switch",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("bot_id", sa.Integer, sa.ForeignKey("bot.id", ondelete="CASCADE")),
    sa.Column("account_id", sa.Integer, sa.ForeignKey("account.id", ondelete="CASCADE")),
    #: Whose things it stops; None: everybody's, or things without an owner.
    sa.Column("owner_id", sa.Integer, sa.ForeignKey("app_user.id")),
    sa.Column("reason", sa.Text, nullable=False),
    #: None: the command line of this machine.
    sa.Column("engaged_by", sa.Integer, sa.ForeignKey("app_user.id")),
    sa.Column("engaged_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Column("released_by", sa.Integer, sa.ForeignKey("app_user.id")),
    #: None while it is engaged.
    sa.Column("released_at", _TIME),
    _one_of("scope", SWITCHES, "kill_switch_scope"),
    sa.Index("kill_switch_bot", "bot_id"),
    sa.Index("kill_switch_account", "account_id"),
    sa.Index("kill_switch_owner", "owner_id", "id"),
)
sa.Index(
    "kill_switch_engaged",
    *(kill_switch.c[name] for name in ("scope", "bot_id", "account_id", "owner_id")),
    unique=True,
    postgresql_nulls_not_distinct=True,
    postgresql_where=kill_switch.c.released_at.is_(None),
)

for _owned in (account, bot, passport):
    _owned.append_constraint(sa.ForeignKeyConstraint(["owner_id"], ["app_user.id"], name=f"{_owned.name}_owner_fk"))
