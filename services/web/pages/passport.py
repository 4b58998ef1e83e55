"""What was proven before a bot was made; it can be proven again, and make another bot."""

from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from nicegui import ui

from services.web.client import ApiError
from services.web.parts import asking, frame, results, show
from services.web.parts.frame import Visit
from services.web.parts.pick import account_names, picker
from services.web.parts.tables import facts
from services.web.parts.work import Work


@frame.page("/passports/{passport_id}", "Passport")
async def passport(visit: Visit, passport_id: str) -> None:
    """The proof, its gates, the backtest, the study."""
    path = f"/v1/passports/{quote(passport_id, safe='')}"
    found = await visit.api.get(path)
    with ui.row().classes("top"):
        with ui.row().classes("title"):
            frame.heading(f"Passport {passport_id[:12]}")
            ui.label(found["study_name"]).classes("soft")
        if visit.trades:
            asking.button("Make a bot", lambda key: _make(visit, found), kind="primary")
    with frame.card("Proof"):
        facts(
            [
                ("Made", show.when(found["created_at"], visit.zone)),
                ("Code", found["code_hash"][:12]),
                ("Candles", found["candles_sha256"][:12]),
                ("Fills", found["fills_sha256"][:12]),
            ]
        )
        ui.label("Code, candles and fills are named by the first digits of their sha256.").classes("hint")

        async def verify(key: str) -> None:
            await work.follow(await visit.api.post(f"{path}/verify", key=key), results.verification)

        if visit.trades:
            with ui.row().classes("actions"):
                asking.button("Verify", verify)
        work = Work(visit)
    with frame.card("Gates"):
        results.gates(found["gates"])
    if found["result"].get("metrics"):
        with frame.card("Backtest"):
            results.shown("backtest", found["result"], found["study"])
    with frame.card("Study"):
        code = '<pre class="mono table" tabindex="0" role="region" aria-label="Study file">{}</pre>'
        ui.html(str(Markup(code).format(found["study"])), sanitize=False).classes("wide")


async def _make(visit: Visit, passport: dict[str, Any]) -> None:
    names = account_names(await visit.api.every("/v1/accounts"))
    if not names:
        raise ApiError(422, "Add an account first, under Accounts.")
    with asking.dialog("Make a bot") as opened:
        ui.label("It trades what this passport proved. On an exchange's account it places real orders once it starts.")
        account = picker("Account", names, next(iter(names)))
        name = ui.input("Name of the bot", value=passport["study_name"]).props("outlined dense")
        start = ui.checkbox("Start it at once")

        async def make(key: str) -> None:
            body = {"passport_id": passport["id"], "account_id": account.value, "name": name.value.strip()}
            made = await visit.api.post("/v1/bots", body | {"start": start.value}, key)
            ui.navigate.to(f"/bots/{made['id']}")

        asking.ends(opened, "Make it", make)
