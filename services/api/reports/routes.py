"""Reports, and schedules that make them."""

from datetime import UTC, datetime
from typing import Any

from fastapi import Request, Response

from autogrid.store import bots, report_templates, reports, schedules, studies
from services.api.access import TRADER, VIEWER, Caller, open_to
from services.api.deps import Db, Id, Who
from services.api.paging import Page, Paged
from services.api.reports.models import NewReport, NewSchedule, Report, Schedule, ScheduleChange, TemplateInfo
from services.api.route import router

routes = router("/v1", "reports")
#: A report is a page of our own making, with scripts of its own; it may do nothing but show itself.
_PAGE = {"Content-Security-Policy": "sandbox allow-scripts; default-src 'unsafe-inline' data: blob:"}
_HTML = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
_IPYNB = {200: {"content": {"application/x-ipynb+json": {"schema": {"type": "object"}}}}}


def _with(answers: dict[int, Any], options: dict[str, Any]) -> dict[str, Any]:
    return options | {"responses": options["responses"] | answers}


@routes.get("/report-templates", **open_to(VIEWER))
async def list_report_templates() -> list[TemplateInfo]:
    """The reports there are."""
    return [
        TemplateInfo(name=item.name, title=item.title, params=list(item.params))  # type: ignore[arg-type]
        for item in report_templates.TEMPLATES.values()
    ]


@routes.get("/reports", **open_to(VIEWER, 422))
def list_reports(page: Paged, who: Who, db: Db) -> Page[Report]:
    """Your reports."""
    with db.read() as connection:
        return page.of(lambda row: Report(**row), lambda at, limit: reports.listing(connection, who.sees, at, limit))


@routes.post("/reports", status_code=202, **open_to(TRADER, 404, idempotent=True))
def make_report(request: Request, new: NewReport, who: Who, db: Db) -> Report:
    """Make a report now."""
    with db.begin() as connection:
        _check(connection, new.template, new.params, who)
        row = reports.add(connection, who.id, new.template, new.params)
    request.app.state.queue.send("reports.make", report_id=row["id"])
    return Report(**row)


@routes.get("/reports/{report_id}", **open_to(VIEWER, 404, 422))
def get_report(report_id: Id, who: Who, db: Db) -> Report:
    """One report."""
    with db.read() as connection:
        return Report(**reports.get(connection, report_id, who.sees))


@routes.get("/reports/{report_id}/html", response_class=Response, **_with(_HTML, open_to(VIEWER, 404, 409, 422)))
def get_report_html(report_id: Id, who: Who, db: Db) -> Response:
    """A report's page."""
    with db.read() as connection:
        page = reports.document(connection, report_id, who.sees, "html")
    return Response(page, media_type="text/html", headers=_PAGE)


@routes.get("/reports/{report_id}/notebook", response_class=Response, **_with(_IPYNB, open_to(VIEWER, 404, 409, 422)))
def get_report_notebook(report_id: Id, who: Who, db: Db) -> Response:
    """A report's executed notebook; of a report that failed, up to the cell that did."""
    with db.read() as connection:
        notebook = reports.document(connection, report_id, who.sees, "notebook")
    name = f'attachment; filename="report-{report_id}.ipynb"'
    return Response(notebook, media_type="application/x-ipynb+json", headers={"Content-Disposition": name})


@routes.get("/schedules", **open_to(VIEWER, 422))
def list_schedules(page: Paged, who: Who, db: Db) -> Page[Schedule]:
    """Your schedules."""
    with db.read() as connection:
        return page.of(
            lambda row: Schedule(**row), lambda at, limit: schedules.listing(connection, who.sees, at, limit)
        )


@routes.post("/schedules", status_code=201, **open_to(TRADER, 404, idempotent=True))
def add_schedule(new: NewSchedule, who: Who, db: Db) -> Schedule:
    """Have a report made again and again."""
    with db.begin() as connection:
        _check(connection, new.template, new.params, who)
        return Schedule(**schedules.add(connection, who.id, new.model_dump(), datetime.now(UTC)))


@routes.get("/schedules/{schedule_id}", **open_to(VIEWER, 404, 422))
def get_schedule(schedule_id: Id, who: Who, db: Db) -> Schedule:
    """One schedule."""
    with db.read() as connection:
        return Schedule(**schedules.get(connection, schedule_id, who.sees))


@routes.patch("/schedules/{schedule_id}", **open_to(TRADER, 404, 422))
def change_schedule(schedule_id: Id, change: ScheduleChange, who: Who, db: Db) -> Schedule:
    """Change when a report is made, or switch it off or on."""
    changes = change.model_dump(exclude_none=True)
    with db.begin() as connection:
        return Schedule(**schedules.update(connection, schedule_id, who.sees, changes, datetime.now(UTC)))


@routes.delete("/schedules/{schedule_id}", status_code=204, **open_to(TRADER, 404, 422))
def delete_schedule(schedule_id: Id, who: Who, db: Db) -> None:
    """Delete a schedule; its reports stay."""
    with db.begin() as connection:
        schedules.remove(connection, schedule_id, who.sees)


def _check(connection: Any, template: str, params: dict[str, int], who: Caller) -> None:
    report_templates.check(template, params)
    if "bot_id" in params:
        bots.get(connection, params["bot_id"], who.sees)
    if "study_id" in params:
        studies.get(connection, params["study_id"], who.sees)
