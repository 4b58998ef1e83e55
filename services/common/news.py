"""What people are told: written down at once, sent by the chores of a worker.

The same subject is told once within REPEAT, so that a bot that halts again and again does not fill a mailbox. What is
not urgent waits for the end of a target's quiet hours.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection, Engine

from autogrid.errors import InvalidInput
from autogrid.store import secrets, targets, users
from services.common import logs, messenger, metrics

Kind = Literal["bot_halted", "bot_killed", "stop_hit", "missing_orders", "digest", "signup"]
#: Told at once, quiet hours or not: money may be at stake.
URGENT: frozenset[str] = frozenset(("bot_halted", "bot_killed"))
#: The same subject is news again after this.
REPEAT = timedelta(hours=1)
#: A message that a service does not take is tried so often.
ATTEMPTS = 3


@dataclass(frozen=True)
class News:
    """One piece of news."""

    kind: Kind
    #: What it is about, such as "bot_halted:17".
    subject: str
    title: str
    body: str


def publish(connection: Connection, owner_id: int, news: News, now: datetime) -> None:
    """Write down news for a user's targets; sent by `tell_all`. Repeated news is written down and not sent."""
    row = {"owner_id": owner_id, "at": now, **vars(news)}
    if targets.told_since(connection, owner_id, news.subject, now - REPEAT):
        targets.log(connection, row | {"outcome": "repeated"})
        return
    wanting = targets.wanting(connection, owner_id, news.kind)
    if not wanting:
        targets.log(connection, row | {"outcome": "no_target"})
    for target in wanting:
        targets.log(connection, row | {"target_id": target["id"], "outcome": "pending"})


def publish_to_admins(connection: Connection, news: News, now: datetime) -> None:
    """Write down news for every admin."""
    for admin in users.admins(connection):
        publish(connection, admin, news, now)


def tell_all(engine: Engine, now: datetime) -> int:
    """Send what waits; how many were sent. Any number of workers may do this at once.

    Each message has a transaction of its own, that ends after it was sent: one that dies in between sends it twice,
    never not at all.
    """
    sent, after = 0, 0
    while True:
        with engine.begin() as connection:
            found = targets.waiting(connection, after)
            if not found:
                return sent
            row = found[0]
            after = row["id"]
            if row["kind"] not in URGENT and is_quiet(row["quiet_start"], row["quiet_end"], row["time_zone"], now):
                targets.hold_back(connection, row["id"])
                continue
            sent += _tell(connection, row)


def is_quiet(start: time | None, end: time | None, time_zone: str, now: datetime) -> bool:
    """Whether `now` lies in the quiet hours [start, end), which may pass midnight."""
    if start is None or end is None or start == end:
        return False
    here = now.astimezone(ZoneInfo(time_zone)).time().replace(tzinfo=None)
    return start <= here < end if start < end else here >= start or here < end


def _tell(connection: Connection, row: Any) -> int:
    try:
        url = secrets.open_text(row["url"], f"alert target {row['target_id']}")
        problem = messenger.send(url, row["title"], row["body"])
    except InvalidInput as error:
        problem = str(error)
    if problem is None:
        outcome = "sent"
    else:
        outcome = "failed" if row["attempts"] + 1 >= ATTEMPTS else "pending"
        logs.get_logger().warning("alert_not_sent", alert_id=row["id"], reason=problem, outcome=outcome)
    targets.settle(connection, row["id"], outcome)
    metrics.NOTICES.labels(row["kind"], "sent" if problem is None else "failed").inc()
    if row["kind"] == "digest" and outcome != "pending":
        metrics.DIGESTS.labels(outcome).inc()
    return int(problem is None)


def utc_now() -> datetime:
    """Now."""
    return datetime.now(UTC)
