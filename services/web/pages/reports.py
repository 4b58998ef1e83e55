"""Reports made now or on a schedule, read here."""

from typing import Any

from fastapi import Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup
from nicegui import app, ui

from services.web import session
from services.web.client import ApiError, SignedOut
from services.web.parts import asking, frame, listing, show
from services.web.parts.asking import Refresh
from services.web.parts.frame import Visit
from services.web.parts.pick import Names, picker
from services.web.parts.tables import note

#: A report is a page with scripts of its own: it may do nothing but show itself.
_PAGE = {"Content-Security-Policy": "sandbox allow-scripts; default-src 'unsafe-inline' data: blob:"}


@frame.page("/reports", "Reports")
async def reports(visit: Visit) -> None:
    """Lists of reports and schedules, and a form for both."""
    templates = {each["name"]: each for each in await visit.api.get("/v1/report-templates")}
    names = await Names(visit.api).read()

    def title(each: dict[str, Any]) -> str:
        said = str(templates.get(each["template"], {}).get("title", each["template"]))
        about = ", ".join(names.of(param, value) for param, value in each["params"].items())
        return f"{said.split(':')[0]}: {about}" if about else said

    async def again() -> None:
        await names.read()
        await made.refresh()
        await schedules.refresh()

    with ui.row().classes("top"):
        frame.heading("Reports")
        if visit.trades:
            asking.opener("New report", lambda: _new(visit, templates, names, again), kind="primary")
    with frame.card("Made"):
        empty = "No report yet. Make one now, or let one come every morning."
        columns = ("Report", "State", "Asked", "Read", "Says")
        made = listing.in_table(listing.of(visit.api, "/v1/reports"), "Reports", columns, empty,
                                lambda each: _row(each, title(each), visit.zone), stacked=True)  # fmt: skip
    with frame.card("Schedules"):
        reads = listing.of(visit.api, "/v1/schedules")
        schedules = listing.in_rows(reads, "schedules", "Nothing comes by itself yet.",
                                    lambda each: _schedule(visit, each, title(each), schedules.refresh))  # fmt: skip
    await made.refresh()
    await schedules.refresh()
    visit.live.on(made.refresh, lambda name, data: False)


def _row(report: dict[str, Any], title: str, zone: str) -> tuple[Any, ...]:
    url = f"/reports/{report['id']}/html"
    text = '<a href="{}" target="_blank" rel="noopener">Open<span class="visually-hidden"> {}</span></a>'
    read = Markup(text).format(url, title) if report["has_html"] else show.NONE
    when = show.when(report["created_at"], zone)
    return title, show.state(report["status"]), when, read, (report["error"] or "")[:200]


def _schedule(visit: Visit, each: dict[str, Any], title: str, refresh: Refresh) -> None:
    path = f"/v1/schedules/{each['id']}"
    following = show.when(each["next_at"], visit.zone) if each["enabled"] else "switched off"
    said = Markup("{} ({}), next: {}").format(each["cron"], each["time_zone"], following)
    with listing.item(title, said):
        if visit.trades:
            asking.switch(visit.api, path, title, each["enabled"], refresh)
            asking.remover(visit.api, path, title, "It comes no more; reports that were made stay.", refresh)


def _new(visit: Visit, templates: dict[str, Any], names: Names, again: Refresh) -> None:
    with asking.dialog("New report") as opened:
        titles = {name: each["title"] for name, each in templates.items()}
        template = ui.select(titles, value=next(iter(titles)), label="Report").props("outlined dense")
        inputs = {}
        for param in sorted({param for each in templates.values() for param in each["params"]}):
            what, options = show.words(param.removesuffix("_id")).capitalize(), names.options(param)
            with ui.element("div").classes("stack") as place:
                inputs[param] = picker(what, options, next(iter(options), None))
                if not options:
                    note(f"There is no {what.lower()} yet to report on.")
            users = {key for key, each in templates.items() if param in each["params"]}
            place.bind_visibility_from(template, "value", users.__contains__)
        repeats = ui.checkbox("Make it again and again")
        with ui.element("div").classes("stack") as times:
            cron = ui.input("When (minute hour day month weekday)", value="0 8 * * *").props("outlined dense")
            ui.label(f"0 8 * * 1-5 is 8 o'clock on working days; times are of {visit.zone}.").classes("hint")
        times.bind_visibility_from(repeats, "value")

        async def make(key: str) -> None:
            wanted = templates[str(template.value)]["params"]
            if missing := [param for param in wanted if not inputs[param].value]:
                raise ApiError(422, f"Choose a {missing[0].removesuffix('_id')} first.")
            params = {param: inputs[param].value for param in wanted}
            body: dict[str, Any] = {"template": template.value, "params": params}
            if repeats.value:
                await visit.api.post("/v1/schedules", body | {"cron": cron.value, "time_zone": visit.zone}, key)
            else:
                await visit.api.post("/v1/reports", body, key)
            asking.told("Scheduled." if repeats.value else "Asked for; it appears in the list.")
            await again()

        asking.ends(opened, "Make it", make)


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
