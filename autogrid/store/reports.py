"""Reports: executed notebooks and their pages."""

from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from autogrid.errors import NotFound
from autogrid.store.user_tables import report

#: All but the documents.
_SHOWN = [
    *(column for column in report.c if column.name not in ("html", "notebook")),
    report.c.html.is_not(None).label("has_html"),
]


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
    """The page or the executed notebook. NotFound while there is none."""
    status = get(connection, report_id, owner_id)["status"]
    found: str | None = connection.scalar(sa.select(report.c[form]).where(report.c.id == report_id))
    if found is None:
        raise NotFound(f"report {report_id} has no {form}: it is {status}")
    return found


def listing(
    connection: Connection, owner_id: int | None, before: int | None = None, limit: int = 50
) -> list[RowMapping]:
    """Reports, newest first."""
    query = sa.select(*_SHOWN).order_by(report.c.id.desc()).limit(limit)
    if owner_id is not None:
        query = query.where(report.c.owner_id == owner_id)
    if before is not None:
        query = query.where(report.c.id < before)
    return list(connection.execute(query).mappings())


def start(connection: Connection, report_id: int) -> RowMapping | None:
    """Take a report to work on; None if it has ended."""
    values = {"status": "running", "started_at": sa.func.now(), "attempts": report.c.attempts + 1}
    return _change(connection, report_id, values)


def finish(connection: Connection, report_id: int, html: str, notebook: str) -> None:
    """The report is made."""
    done = {"status": "done", "html": html, "notebook": notebook, "error": None, "ended_at": sa.func.now()}
    _change(connection, report_id, done)


def fail(connection: Connection, report_id: int, error: str, *, again: bool, notebook: str | None = None) -> None:
    """An attempt failed; `again` says whether another follows. The notebook up to the failing cell helps to see why."""
    values: dict[str, Any] = {"status": "queued" if again else "failed", "error": error, "notebook": notebook}
    _change(connection, report_id, values if again else values | {"ended_at": sa.func.now()})


def _change(connection: Connection, report_id: int, values: dict[str, Any]) -> RowMapping | None:
    alive = (report.c.id == report_id) & report.c.status.in_(("queued", "running"))
    return connection.execute(sa.update(report).where(alive).values(values).returning(*_SHOWN)).mappings().one_or_none()
