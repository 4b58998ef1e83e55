"""Where you are told what happens, and what you were told."""

from typing import Any

from nicegui import ui

from services.web.parts import asking, frame, listing, show
from services.web.parts.asking import Refresh
from services.web.parts.frame import Visit
from services.web.parts.live import of

KINDS = {
    "bot_halted": "Bot halted", "bot_killed": "Bot killed", "stop_hit": "Stop hit", "missing_orders": "Missing orders",
    "digest": "Daily digest", "signup": "New users (admins)",
}  # fmt: skip


@frame.page("/alerts", "Alerts")
async def alerts(visit: Visit) -> None:
    """Targets and history."""
    with ui.row().classes("top"):
        frame.heading("Alerts")
        if visit.trades:
            asking.opener("Add a target", lambda: _add(visit, targets.refresh), kind="primary")
    with frame.card("Targets"):
        empty = "No target yet: you are told on this page only. Add mail, Telegram, Slack, a webhook …"
        reads = listing.of(visit.api, "/v1/alert-targets")
        targets = listing.in_rows(reads, "targets", empty, lambda each: _item(visit, each, targets.refresh))
    with frame.card("Told"):
        columns = ("When", "Kind", "What", "Details", "Told")
        told = listing.in_table(listing.of(visit.api, "/v1/alerts"), "Alerts", columns, "Nothing to tell yet.",
                                lambda alert: _row(alert, visit.zone), stacked=True)  # fmt: skip
    await targets.refresh()
    await told.refresh()
    visit.live.on(told.refresh, of("bot_event"))


def _row(alert: dict[str, Any], zone: str) -> tuple[Any, ...]:
    when, kind = show.when(alert["at"], zone, seconds=True), KINDS.get(alert["kind"], alert["kind"])
    return when, kind, alert["title"], alert["body"], show.state(alert["outcome"])


def _item(visit: Visit, target: dict[str, Any], refresh: Refresh) -> None:
    path, name = f"/v1/alert-targets/{target['id']}", target["name"]
    said = ", ".join(KINDS[kind] for kind in target["kinds"])
    if target["quiet_start"]:
        said += f"; quiet {target['quiet_start'][:5]} to {target['quiet_end'][:5]} ({target['time_zone']})"

    async def test(key: str) -> None:
        answer = await visit.api.post(f"{path}/test", key=key)
        asking.told(f"{name}: {answer['detail']}", "good" if answer["delivered"] else "bad")

    with listing.item(name, said if target["enabled"] else f"Switched off; {said}"):
        if visit.trades:
            asking.button("Test", test, label=f"Test {name}")
            asking.switch(visit.api, path, name, target["enabled"], refresh)
            asking.remover(visit.api, path, name, "It is told nothing any more.", refresh)


def _add(visit: Visit, refresh: Refresh) -> None:
    with asking.dialog("Add a target") as opened:
        name = ui.input("Name").props("outlined dense autofocus")
        url = ui.input("Address", password=True).props("outlined dense autocomplete=off")
        ui.label("As apprise writes it, such as tgram://token/chat or mailto://user:password@host. Kept encrypted, "
                 "never shown again.").classes("hint")  # fmt: skip
        kinds = {kind: ui.checkbox(text, value=kind != "signup") for kind, text in KINDS.items()
                 if kind != "signup" or visit.admin}  # fmt: skip
        with ui.element("div").classes("fields"):
            start, end = (
                ui.input(text).props("outlined dense type=time stack-label") for text in ("Quiet from", "Until")
            )
        ui.label(f"Times of {visit.zone}. What is urgent (halted, killed) comes in quiet hours, too.").classes("hint")

        async def add(key: str) -> None:
            body: dict[str, Any] = {"name": name.value.strip(), "url": url.value, "time_zone": visit.zone}
            body["kinds"] = [kind for kind, box in kinds.items() if box.value]
            body |= {"quiet_start": start.value or None, "quiet_end": end.value or None}
            await visit.api.post("/v1/alert-targets", body, key)
            await refresh()

        asking.ends(opened, "Add", add, done="Target added. Send it a test.")
