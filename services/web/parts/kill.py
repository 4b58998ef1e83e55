"""The kill switch: engage it, see on every page that it is engaged, release it."""

from typing import Any

from markupsafe import Markup
from nicegui import ui

from services.web.client import Api, Items
from services.web.parts import asking, show
from services.web.parts.live import Live
from services.web.parts.pick import account_names

SCOPES = {"mine": "All of my bots", "everything": "All bots of all users", "account": "All bots of an account"}


class Engaged:
    """On top of a page: the switches that are engaged, who did it, when and why."""

    def __init__(self, api: Api, me: dict[str, Any], live: Live) -> None:
        self._api, self._me, self._live = api, me, live
        self._shown: list[tuple[int, bool]] = []
        self._place = ui.element("div").classes("engaged").props('aria-live="assertive"')
        self._place.set_visibility(False)

    async def refresh(self) -> None:
        """Ask which there are."""
        found, _ = await self._api.first("/v1/kill-switch", 20)
        ids = [(each["id"], each["may_release"]) for each in found]
        if ids == self._shown or self._place.is_deleted:
            return
        said = [await self._said(each) for each in found]
        self._shown = ids
        self._place.set_visibility(bool(found))
        self._place.clear()
        with self._place:
            for switch, words in zip(found, said, strict=True):
                self._row(switch, words)

    def _row(self, switch: dict[str, Any], words: Markup) -> None:
        with ui.element("div").classes("note bad halt"):
            ui.html(str(words), sanitize=False)
            if switch["may_release"]:
                asking.opener("Release", lambda: self._release(switch), kind="danger", label="Release the kill switch")

    async def _said(self, switch: dict[str, Any]) -> Markup:
        when = show.when(switch["engaged_at"], self._me["time_zone"], seconds=True)
        text = (
            "<strong>Kill switch engaged: {}.</strong> By {} at {}: {}. Orders are cancelled, nothing of it starts "
            "or is promoted until it is released{}."
        )
        whose = "" if switch["may_release"] else " by an admin"
        reason = str(switch["reason"]).rstrip(".")
        return Markup(text).format(await self._what(switch), await self._who(switch["engaged_by"]), when, reason, whose)

    async def _what(self, switch: dict[str, Any]) -> str:
        if switch["scope"] == "bot":
            return f"bot {_name(await self._api.every('/v1/bots'), switch['bot_id'])}"
        if switch["scope"] == "account":
            return f"account {_name(await self._api.every('/v1/accounts'), switch['account_id'])}"
        if switch["scope"] == "everything":
            return "all bots of all users"
        mine = switch["owner_id"] == self._me["id"]
        return "all of your bots" if mine else f"all bots of {await self._who(switch['owner_id'])}"

    async def _who(self, user: int | None) -> str:
        if user is None:
            return "the command line"
        if user == self._me["id"]:
            return "you"
        if self._me["role"] != "admin":
            return "an admin"
        return _name(await self._api.every("/v1/users"), user, "email")

    def _release(self, switch: dict[str, Any]) -> None:
        async def release(key: str) -> None:
            await self._api.post(f"/v1/kill-switch/{switch['id']}/release", key=key)
            await self.refresh()
            self._live.poke()

        text = "Its bots stay halted until you resume them one by one. Release it when the cause is gone."
        asking.confirm("Release the kill switch", text, release, does="Release", done="Released.", danger=True)


def _name(items: Items, number: int | None, key: str = "name") -> str:
    return next((str(each[key]) for each in items if each["id"] == number), f"no. {number}")


async def ask(api: Api, live: Live, *, admin: bool) -> None:
    """A dialog that engages the switch."""
    accounts = account_names(await api.every("/v1/accounts"))
    # An admin sees everybody's bots, and those of the command line, which are nobody's: what is seen is stopped.
    scopes = [*(["everything"] if admin else []), "mine", *(["account"] if accounts else [])]
    with asking.dialog("Kill switch") as opened:
        ui.label("Cancels every resting order at once and halts the bots; nothing starts again until it is released. "
                 "Coins are kept, not sold.")  # fmt: skip
        scope = ui.radio({name: SCOPES[name] for name in scopes}, value=scopes[0]).props('aria-label="What it stops"')
        account = ui.select(accounts, value=next(iter(accounts), None), label="Account").props("outlined dense")
        account.bind_visibility_from(scope, "value", lambda value: value == "account")
        reason = ui.input("Why, for those who find it engaged").props("outlined dense autocomplete=off maxlength=200")
        word = ui.input("Type KILL to confirm").props("outlined dense autocomplete=off")

        async def kill(key: str) -> None:
            body = {"scope": scope.value, "reason": (reason.value or "").strip() or "kill switch on the page"}
            body |= {"id": account.value} if scope.value == "account" else {}
            answer = await api.post("/v1/kill-switch", body, key)
            live.poke()
            count = len(answer["bots"])
            asking.told(f"{count} bot{'' if count == 1 else 's'} told to cancel everything and halt.")

        does = asking.ends(opened, "Kill", kill, danger=True)
        does.bind_enabled_from(word, "value", lambda value: (value or "").strip() == "KILL")
