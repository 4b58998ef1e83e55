"""Work on the research queue. queued -> running -> done | failed; cancelled before or while it runs."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from autogrid.errors import Conflict, NotFound
from autogrid.store.paging import newest
from autogrid.store.user_tables import job

#: All but the result, which may be large.
_SHOWN = [column for column in job.c if column.name != "result"]
_ACTIVE = ("queued", "running")
#: Workers show that they live several times within this.
QUIET = timedelta(seconds=60)
_ALL = sa.select(*_SHOWN)


def add(
    connection: Connection, owner_id: int, kind: str, request: dict[str, Any], study_id: int | None = None
) -> RowMapping:
    """A job to be done; send it to the queue after the commit."""
    values = {"owner_id": owner_id, "kind": kind, "request": request, "study_id": study_id}
    return connection.execute(sa.insert(job).values(values).returning(*_SHOWN)).mappings().one()


def get(connection: Connection, job_id: int, owner_id: int | None, *, result: bool = False) -> RowMapping:
    """One job, with its `result` if asked for; of anybody if `owner_id` is None."""
    query = sa.select(*(job.c if result else _SHOWN)).where(job.c.id == job_id)
    if owner_id is not None:
        query = query.where(job.c.owner_id == owner_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(f"you have no job {job_id}")
    return row


def listing(
    connection: Connection, owner_id: int | None, before: int | None = None, limit: int = 50,
    *, kind: str | None = None, status: str | None = None,
) -> list[RowMapping]:  # fmt: skip
    """Jobs, newest first."""
    rows = newest(connection, _ALL, job, before, limit, owner_id=owner_id, kind=kind, status=status)
    return list(rows.mappings())


def sweeps(connection: Connection, study_id: int | None) -> list[dict[str, Any]]:
    """What was swept with a kept study: `text` of the study at the time, `fields`, `rows`. None of a study not kept."""
    if study_id is None:
        return []
    query = sa.select(job.c.request["text"].label("text"), job.c.result)
    query = query.where(job.c.study_id == study_id, job.c.kind == "sweep", job.c.status == "done").order_by(job.c.id)
    return [{"text": row.text, **row.result} for row in connection.execute(query)]


def start(connection: Connection, job_id: int) -> RowMapping | None:
    """Take a job to work on. None if there is nothing to do: it has ended, was cancelled, or somebody works on it.

    A running job that gave no sign of life (`progress`, `alive`) for QUIET was left by a worker that died.
    """
    free = sa.or_(job.c.status == "queued", sa.and_(job.c.status == "running", job.c.changed_at < _quiet()))
    values = {"status": "running", "started_at": sa.func.now(), "progress": 0.0}
    return _change(connection, job_id, _ACTIVE, free, **values)


def alive(connection: Connection, job_id: int) -> bool:
    """A sign of life; False if somebody cancelled the job."""
    return _change(connection, job_id, ("running",)) is not None


def first_queued(connection: Connection) -> int | None:
    """The one that waits longest."""
    query = sa.select(job.c.id).where(job.c.status == "queued").order_by(job.c.id).limit(1)
    return connection.scalar(query)


def waiting(connection: Connection, limit: int = 100) -> list[int]:
    """Jobs nobody works on although they were sent QUIET ago: their task was lost, or their worker died."""
    query = sa.select(job.c.id).where(job.c.status.in_(_ACTIVE), job.c.changed_at < _quiet())
    return list(connection.scalars(query.order_by(job.c.changed_at).limit(limit)))


def progress(connection: Connection, job_id: int, part: float, message: str | None = None) -> bool:
    """Note that `part` (0 to 1) is done; False if somebody cancelled the job."""
    return _change(connection, job_id, ("running",), progress=part, message=message) is not None


def finish(connection: Connection, job_id: int, result: dict[str, Any]) -> None:
    """The job is done."""
    _change(connection, job_id, ("running",), status="done", progress=1.0, result=result, ended_at=sa.func.now())


def fail(connection: Connection, job_id: int, error: str) -> None:
    """The job cannot be done; `error` says why."""
    _change(connection, job_id, _ACTIVE, status="failed", error=error, ended_at=sa.func.now())


def cancel(connection: Connection, job_id: int, owner_id: int | None) -> RowMapping:
    """Stop a job. Conflict if it has ended."""
    status = get(connection, job_id, owner_id)["status"]
    row = _change(connection, job_id, _ACTIVE, status="cancelled", ended_at=sa.func.now())
    if row is None:
        raise Conflict(f"job {job_id} is {status}: only a job that is queued or running can be cancelled")
    return row


def changed(connection: Connection, owner_id: int | None, after: object, limit: int = 100) -> list[RowMapping]:
    """Jobs changed after a time, oldest change first."""
    query = sa.select(*_SHOWN).where(job.c.changed_at > after).order_by(job.c.changed_at).limit(limit)
    if owner_id is not None:
        query = query.where(job.c.owner_id == owner_id)
    return list(connection.execute(query).mappings())


def _quiet() -> "sa.ColumnElement[object]":
    return sa.func.clock_timestamp() - sa.literal(QUIET)


def _change(
    connection: Connection, job_id: int, states: tuple[str, ...], *conditions: "sa.ColumnElement[bool]",
    **values: object,
) -> RowMapping | None:  # fmt: skip
    # clock_timestamp: now() is when the transaction began, and a reader may have passed that.
    values["changed_at"] = sa.func.clock_timestamp()
    change = (
        sa.update(job)
        .where(job.c.id == job_id, job.c.status.in_(states), *conditions)
        .values(values)
        .returning(*_SHOWN)
    )
    return connection.execute(change).mappings().one_or_none()
