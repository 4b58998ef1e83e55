"""Where you are told what happens, and what you were told."""

from typing import Any

from nicegui import ui

from services.web.parts import asking, frame, show
from services.web.parts.frame import Visit
from services.web.parts.live import of
from services.web.parts.tables import Table

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

    @ui.refreshable
    async def targets() -> None:
        found = await visit.api.items("/v1/alert-targets", limit=100)
        if not found:
            text = "No target yet: you are told on this page only. Add mail, Telegram, Slack, a webhook …"
            ui.label(text).classes("empty")
        with ui.element("div").classes("list"):
            for target in found:
                _item(visit, target, targets.refresh)

    with frame.card("Targets"):
        await targets()
    with frame.card("Told"):
        table = Table("Alerts", ("When", "Kind", "What", "Details", "Told"), "Nothing to tell yet.")

    async def refresh() -> None:
        table.rows(
            (
                show.when(alert["at"], visit.zone, seconds=True), KINDS.get(alert["kind"], alert["kind"]),
                alert["title"], alert["body"], show.state(alert["outcome"]),
            )
            for alert in await visit.api.items("/v1/alerts", limit=100)
        )  # fmt: skip

    await refresh()
    visit.live.on(refresh, of("bot_event"))


def _item(visit: Visit, target: dict[str, Any], refresh: Any) -> None:
    path, name = f"/v1/alert-targets/{target['id']}", target["name"]

    async def test(key: str) -> None:
        answer = await visit.api.post(f"{path}/test", key=key)
        asking.told(f"{name}: {answer['detail']}", "good" if answer["delivered"] else "bad")

    async def turn(key: str) -> None:
        await visit.api.patch(path, {"enabled": not target["enabled"]})
        refresh()

    async def remove(key: str) -> None:
        await visit.api.delete(path)
        refresh()

    with ui.element("div").classes("item"):
        with ui.element("div").classes("what"):
            ui.label(name).classes("strong")
            said = ", ".join(KINDS[kind] for kind in target["kinds"])
            if target["quiet_start"]:
                said += f"; quiet {target['quiet_start'][:5]} to {target['quiet_end'][:5]} ({target['time_zone']})"
            ui.label(said if target["enabled"] else f"switched off; {said}").classes("soft")
        if visit.trades:
            with ui.row().classes("actions"):
                asking.button("Test", test, label=f"Test {name}")
                asking.button("Switch off" if target["enabled"] else "Switch on", turn, label=f"Switch {name}")
                asking.button("Remove", remove, label=f"Remove {name}")


def _add(visit: Visit, refresh: Any) -> None:
    with ui.dialog() as dialog, ui.element("div").classes("card dialog"):
        dialog.props('aria-label="Add a target"')
        frame.heading("Add a target", level=2)
        name = ui.input("Name").props("outlined dense autofocus")
        url = ui.input("Address", password=True).props("outlined dense autocomplete=off")
        ui.label("As apprise writes it, such as tgram://token/chat or mailto://user:password@host. Kept encrypted, "
                 "never shown again.").classes("hint")  # fmt: skip
        kinds = {kind: ui.checkbox(text, value=kind != "signup") for kind, text in KINDS.items()
                 if kind != "signup" or visit.admin}  # fmt: skip
        with ui.element("div").classes("fields"):
            start, end = (
                ui.input(text).props("outlined dense type=time stack-label") for text in ("Quiet from", "until")
            )
        ui.label("What is urgent (halted, killed) comes in quiet hours, too.").classes("hint")
        problem = asking.Problem()

        async def add(key: str) -> None:
            body: dict[str, Any] = {"name": name.value.strip(), "url": url.value, "time_zone": visit.zone}
            body["kinds"] = [kind for kind, box in kinds.items() if box.value]
            body |= {"quiet_start": start.value or None, "quiet_end": end.value or None}
            await visit.api.post("/v1/alert-targets", body, key)
            dialog.close()
            asking.told("Target added. Send it a test.")
            refresh()

        with ui.row().classes("actions end"):
            asking.opener("Cancel", dialog.close)
            asking.button("Add", add, kind="primary", problem=problem)
    dialog.on("hide", dialog.delete)
    dialog.open()
