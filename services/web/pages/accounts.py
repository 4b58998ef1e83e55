"""Accounts at exchanges: add one, test its key, lift a block."""

from typing import Any

from markupsafe import Markup
from nicegui import ui

from services.web.parts import asking, frame, listing, show
from services.web.parts.asking import Refresh
from services.web.parts.frame import Visit
from services.web.parts.tables import Table, facts, note

EXCHANGES = {
    "paper": "Paper (simulated, no money)", "binance": "Binance", "bybit": "Bybit", "okx": "OKX", "kraken": "Kraken",
    "coinbase": "Coinbase", "kucoin": "KuCoin", "gate": "Gate", "bitget": "Bitget", "mexc": "MEXC",
}  # fmt: skip
REMEDY = "Its bots stand still. Look to the cause, test or replace the key, then unblock it."


@frame.page("/accounts", "Accounts")
async def accounts(visit: Visit) -> None:
    """The list, and a form for a new one."""
    with ui.row().classes("top"):
        frame.heading("Accounts")
        if visit.trades:
            asking.opener("Add an account", lambda: _add(visit, shown.refresh), kind="primary")
    with frame.card():
        empty = "No account yet. Add a paper account to trade without money, or one at an exchange."
        reads = listing.of(visit.api, "/v1/accounts")
        shown = listing.in_rows(reads, "accounts", empty, lambda each: _item(visit, each, shown.refresh))
    await shown.refresh()


def _item(visit: Visit, account: dict[str, Any], refresh: Refresh) -> None:
    path, name, blocked = f"/v1/accounts/{account['id']}", account["name"], account["blocked_reason"]
    parts = [EXCHANGES.get(account["exchange"], account["exchange"])]
    parts += [account["base_url"]] if account["base_url"] else []
    parts += [f"key …{account['key_hint']}"] if account["key_hint"] else []
    lines = [show.join(parts, " · ")]
    if blocked:
        lines.append(Markup('<p class="note bad" role="alert">Blocked: {}. {}</p>').format(blocked, REMEDY))

    async def unblock(key: str) -> None:
        await visit.api.post(f"{path}/unblock", key=key)
        await refresh()

    with listing.item(name, *lines):
        if not visit.trades:
            return
        if blocked:
            asking.button("Unblock", unblock, kind="primary", label=f"Unblock {name}")
        if account["exchange"] != "paper":
            asking.button("Test", lambda key: _test(visit, path, name), label=f"Test {name}")
            asking.opener("Replace key", lambda: _rekey(visit, path, name, refresh), label=f"Replace key of {name}")
        asking.remover(visit.api, path, name, "Its credentials are deleted.", refresh)


async def _test(visit: Visit, path: str, name: str) -> None:
    answer = await visit.api.post(f"{path}/test")
    words = {True: "yes", False: "no", None: "not said"}
    with asking.dialog(f"Test of {name}") as opened:
        risky = answer["withdraw"] is True
        facts(
            [
                ("Reachable", words[answer["reachable"]]),
                ("May trade", words[answer["trade"]]),
                ("May withdraw", Markup('<span class="bad">yes: make a key that may not</span>') if risky
                 else words[answer["withdraw"]]),
            ]
        )  # fmt: skip
        for warning in answer["warnings"]:
            note(warning, "bad" if risky else "warn")
        table = Table("Balances", ("Coin", "#Free", "#Total"), "The account holds nothing.")
        table.rows((coin["asset"], show.exact(coin["free"]), show.exact(coin["total"])) for coin in answer["balances"])
        with ui.row().classes("actions end"):
            asking.opener("Close", opened.close, kind="primary")


def _add(visit: Visit, refresh: Refresh) -> None:
    with asking.dialog("Add an account") as opened:
        name = ui.input("Name").props("outlined dense autofocus")
        exchange = ui.select(EXCHANGES, value="paper", label="Exchange").props("outlined dense")
        with ui.element("div").classes("stack") as real:
            keys = _Keys()
            url = ui.input("Server, if not the exchange's own").props("outlined dense placeholder=http://…")
            ui.label("The key should be able to trade and unable to withdraw. It is kept encrypted.").classes("hint")
        real.bind_visibility_from(exchange, "value", lambda value: value != "paper")

        async def add(key: str) -> None:
            body: dict[str, Any] = {"name": name.value.strip(), "exchange": exchange.value}
            if exchange.value != "paper":
                body |= {"keys": keys.read()} | ({"base_url": url.value.strip()} if url.value else {})
            await visit.api.post("/v1/accounts", body, key)
            await refresh()

        asking.ends(opened, "Add", add, done="Account added. Test it before money is at stake.")


def _rekey(visit: Visit, path: str, name: str, refresh: Refresh) -> None:
    with asking.dialog(f"Replace the key of {name}") as opened:
        keys = _Keys()

        async def put(key: str) -> None:
            await visit.api.patch(path, {"keys": keys.read()})
            await refresh()

        asking.ends(opened, "Replace", put, done="Key replaced.")


class _Keys:
    """Fields for credentials, which are never shown again."""

    def __init__(self) -> None:
        self._fields = {
            "api_key": ui.input("API key"),
            "api_secret": ui.input("API secret", password=True),
            "passphrase": ui.input("Passphrase, where the exchange asks for one", password=True),
        }
        for each in self._fields.values():
            each.props("outlined dense autocomplete=off")

    def read(self) -> dict[str, str]:
        """What was filled in."""
        return {name: each.value.strip() for name, each in self._fields.items() if each.value}
