"""What has to be done again and again besides ticks: due reports, lost jobs, news for people, tidying up.

Beat sends `default.chores` every few seconds. Every part may run in several workers at once.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from celery import shared_task  # type: ignore[import-untyped,unused-ignore]
from sqlalchemy.engine import Engine

from autogrid.errors import AutogridError
from autogrid.store import engine as engines
from autogrid.store import idempotency, jobs, markers, reports, schedules, sessions
from services.common import metrics, news
from services.worker import people, record
from services.worker.app import HARD_S, SOFT_S, app

#: How long answers to Idempotency-Keys are kept, and sessions after their last token expired.
KEEP_ANSWERS, KEEP_SESSIONS = timedelta(days=2), timedelta(days=30)


@shared_task(name="default.chores", soft_time_limit=SOFT_S, time_limit=HARD_S, ignore_result=True)  # type: ignore[untyped-decorator,unused-ignore]
def chores() -> None:
    """One round. A part that fails does not keep the others from being done."""
    engine, now = engines.engine(), datetime.now(UTC)
    for name, part in PARTS.items():
        try:
            part(engine, now)
        except AutogridError as error:
            record.error(error, name)
            metrics.WORK.labels(name, "error").inc()
        else:
            metrics.WORK.labels(name, "ok").inc()


def make_due_reports(engine: Engine, now: datetime) -> None:
    """Make rows of reports whose schedules are due; send those and the ones whose task was lost."""
    with engine.begin() as connection:
        schedules.take_due(connection, now)
    with engine.begin() as connection:
        waiting = reports.take_waiting(connection)
    for report_id in waiting:
        app.send_task("reports.make", kwargs={"report_id": report_id}, ignore_result=True)


def send_lost_jobs(engine: Engine, _now: datetime) -> None:
    """Send jobs again that nobody works on."""
    with engine.connect() as connection:
        waiting = jobs.waiting(connection)
    for job_id in waiting:
        app.send_task("research.run", kwargs={"job_id": job_id}, ignore_result=True)


def tell_people(engine: Engine, now: datetime) -> None:
    """From events to messages."""
    people.read_events(engine, now)
    people.look_for_missing(engine, now)
    people.send_digests(engine, now)
    news.tell_all(engine, now)


def tidy_up(engine: Engine, now: datetime) -> None:
    """Delete what nobody needs any more, once an hour."""
    with engine.begin() as connection:
        last = markers.take(connection, "tidy_up")
        if last is None or now.timestamp() < last + 3600:
            return
        markers.move(connection, "tidy_up", int(now.timestamp()))
        idempotency.forget(connection, now - KEEP_ANSWERS)
        sessions.forget(connection, now - KEEP_SESSIONS)


PARTS: dict[str, Callable[[Engine, datetime], None]] = {
    "reports": make_due_reports,
    "research": send_lost_jobs,
    "notify": tell_people,
    "tidy_up": tidy_up,
}
