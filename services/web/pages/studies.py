"""Studies: experiments written down, from which backtests and bots are made."""

from typing import Any

from markupsafe import Markup
from nicegui import ui

from services.web.parts import asking, frame, listing, show
from services.web.parts.asking import Refresh
from services.web.parts.frame import Visit


@frame.page("/studies", "Studies")
async def studies(visit: Visit) -> None:
    """The list, and what was promoted from them."""
    with ui.row().classes("top"):
        frame.heading("Studies")
        if visit.trades:
            asking.opener("New study", lambda: ui.navigate.to("/studies/new"), kind="primary")

    with frame.card():
        empty = "No study yet. A study is a grid on a market, to be backtested before it becomes a bot."
        reads = listing.of(visit.api, "/v1/studies")
        shown = listing.in_rows(reads, "studies", empty, lambda each: _item(visit, each, shown.refresh))
    await shown.refresh()
    with frame.card("Passports"):
        text = "Nothing was promoted yet. A passport says what was proven before a bot was made."
        proven = listing.in_table(listing.of(visit.api, "/v1/passports"), "Passports", ("Study", "Passport", "Made"),
                                  text, lambda each: _passport(each, visit.zone), stacked=True)  # fmt: skip
    await proven.refresh()


def _passport(passport: dict[str, Any], zone: str) -> tuple[Any, ...]:
    link = show.link(f"/passports/{passport['id']}", passport["id"][:12])
    return passport["study_name"], link, show.when(passport["created_at"], zone)


def _item(visit: Visit, study: dict[str, Any], refresh: Refresh) -> None:
    path, name = f"/studies/{study['id']}", study["name"]
    changed = Markup("changed {}").format(show.when(study["updated_at"], visit.zone))
    with listing.item(name, changed, url=path):
        if visit.trades:
            asking.remover(visit.api, f"/v1{path}", name, "Bots and passports made of it stay.", refresh)
