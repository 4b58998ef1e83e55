"""Studies: experiments written down, from which backtests and bots are made."""

from typing import Any

from nicegui import ui

from services.web.parts import asking, frame, show
from services.web.parts.frame import Visit
from services.web.parts.tables import Table


@frame.page("/studies", "Studies")
async def studies(visit: Visit) -> None:
    """The list, and what was promoted from them."""
    with ui.row().classes("top"):
        frame.heading("Studies")
        if visit.trades:
            asking.opener("New study", lambda: ui.navigate.to("/studies/new"), kind="primary")

    @ui.refreshable
    async def shown() -> None:
        with frame.card():
            found = await visit.api.items("/v1/studies", limit=200)
            if not found:
                text = "No study yet. A study is a grid on a market, to be backtested before it becomes a bot."
                ui.label(text).classes("empty")
            with ui.element("div").classes("list"):
                for study in found:
                    _item(visit, study, shown.refresh)

    await shown()
    with frame.card("Passports"):
        text = "Nothing was promoted yet. A passport says what was proven before a bot was made."
        table = Table("Passports", ("Study", "Passport", "Made"), text, stacked=True)
        table.rows(
            (
                passport["study_name"],
                show.link(f"/passports/{passport['id']}", passport["id"][:12]),
                show.when(passport["created_at"], visit.zone),
            )
            for passport in await visit.api.items("/v1/passports", limit=100)
        )


def _item(visit: Visit, study: dict[str, Any], refresh: Any) -> None:
    async def remove(key: str) -> None:
        await visit.api.delete(f"/v1/studies/{study['id']}")
        refresh()

    name = study["name"]
    with ui.element("div").classes("item"):
        with ui.element("div").classes("what"):
            ui.link(name, f"/studies/{study['id']}").classes("strong")
            changed = show.when(study["updated_at"], visit.zone)
            ui.html(f'<span class="soft">changed {changed}</span>', sanitize=False)
        if visit.trades:
            with ui.row().classes("actions"):
                asking.opener(
                    "Remove",
                    lambda: asking.confirm(
                        f"Remove {name}", "Bots and passports made of it stay.", remove, does="Remove", danger=True
                    ),
                    label=f"Remove {name}",
                )
