"""One bot: its grid on the candles, what it made, every cell with its reason, and the hands that steer it."""

import asyncio
from typing import Any

from markupsafe import Markup
from nicegui import ui

from services.web.client import ApiError
from services.web.parts import frame, show
from services.web.parts.charts import Chart
from services.web.parts.frame import Visit
from services.web.parts.live import of_bot
from services.web.parts.steer import Steering
from services.web.parts.tables import Facts, Table, put
from services.web.parts.trading import equity_figure, inventory_figure, ladder_figure, market_candles

NOTES = {
    "waiting": "It starts with its first tick: a worker has to run (autogrid up).",
    "paused": "It does not trade. Resume it to go on.",
    "refused": "The worker's code is not what the passport proved: promote the study again.",
}


@frame.page("/bots/{bot_id}", "Bot")
async def bot(visit: Visit, bot_id: int) -> None:
    """Reads everything about one bot, again whenever it trades."""
    found = await visit.api.get(f"/v1/bots/{bot_id}")
    with ui.row().classes("top"):
        with ui.row().classes("title"):
            frame.heading(found["name"])
            state = ui.html(sanitize=False)
        steering = Steering(visit, bot_id) if visit.trades else None
    reason = ui.html(sanitize=False).classes("wide")
    with frame.card():
        facts = Facts()
    with frame.card("Price and ladder"):
        price = Chart("Price with the grid's levels, resting orders and fills", "tall")
    with ui.element("div").classes("grid2"):
        with frame.card("Equity against holding"):
            equity = Chart("Equity of the bot and of holding the coin", "small")
        with frame.card("Inventory"):
            inventory = Chart("Coins the bot holds", "small")
    lists = _Lists(visit, bot_id)

    async def refresh() -> None:
        bot, cells, fills, points = await asyncio.gather(
            visit.api.get(f"/v1/bots/{bot_id}"),
            visit.api.get(f"/v1/bots/{bot_id}/cells"),
            visit.api.items(f"/v1/bots/{bot_id}/fills", limit=200),
            visit.api.get(f"/v1/bots/{bot_id}/equity", points=600),
        )
        put(state, show.state(bot["status"]))
        put(reason, _reason(bot))
        facts.show(_facts(bot, visit.zone))
        if steering is not None:
            steering.show(bot)
        candles = await market_candles(visit.api, bot, fills)
        price.show(ladder_figure(bot, cells, fills, points, candles))
        equity.show(equity_figure(points))
        inventory.show(inventory_figure(points))
        await lists.refresh(cells, fills)

    await refresh()
    visit.live.on(refresh, of_bot(bot_id))


def _reason(bot: dict[str, Any]) -> Markup:
    text = bot["reason"] or ""
    if bot["wish"] == "kill" and bot["status"] not in ("halted", "stopped"):
        text = "Kill switch: its orders are being cancelled."
    hint = NOTES.get(bot["status"], "")
    if not text and not hint:
        return Markup("")
    kind = "bad" if bot["status"] in ("halted", "refused") else "soft"
    return Markup('<p class="note {}">{}</p>').format(kind, " ".join(part for part in (text, hint) if part))


def _facts(bot: dict[str, Any], zone: str) -> list[tuple[str, Any]]:
    pnl = bot["pnl"] or {}
    digits = show.digits_for(pnl.get("equity"))
    missing = bot["missing_orders"]
    orders = Markup("{}{}").format(
        bot["open_orders"], Markup(' <span class="warn">({} missing)</span>').format(missing) if missing else ""
    )
    return [
        ("Market", f"{bot['symbol']}, {bot['mode']}"),
        ("Account", bot["account"]),
        ("Last price", show.exact(bot["last_price"])),
        ("Equity", show.plain(pnl.get("equity"), digits)),
        ("Total", show.signed(pnl.get("total"), digits)),
        ("Grid profit", show.signed(pnl.get("grid_profit"), digits)),
        ("Inventory", show.signed(pnl.get("inventory"), digits)),
        ("Fees", show.plain(pnl.get("fees"), digits)),
        ("Versus hold", show.signed(pnl.get("versus_hold"), digits)),
        ("Round trips", bot["round_trips"]),
        ("Orders", orders),
        ("Grid", f"{show.plain(bot['lower'])} to {show.plain(bot['upper'])}, {bot['cells']} cells"),
        ("Running since", show.when(bot["started_at"], zone)),
        ("Last looked at", show.when(bot["last_tick_at"], zone, seconds=True)),
    ]


