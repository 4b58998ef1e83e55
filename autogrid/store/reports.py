"""Reports: executed notebooks and their pages."""

from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from autogrid.errors import Conflict, NotFound
from autogrid.store.paging import newest
from autogrid.store.user_tables import report

#: All but the documents.
_SHOWN = [
    *(column for column in report.c if column.name not in ("html", "notebook")),
    report.c.html.is_not(None).label("has_html"),
]


_UNFINISHED = report.c.status.in_(("queued", "running"))
#: Workers show that they live several times within this.
QUIET = timedelta(seconds=60)
_ALL = sa.select(*_SHOWN)


def add(connection: Connection, owner_id: int, template: str, params: dict[str, Any]) -> RowMapping:
    """A report to be made; send it to the queue after the commit."""
    values = {"owner_id": owner_id, "template": template, "params": params}
    return connection.execute(sa.insert(report).values(values).returning(*_SHOWN)).mappings().one()


def get(connection: Connection, report_id: int, owner_id: int | None) -> RowMapping:
    """One report without its documents; of anybody if `owner_id` is None."""
    query = sa.select(*_SHOWN).where(report.c.id == report_id)
    if owner_id is not None:
        query = query.where(report.c.owner_id == owner_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(f"you have no report {report_id}")
    return row


def document(connection: Connection, report_id: int, owner_id: int | None, form: Literal["html", "notebook"]) -> str:
    """The page or the executed notebook. Conflict while there is none."""
    status = get(connection, report_id, owner_id)["status"]
    found: str | None = connection.scalar(sa.select(report.c[form]).where(report.c.id == report_id))
    if found is None:
        raise Conflict(f"report {report_id} has no {form}: it is {status}")
    return found


def listing(
    connection: Connection, owner_id: int | None, before: int | None = None, limit: int = 50
) -> list[RowMapping]:
    """Reports, newest first."""
    return list(newest(connection, _ALL, report, before, limit, owner_id=owner_id).mappings())


def start(connection: Connection, report_id: int) -> RowMapping | None:
    """Take a report to work on; None if it has ended or somebody works on it.

    A running one that gave no sign of life (`alive`) for QUIET was left by a worker that died.
    """
    values = {"status": "running", "started_at": sa.func.now(), "attempts": report.c.attempts + 1}
    free = sa.or_(report.c.status == "queued", report.c.changed_at < _quiet())
    return _change(connection, report_id, values, free)


def alive(connection: Connection, report_id: int) -> bool:
    """A sign of life; False if the report has ended."""
    return _change(connection, report_id, {}) is not None


def first_queued(connection: Connection) -> int | None:
    """The one that waits longest for a worker. One that failed waits for QUIET first: what it lacked may be back."""
    ready = sa.and_(report.c.status == "queued", sa.or_(report.c.error.is_(None), report.c.changed_at < _quiet()))
    return connection.scalar(sa.select(report.c.id).where(ready).order_by(report.c.id).limit(1))


def take_waiting(connection: Connection, limit: int = 100) -> list[int]:
    """Reports to be sent to the queue: new ones of schedules, failed ones to be tried again, those of lost tasks.

    Each is handed out once within QUIET.
    """
    never = sa.and_(report.c.status == "queued", report.c.changed_at == report.c.created_at)
    query = sa.select(report.c.id).where(_UNFINISHED, sa.or_(never, report.c.changed_at < _quiet()))
    ids = list(connection.scalars(query.order_by(report.c.id).limit(limit).with_for_update(skip_locked=True)))
    touch = sa.update(report).where(report.c.id.in_(ids), report.c.status == "queued")
    connection.execute(touch.values(changed_at=sa.func.clock_timestamp()))
    return ids


def finish(connection: Connection, report_id: int, html: str, notebook: str) -> None:
    """The report is made."""
    done = {"status": "done", "html": html, "notebook": notebook, "error": None, "ended_at": sa.func.now()}
    _change(connection, report_id, done)


def fail(connection: Connection, report_id: int, error: str, *, again: bool, notebook: str | None = None) -> None:
    """An attempt failed; `again` says whether another follows. The notebook up to the failing cell helps to see why."""
    values: dict[str, Any] = {"status": "queued" if again else "failed", "error": error, "notebook": notebook}
    _change(connection, report_id, values if again else values | {"ended_at": sa.func.now()})


def _quiet() -> "sa.ColumnElement[object]":
    return sa.func.clock_timestamp() - sa.literal(QUIET)


def _change(
    connection: Connection, report_id: int, values: dict[str, Any], *conditions: "sa.ColumnElement[bool]"
) -> RowMapping | None:
    change = sa.update(report).where(report.c.id == report_id, _UNFINISHED, *conditions)
    change = change.values(values | {"changed_at": sa.func.clock_timestamp()})
    return connection.execute(change.returning(*_SHOWN)).mappings().one_or_none()
