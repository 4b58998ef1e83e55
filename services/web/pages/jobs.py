"""Backtests, sweeps, promotions, verifications: the list, one with its result, and passports."""

from typing import Any

from nicegui import ui

from services.web.client import ApiError, Items
from services.web.parts import frame, listing, results, show
from services.web.parts.frame import Visit
from services.web.parts.live import of
from services.web.parts.pick import Names
from services.web.parts.tables import Facts
from services.web.parts.work import Work


@frame.page("/jobs", "Backtests")
async def jobs(visit: Visit) -> None:
    """What was asked of the research queue, newest first."""
    with ui.row().classes("top"):
        frame.heading("Backtests")
        kinds = {"": "All", **{kind: kind.capitalize() for kind in results.SHOWS}}
        kind = ui.select(kinds, value="", label="Kind").props("outlined dense").style("width: 170px")
    names = await Names(visit.api).read()
    with frame.card():
        empty = "Nothing was run yet. Open a study and run its backtest."
        columns = ("Work", "State", "#Progress", "Study", "Asked", "Says")

        async def reads(wanted: int) -> tuple[Items, bool]:
            return await visit.api.first("/v1/jobs", wanted, kind=kind.value or None)

        shown = listing.in_table(reads, "Backtests and other work", columns, empty,
                                 lambda job: _row(job, names, visit.zone), stacked=True)  # fmt: skip
    kind.on_value_change(shown.restart)
    await shown.refresh()
    visit.live.on(shown.refresh, of("job"))


def _row(job: dict[str, Any], names: Names, zone: str) -> tuple[Any, ...]:
    number = job["study_id"]
    study = show.NONE if number is None else show.link(f"/studies/{number}", names.of("study_id", number))
    return (
        show.link(f"/jobs/{job['id']}", f"{job['kind'].capitalize()} {job['id']}"), show.state(job["status"]),
        show.share(job["progress"], 0), study, show.when(job["created_at"], zone),
        (job["error"] or job["message"] or "")[:160],
    )  # fmt: skip


@frame.page("/jobs/{job_id}", "Backtest")
async def job(visit: Visit, job_id: int) -> None:
    """One piece of work and what it found."""
    found = await visit.api.get(f"/v1/jobs/{job_id}")
    study = await _study(visit, found["study_id"])
    with ui.row().classes("title"):
        frame.heading(f"{found['kind'].capitalize()} {job_id}")
        if study is not None:
            ui.link(study["name"], f"/studies/{study['id']}").classes("crumb")
        ui.link("All backtests", "/jobs").classes("crumb")
    with frame.card():
        Facts("small").show(
            [
                ("Asked", show.when(found["created_at"], visit.zone, seconds=True)),
                ("Begun", show.when(found["started_at"], visit.zone, seconds=True)),
                ("Ended", show.when(found["ended_at"], visit.zone, seconds=True)),
            ]
        )

        def shows(result: dict[str, Any]) -> None:
            results.shown(found["kind"], result, None if study is None else study["text"])

        await Work(visit).follow(found, shows)


async def _study(visit: Visit, number: int | None) -> dict[str, Any] | None:
    """The study it was made of; None where there is none, or it was removed."""
    if number is None:
        return None
    try:
        found: dict[str, Any] = await visit.api.get(f"/v1/studies/{number}")
    except ApiError as error:
        if error.status != 404:
            raise
        return None
    return found
