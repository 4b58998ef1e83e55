"""Backtests, sweeps, promotions, verifications: the list, one with its result, and passports."""

from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from nicegui import ui

from services.web.parts import asking, frame, results, show
from services.web.parts.frame import Visit
from services.web.parts.live import of
from services.web.parts.tables import Table, facts
from services.web.parts.work import Work


@frame.page("/jobs", "Backtests")
async def jobs(visit: Visit) -> None:
    """What was asked of the research queue, newest first."""
    with ui.row().classes("top"):
        frame.heading("Backtests")
        kinds = {"": "All", **{kind: kind.capitalize() for kind in results.SHOWS}}
        kind = ui.select(kinds, value="", label="Kind").props("outlined dense").style("width: 170px")
    with frame.card():
        empty = "Nothing was run yet. Open a study and run its backtest."
        table = Table("Backtests and other work", ("Work", "State", "#Progress", "Study", "Asked", "Says"), empty,
                      stacked=True)  # fmt: skip

    async def refresh() -> None:
        found = await visit.api.items("/v1/jobs", limit=100, kind=kind.value or None)
        table.rows(_row(job, visit.zone) for job in found)

    kind.on_value_change(refresh)
    await refresh()
    visit.live.on(refresh, of("job"))


def _row(job: dict[str, Any], zone: str) -> tuple[Any, ...]:
    study = (
        show.NONE if job["study_id"] is None else show.link(f"/studies/{job['study_id']}", f"study {job['study_id']}")
    )
    return (
        show.link(f"/jobs/{job['id']}", f"{job['kind']} {job['id']}"), show.state(job["status"]),
        show.share(job["progress"], 0), study, show.when(job["created_at"], zone),
        (job["error"] or job["message"] or "")[:160],
    )  # fmt: skip


@frame.page("/jobs/{job_id}", "Backtest")
async def job(visit: Visit, job_id: int) -> None:
    """One piece of work and what it found."""
    found = await visit.api.get(f"/v1/jobs/{job_id}")
    with ui.row().classes("title"):
        frame.heading(f"{found['kind'].capitalize()} {job_id}")
        ui.link("All work", "/jobs").classes("crumb")
        if found["study_id"] is not None:
            ui.link("Its study", f"/studies/{found['study_id']}").classes("crumb")
    with frame.card():
        facts(
            [
                ("Asked", show.when(found["created_at"], visit.zone, seconds=True)),
                ("Begun", show.when(found["started_at"], visit.zone, seconds=True)),
                ("Ended", show.when(found["ended_at"], visit.zone, seconds=True)),
            ]
        )

        async def shows(result: dict[str, Any]) -> None:
            results.SHOWS[found["kind"]](result)

        await Work(visit, shows).follow(found)


@frame.page("/passports/{passport_id}", "Passport")
async def passport(visit: Visit, passport_id: str) -> None:
    """What was proven before a bot was made."""
    found = await visit.api.get(f"/v1/passports/{quote(passport_id, safe='')}")
    with ui.row().classes("title"):
        frame.heading(f"Passport {passport_id[:12]}")
        ui.label(found["study_name"]).classes("soft")
    with frame.card("Proof"):
        facts(
            [
                ("Made", show.when(found["created_at"], visit.zone)),
                ("Code", found["code_hash"][:12]),
                ("Candles", found["candles_sha256"][:12]),
                ("Fills", found["fills_sha256"][:12]),
            ]
        )
        if visit.trades:
            with ui.row().classes("actions"):
                asking.button("Verify", lambda key: _verify(visit, work, passport_id, key))

        async def shows(result: dict[str, Any]) -> None:
            results.verification(result)

        work = Work(visit, shows)
    with frame.card("Gates"):
        results.gates(found["gates"])
    if found["result"].get("metrics"):
        with frame.card("Backtest"):
            results.backtest(found["result"])
    with frame.card("Study"):
        code = '<pre class="mono table" tabindex="0" role="region" aria-label="Study file">{}</pre>'
        ui.html(str(Markup(code).format(found["study"])), sanitize=False).classes("wide")


async def _verify(visit: Visit, work: Work, passport_id: str, key: str) -> None:
    await work.follow(await visit.api.post(f"/v1/passports/{passport_id}/verify", key=key))
