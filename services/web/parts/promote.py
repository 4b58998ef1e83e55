"""From a study to a bot: the account, the gates, and a question before money is at stake."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from services.web.parts import asking, results
from services.web.parts.frame import Visit
from services.web.parts.pick import account_names, picker
from services.web.parts.work import Work


class Promote:
    """Promotes what `save` keeps."""

    def __init__(self, visit: Visit, save: Callable[[], Awaitable[int]]) -> None:
        self._visit, self._save = visit, save
        self._accounts: dict[int, dict[str, Any]] = {}
        text = "Backtest and live engine must agree fill for fill, and the gates must pass; then a bot is made."
        ui.label(text).classes("hint")
        with ui.element("div").classes("fields two") as self._fields:
            self._account = picker("Account", {})
            self._name = ui.input("Name of the bot").props('outlined dense placeholder="as the study"')
        self._none = ui.html('<p class="empty">Add an account first: <a href="/accounts">Accounts</a></p>',
                             sanitize=False)  # fmt: skip
        self._problem = asking.Problem()
        with ui.row().classes("actions"):
            self._button = asking.button("Promote", self._ask, kind="primary", problem=self._problem)
        self._work = Work(visit)

    async def accounts(self) -> None:
        """Read the accounts to choose from."""
        found = await self._visit.api.every("/v1/accounts")
        self._accounts = {account["id"]: account for account in found}
        names = account_names(found)
        self._account.set_options(names, value=next(iter(names), None))
        for each in (self._fields, self._button):
            each.set_visibility(bool(found))
        self._none.set_visibility(not found)

    async def _ask(self, key: str) -> None:
        account = self._accounts[self._account.value]
        study_id = await self._save()
        if account["exchange"] == "paper":
            await self._start(study_id, account, key)
            return
        where = account["base_url"] or account["exchange"]
        asking.confirm(
            "Promote to a live account",
            f"The bot will place real orders on {where} with the account {account['name']}, as soon as it is made.",
            lambda k: self._start(study_id, account, k), does="Promote", typed="LIVE", danger=True,
        )  # fmt: skip

    async def _start(self, study_id: int, account: dict[str, Any], key: str) -> None:
        to = "paper" if account["exchange"] == "paper" else "live"
        body = {"study_id": study_id, "to": to, "account_id": account["id"]}
        if self._name.value:
            body["name"] = self._name.value.strip()
        await self._work.follow(await self._visit.api.post("/v1/promotions", body, key), results.promotion)
