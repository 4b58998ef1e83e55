"""The state of the installation, and who did what."""

from typing import Any

from markupsafe import Markup
from nicegui import ui

from services.web.parts import frame, listing, show
from services.web.parts.frame import Visit
from services.web.parts.tables import Facts, put


@frame.page("/system", "System")
async def system(visit: Visit) -> None:
    """Servers, queues, workers, audit."""
    with ui.row().classes("title"):
        frame.heading("System")
        state = ui.html(sanitize=False)
    with ui.element("div").classes("grid2"):
        with frame.card("Checks"):
            checks = Facts()
        with frame.card("Workers and queues"):
            workers = ui.html(sanitize=False).classes("wide")
            queues = Facts()
        with frame.card("Database"):
            database = Facts()
        with frame.card("Bots"):
            bots = Facts()
    with frame.card("Who did what"):
        columns = ("When", "Who", "Did", "With", "#Outcome", "From")
        audit = listing.in_table(listing.of(visit.api, "/v1/audit"), "Audit", columns, "Nothing was done yet.",
                                 lambda entry: _entry(entry, visit.zone), stacked=True)  # fmt: skip

    async def refresh() -> None:
        found = await visit.api.get("/v1/system")
        names = (await visit.api.get("/v1/system/workers"))["workers"]
        ready = "ready" if found["ready"] else "not ready"
        put(state, Markup('<span class="chip {}">{}</span>').format("good" if found["ready"] else "bad", ready))
        checks.show([("Version", found["version"]), *_checks(found["checks"])])
        put(workers, _workers(names))
        queues.show(_queues(found["queues"]))
        database.show(_database(found["database"]))
        bots.show([(name.capitalize(), count) for name, count in found["bots"].items()] or [("Bots", "none")])
        await audit.refresh()

    await refresh()
    visit.live.on(refresh, lambda name, data: False)


def _checks(found: dict[str, str]) -> list[tuple[str, Any]]:
    bad = Markup('<span class="bad">{}</span>')
    return [(name.capitalize(), show.state("ok") if told == "ok" else bad.format(told)) for name, told in found.items()]


def _workers(names: list[str]) -> Markup:
    if not names:
        return Markup(
            '<p class="note bad" role="alert">No worker answers: bots stand still. Start one: autogrid up</p>'
        )
    return Markup("<p>{} {}: {}</p>").format(len(names), "worker" if len(names) == 1 else "workers", ", ".join(names))


def _queues(found: dict[str, int] | None) -> list[tuple[str, Any]]:
    if found is None:
        return [("Queues", Markup('<span class="bad">Redis does not answer</span>'))]
    return [(f"Waiting, {name}", count) for name, count in found.items()]


def _database(found: dict[str, Any] | None) -> list[tuple[str, Any]]:
    if found is None:
        return [("Database", Markup('<span class="bad">does not answer</span>'))]
    return [
        ("Version", found["version"]),
        ("Size", show.size_of(found["bytes"])),
        ("Connections", f"{found['connections']} of {found['connections_max']}"),
    ]


def _entry(entry: dict[str, Any], zone: str) -> tuple[Any, ...]:
    worked = entry["outcome"] < 400 if entry["outcome"] >= 100 else entry["outcome"] == 0
    outcome = entry["outcome"] if worked else Markup('<span class="bad">{} refused</span>').format(entry["outcome"])
    when = show.when(entry["at"], zone, seconds=True)
    return (
        when,
        entry["email"] or "",
        show.words(entry["action"]),
        entry["object"].removeprefix("/v1/"),
        outcome,
        entry["ip"] or "",
    )
