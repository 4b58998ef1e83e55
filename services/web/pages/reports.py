"""Reports made now or on a schedule, read here."""

from typing import Any

from fastapi import Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup
from nicegui import app, ui

from services.web import session
from services.web.client import ApiError, SignedOut
from services.web.parts import asking, frame, show
from services.web.parts.frame import Visit
from services.web.parts.tables import Table

#: A report is a page with scripts of its own: it may do nothing but show itself.
_PAGE = {"Content-Security-Policy": "sandbox allow-scripts; default-src 'unsafe-inline' data: blob:"}


@frame.page("/reports", "Reports")
async def reports(visit: Visit) -> None:
    """Lists of reports and schedules, and a form for both."""
    templates = {each["name"]: each for each in await visit.api.get("/v1/report-templates")}
    with ui.row().classes("top"):
        frame.heading("Reports")
        if visit.trades:
            asking.opener("New report", lambda: _new(visit, templates, schedules.refresh), kind="primary")
    with frame.card("Made"):
        empty = "No report yet. Make one now, or let one come every morning."
        columns = ("Report", "State", "Asked", "Read", "Says")
        table = Table("Reports", columns, empty, stacked=True)

    async def refresh() -> None:
        found = await visit.api.items("/v1/reports", limit=50)
        table.rows(_row(report, templates, visit.zone) for report in found)

    @ui.refreshable
    async def schedules() -> None:
        found = await visit.api.items("/v1/schedules", limit=100)
        if not found:
            ui.label("Nothing comes by itself yet.").classes("empty")
        with ui.element("div").classes("list"):
            for each in found:
                _schedule(visit, each, templates, schedules.refresh)

    await refresh()
    with frame.card("Schedules"):
        await schedules()
    visit.live.on(refresh, lambda name, data: False)


def _title(templates: dict[str, Any], each: dict[str, Any]) -> str:
    title = templates.get(each["template"], {}).get("title", each["template"])
    params = ", ".join(f"{show.words(name)} {value}" for name, value in each["params"].items())
    return f"{title} ({params})" if params else str(title)


def _row(report: dict[str, Any], templates: dict[str, Any], zone: str) -> tuple[Any, ...]:
    url = f"/reports/{report['id']}/html"
    text = '<a href="{}" target="_blank" rel="noopener">Open<span class="visually-hidden"> report {}</span></a>'
    read = Markup(text).format(url, report["id"]) if report["has_html"] else show.NONE
    when = show.when(report["created_at"], zone)
    return _title(templates, report), show.state(report["status"]), when, read, (report["error"] or "")[:200]


def _schedule(visit: Visit, each: dict[str, Any], templates: dict[str, Any], refresh: Any) -> None:
    path, title = f"/v1/schedules/{each['id']}", _title(templates, each)

    async def turn(key: str) -> None:
        await visit.api.patch(path, {"enabled": not each["enabled"]})
        refresh()

    async def remove(key: str) -> None:
        await visit.api.delete(path)
        refresh()

    with ui.element("div").classes("item"):
        with ui.element("div").classes("what"):
            ui.label(title).classes("strong")
            said = Markup('<span class="soft">{} ({}), next: {}</span>')
            following = show.when(each["next_at"], visit.zone) if each["enabled"] else "switched off"
            ui.html(str(said.format(each["cron"], each["time_zone"], following)), sanitize=False)
        if visit.trades:
            with ui.row().classes("actions"):
                asking.button("Switch off" if each["enabled"] else "Switch on", turn, label=f"Switch {title}")
                asking.button("Remove", remove, label=f"Remove {title}")


def _new(visit: Visit, templates: dict[str, Any], refresh: Any) -> None:
    with ui.dialog() as dialog, ui.element("div").classes("card dialog"):
        dialog.props('aria-label="New report"')
        frame.heading("New report", level=2)
        names = {name: each["title"] for name, each in templates.items()}
        template = ui.select(names, value=next(iter(names)), label="Report").props("outlined dense")
        inputs = {name: ui.number(show.words(name).capitalize(), min=1, precision=0).props("outlined dense")
                  for name in sorted({param for each in templates.values() for param in each["params"]})}  # fmt: skip
        for name, field in inputs.items():
            users = {key for key, each in templates.items() if name in each["params"]}
            field.bind_visibility_from(template, "value", users.__contains__)
        repeats = ui.checkbox("Make it again and again")
        with ui.element("div").classes("stack") as times:
            cron = ui.input("When (minute hour day month weekday)", value="0 8 * * *").props("outlined dense")
            ui.label(f"0 8 * * 1-5 is 8 o'clock on working days; times are of {visit.zone}.").classes("hint")
        times.bind_visibility_from(repeats, "value")
        problem = asking.Problem()

        async def make(key: str) -> None:
            wanted = templates[str(template.value)]["params"]
            params = {name: int(inputs[name].value) for name in wanted if inputs[name].value}
            body: dict[str, Any] = {"template": template.value, "params": params}
            if repeats.value:
                await visit.api.post("/v1/schedules", body | {"cron": cron.value, "time_zone": visit.zone}, key)
            else:
                await visit.api.post("/v1/reports", body, key)
            dialog.close()
            asking.told("Scheduled." if repeats.value else "Asked for; it appears in the list.")
            visit.live.poke()
            refresh()

        with ui.row().classes("actions end"):
            asking.opener("Cancel", dialog.close)
            asking.button("Make it", make, kind="primary", problem=problem)
    dialog.on("hide", dialog.delete)
    dialog.open()


@app.get("/reports/{report_id}/html", include_in_schema=False)
async def report_html(report_id: int) -> Response:
    """A report's own page, read with the visitor's tokens."""
    api = session.current()
    if api.tokens is None:
        return RedirectResponse("/sign-in?next=/reports")
    try:
        text = await api.get(f"/v1/reports/{report_id}/html")
    except SignedOut:
        return RedirectResponse("/sign-in?next=/reports")
    except ApiError as error:
        return Response(str(error), status_code=error.status, media_type="text/plain; charset=utf-8")
    return Response(text, media_type="text/html; charset=utf-8", headers=_PAGE)
