"""What one bot does, in tabs: cells with their reasons, fills, orders, events, days against the twin."""

from typing import Any

from nicegui import ui

from services.web.client import ApiError
from services.web.parts import frame, listing, show
from services.web.parts.frame import Visit
from services.web.parts.listing import Listing
from services.web.parts.tables import Table

TWIN = "Once a day its fills are compared with a replay of its grids on the same candles; the first comparison comes " \
       "after its first full day."  # fmt: skip


class BotLists:
    """Only the open tab is read. `base` and `quote` are the coins of the market."""

    def __init__(self, visit: Visit, bot_id: int, base: str, quote: str) -> None:
        self._visit, self._path = visit, f"/v1/bots/{bot_id}"
        self._base, self._quote = base, quote
        names = ("Cells", "Fills", "Orders", "Events", "Twin")
        self._lists: dict[str, Listing] = {}
        with frame.card():
            self._tabs = ui.tabs(on_change=self._turned).props('align=left dense aria-label="Details" inline-label')
            with self._tabs:
                tabs = {name: ui.tab(name) for name in names}
            with ui.tab_panels(self._tabs, value="Cells").classes("wide").props("keep-alive"):
                for name in names:
                    with ui.tab_panel(tabs[name]):
                        self._build(name)

    def _build(self, name: str) -> None:
        price, amount, api, zone = f"#Price, {self._quote}", f"#Amount, {self._base}", self._visit.api, self._visit.zone
        if name == "Cells":
            prices = [f"#{each}, {self._quote}" for each in ("From", "To")]
            columns = ("#Cell", *prices, "Waits to", amount, "#Filled", "Order", "#Turns", "Reason")
            self._cells = Table(name, columns, "The grid has not started: its cells appear with the start order.")
        elif name == "Twin":
            self._twins = Table(name, ("Day", "#Divergence, bps", "Parts"), TWIN)
        elif name == "Fills":
            columns = ("When", "Kind", "#Cell", "Side", price, amount, "#Fee")
            reads = listing.of(api, f"{self._path}/fills")
            empty = "Nothing has traded yet."
            self._lists[name] = listing.in_table(reads, name, columns, empty, lambda each: _fill(each, zone))
        elif name == "Orders":
            columns = ("Made", "Kind", "#Cell", "Side", price, amount, "#Filled", "State", "Ended")
            reads = listing.of(api, f"{self._path}/orders")
            empty = "No order was placed yet."
            self._lists[name] = listing.in_table(reads, name, columns, empty, lambda each: _order(each, zone))
        else:
            columns = ("When", "Level", "What", "Details")
            reads = listing.of(api, f"{self._path}/events")
            empty = "Nothing has happened yet."
            self._lists[name] = listing.in_table(reads, name, columns, empty, lambda each: _event(each, zone))

    async def _turned(self) -> None:
        try:
            await self._read()
        except ApiError:
            return  # the next refresh says so

    async def refresh(self, cells: dict[str, Any]) -> None:
        """What is at hand, and what the open tab needs beyond."""
        self._cells.rows(_cell(each) for each in reversed(cells["cells"]))
        await self._read()

    async def _read(self) -> None:
        shown = str(self._tabs.value)
        if shown in self._lists:
            await self._lists[shown].refresh()
        elif shown == "Twin":
            rows = await self._visit.api.get(f"{self._path}/twins")
            self._twins.rows((r["day"], show.plain(r["divergence_bps"]), _pairs(r["parts"])) for r in rows)


def _cell(cell: dict[str, Any]) -> tuple[Any, ...]:
    order = cell["order"]
    return (
        cell["cell"], show.exact(cell["lower"]), show.exact(cell["upper"]), show.state(cell["side"]),
        show.exact(cell["amount"]), show.exact(cell["filled"]),
        show.NONE if order is None else show.state(order["status"]), cell["turns"], cell["reason"] or "",
    )  # fmt: skip


def _fill(fill: dict[str, Any], zone: str) -> tuple[Any, ...]:
    return (
        show.when(fill["ts"], zone, seconds=True), fill["kind"], fill["cell"] if fill["kind"] == "grid" else "",
        show.state(fill["side"]), show.exact(fill["price"]), show.exact(fill["amount"]),
        f"{show.exact(fill['fee'])} {fill['fee_asset']}",
    )  # fmt: skip


def _order(order: dict[str, Any], zone: str) -> tuple[Any, ...]:
    return (
        show.when(order["created_at"], zone, seconds=True), order["kind"],
        order["cell"] if order["kind"] == "grid" else "",
        show.state(order["side"]), show.exact(order["price"]), show.exact(order["amount"]),
        show.exact(order["filled"]), show.state(order["status"]), show.words(order["reason"] or ""),
    )  # fmt: skip


def _event(event: dict[str, Any], zone: str) -> tuple[Any, ...]:
    what = show.words(event["name"])
    return show.when(event["ts"], zone, seconds=True), show.state(event["level"]), what, _pairs(event["data"])


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{show.words(name)}: {value}" for name, value in values.items())
