"""Accounts at exchanges: add one, test its key, lift a block."""

from typing import Any

from markupsafe import Markup
from nicegui import ui

from services.web.parts import asking, frame, show
from services.web.parts.frame import Visit
from services.web.parts.tables import Table, facts, note

EXCHANGES = {
    "paper": "Paper (simulated, no money)", "binance": "Binance", "bybit": "Bybit", "okx": "OKX", "kraken": "Kraken",
    "coinbase": "Coinbase", "kucoin": "KuCoin", "gate": "Gate", "bitget": "Bitget", "mexc": "MEXC",
}  # fmt: skip


@frame.page("/accounts", "Accounts")
async def accounts(visit: Visit) -> None:
    """The list, and a form for a new one."""
    with ui.row().classes("top"):
        frame.heading("Accounts")
        if visit.trades:
            asking.opener("Add an account", lambda: _add(visit, shown.refresh), kind="primary")

    @ui.refreshable
    async def shown() -> None:
        found = await visit.api.items("/v1/accounts", limit=200)
        with frame.card():
            if not found:
                text = "No account yet. Add a paper account to trade without money, or one at an exchange."
                ui.label(text).classes("empty")
            with ui.element("div").classes("list"):
                for account in found:
                    _item(visit, account, shown.refresh)

    await shown()


def _item(visit: Visit, account: dict[str, Any], refresh: Any) -> None:
    path = f"/v1/accounts/{account['id']}"
    with ui.element("div").classes("item"):
        with ui.element("div").classes("what"):
            ui.label(account["name"]).classes("strong")
            parts = [EXCHANGES.get(account["exchange"], account["exchange"])]
            parts += [account["base_url"]] if account["base_url"] else []
            parts += [f"key …{account['key_hint']}"] if account["key_hint"] else []
            ui.label(" · ".join(parts)).classes("soft")
            if account["blocked_reason"]:
                note(f"Blocked: {account['blocked_reason']}", "bad")
        if not visit.trades:
            return

        async def unblock(key: str) -> None:
            await visit.api.post(f"{path}/unblock", key=key)
            refresh()

        async def remove(key: str) -> None:
            await visit.api.delete(path)
            refresh()

        name = account["name"]
        with ui.row().classes("actions"):
            if account["blocked_reason"]:
                asking.button("Unblock", unblock, label=f"Unblock {name}")
            if account["exchange"] != "paper":
                asking.button("Test", lambda key: _test(visit, path, name), label=f"Test {name}")
                asking.opener("Replace key", lambda: _rekey(visit, path, name, refresh), label=f"Replace key of {name}")
            asking.opener(
                "Remove",
                lambda: asking.confirm(
                    f"Remove {name}", "Its credentials are deleted.", remove, does="Remove", danger=True
                ),
                label=f"Remove {name}",
            )


async def _test(visit: Visit, path: str, name: str) -> None:
    answer = await visit.api.post(f"{path}/test")
    words = {True: "yes", False: "no", None: "not said"}
    with ui.dialog() as dialog, ui.element("div").classes("card dialog"):
        dialog.props(f'aria-label="Test of {asking.attribute(name)}"')
        frame.heading(f"Test of {name}", level=2)
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
            asking.opener("Close", dialog.close, kind="primary")
    dialog.on("hide", dialog.delete)
    dialog.open()


def _add(visit: Visit, refresh: Any) -> None:
    with ui.dialog() as dialog, ui.element("div").classes("card dialog"):
        dialog.props('aria-label="Add an account"')
        frame.heading("Add an account", level=2)
        name = ui.input("Name").props("outlined dense autofocus")
        exchange = ui.select(EXCHANGES, value="paper", label="Exchange").props("outlined dense")
        with ui.element("div").classes("stack") as real:
            keys = _Keys()
            url = ui.input("Server, if not the exchange's own").props("outlined dense placeholder=http://…")
            ui.label("The key should be able to trade and unable to withdraw. It is kept encrypted.").classes("hint")
        real.bind_visibility_from(exchange, "value", lambda value: value != "paper")
        problem = asking.Problem()

        async def add(key: str) -> None:
            body: dict[str, Any] = {"name": name.value.strip(), "exchange": exchange.value}
            if exchange.value != "paper":
                body |= {"keys": keys.read()} | ({"base_url": url.value.strip()} if url.value else {})
            await visit.api.post("/v1/accounts", body, key)
            dialog.close()
            asking.told("Account added. Test it before money is at stake.")
            refresh()

        with ui.row().classes("actions end"):
            asking.opener("Cancel", dialog.close)
            asking.button("Add", add, kind="primary", problem=problem)
    dialog.on("hide", dialog.delete)
    dialog.open()


def _rekey(visit: Visit, path: str, name: str, refresh: Any) -> None:
    with ui.dialog() as dialog, ui.element("div").classes("card dialog"):
        dialog.props('aria-label="Replace the key"')
        frame.heading(f"Replace the key of {name}", level=2)
        keys, problem = _Keys(), asking.Problem()

        async def put(key: str) -> None:
            await visit.api.patch(path, {"keys": keys.read()})
            dialog.close()
            asking.told("Key replaced.")
            refresh()

        with ui.row().classes("actions end"):
            asking.opener("Cancel", dialog.close)
            asking.button("Replace", put, kind="primary", problem=problem)
    dialog.on("hide", dialog.delete)
    dialog.open()


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