class _Lists:
    """Cells, fills, orders, events, days against the twin, in tabs; only the open one is read."""

    def __init__(self, visit: Visit, bot_id: int) -> None:
        self._visit, self._path = visit, f"/v1/bots/{bot_id}"
        names = ("Cells", "Fills", "Orders", "Events", "Twin")
        with frame.card():
            self._tabs = ui.tabs(on_change=self._turned).props('align=left dense aria-label="Details" inline-label')
            with self._tabs:
                tabs = {name: ui.tab(name) for name in names}
            with ui.tab_panels(self._tabs, value="Cells").classes("wide").props("keep-alive"):
                self._tables = {}
                for name in names:
                    with ui.tab_panel(tabs[name]):
                        self._tables[name] = self._table(name)

    def _table(self, name: str) -> Table:
        columns, empty = {
            "Cells": (
                ("#Cell", "#From", "#To", "Waits to", "#At", "#Amount", "#Filled", "Order", "#Turns", "Reason"),
                "The grid has not started: its cells appear with the start order.",
            ),
            "Fills": (("When", "Kind", "#Cell", "Side", "#Price", "#Amount", "#Fee"), "Nothing has traded yet."),
            "Orders": (
                ("Made", "Kind", "#Cell", "Side", "#Price", "#Amount", "#Filled", "State", "Ended"),
                "No order was placed yet.",
            ),
            "Events": (("When", "Level", "What", "Details"), "Nothing has happened yet."),
            "Twin": (
                ("Day", "#Divergence, bps", "Parts"),
                "Once a day its fills are compared with a replay of the same candles; the first comparison comes "
                "after its first full day.",
            ),
        }[name]
        return Table(name, columns, empty)

    async def _turned(self) -> None:
        try:
            await self._read()
        except ApiError:
            return  # the next refresh says so

    async def refresh(self, cells: dict[str, Any], fills: list[dict[str, Any]]) -> None:
        """What is at hand, and what the open tab needs beyond."""
        zone = self._visit.zone
        self._tables["Cells"].rows(_cell(each) for each in reversed(cells["cells"]))
        self._tables["Fills"].rows(_fill(each, zone) for each in fills[:100])
        await self._read()

    async def _read(self) -> None:
        api, zone, shown = self._visit.api, self._visit.zone, str(self._tabs.value)
        if shown == "Orders":
            rows = await api.items(f"{self._path}/orders", limit=100)
            self._tables[shown].rows(_order(each, zone) for each in rows)
        elif shown == "Events":
            rows = await api.items(f"{self._path}/events", limit=100)
            self._tables[shown].rows(_event(each, zone) for each in rows)
        elif shown == "Twin":
            rows = await api.get(f"{self._path}/twins")
            self._tables[shown].rows((r["day"], show.plain(r["divergence_bps"]), _pairs(r["parts"])) for r in rows)


def _cell(cell: dict[str, Any]) -> tuple[Any, ...]:
    order = cell["order"]
    return (
        cell["cell"], show.exact(cell["lower"]), show.exact(cell["upper"]), show.state(cell["side"]),
        show.exact(cell["price"]), show.exact(cell["amount"]), show.exact(cell["filled"]),
        show.NONE if order is None else show.state(order["status"]), cell["turns"], cell["reason"] or "",
    )  # fmt: skip


def _fill(fill: dict[str, Any], zone: str) -> tuple[Any, ...]:
    return (
        show.when(fill["ts"], zone, seconds=True), fill["kind"], fill["cell"] if fill["cell"] >= 0 else "",
        show.state(fill["side"]), show.exact(fill["price"]), show.exact(fill["amount"]),
        f"{show.exact(fill['fee'])} {fill['fee_asset']}",
    )  # fmt: skip


def _order(order: dict[str, Any], zone: str) -> tuple[Any, ...]:
    return (
        show.when(order["created_at"], zone, seconds=True), order["kind"], order["cell"] if order["cell"] >= 0 else "",
        show.state(order["side"]), show.exact(order["price"]), show.exact(order["amount"]),
        show.exact(order["filled"]), show.state(order["status"]), order["reason"] or "",
    )  # fmt: skip


def _event(event: dict[str, Any], zone: str) -> tuple[Any, ...]:
    what = show.words(event["name"])
    return show.when(event["ts"], zone, seconds=True), show.state(event["level"]), what, _pairs(event["data"])


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{show.words(name)}: {value}" for name, value in values.items())
