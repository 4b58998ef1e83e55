"""One bot: its grid on the candles, what it made, every cell with its reason, and the hands that steer it."""

import asyncio
from typing import Any

from markupsafe import Markup
from nicegui import ui

from services.web.client import ApiError
from services.web.parts import frame, show
from services.web.parts.bot_lists import BotLists
from services.web.parts.charts import Chart
from services.web.parts.frame import Visit
from services.web.parts.live import of_bot
from services.web.parts.steer import Steering
from services.web.parts.tables import Facts, Held, put
from services.web.parts.trading import RANGES, Span, equity_figure, inventory_figure, ladder_figure, market_candles

#: What to do about a state.
NOTES = {
    "waiting": "It starts with the first price, on paper with the next candle; a worker must run (autogrid up).",
    "paused": "It does not trade. Resume it to go on.",
    "halted": "It keeps its coins and does nothing by itself. Resume it when the cause is gone, or stop it for good.",
    "stopped": "It has ended and given its budget back. Its passport can make another one.",
}  # fmt: skip
#: The engine's words for why a bot ended.
WHY = {
    "user": "Stopped by a person", "stop_loss": "Stop loss", "take_profit": "Take profit",
    "strategy": "Its strategy ended it", "for its strategy to decide the first grid": "No grid is decided yet",
}  # fmt: skip
#: While a strategy has not decided a first grid.
UNDECIDED = "Its strategy decides one on closed candles, as soon as a worker has fetched all that it looks back on."
WORKS = ("waiting", "running", "stopping")
#: Fills marked on the chart, at most.
MARKED = 500


@frame.page("/bots/{bot_id}", "Bot")
async def bot(visit: Visit, bot_id: int) -> None:
    """Reads everything about one bot, again whenever it trades."""
    found = await visit.api.get(f"/v1/bots/{bot_id}")
    base, quote = show.coins(found["symbol"])
    with ui.row().classes("top"):
        with ui.row().classes("title"):
            frame.heading(found["name"])
            state = ui.html(sanitize=False)
        steering = Steering(visit, bot_id) if visit.trades else None
    reason = Held(sanitize=False).classes("wide")
    with frame.card():
        money, details = Facts(), Facts("small")
    charts = _Charts(visit, bot_id, base, quote)
    lists = BotLists(visit, bot_id, base, quote)

    async def refresh() -> None:
        bot, cells, account = await asyncio.gather(
            visit.api.get(f"/v1/bots/{bot_id}"),
            visit.api.get(f"/v1/bots/{bot_id}/cells"),
            visit.api.get(f"/v1/accounts/{found['account_id']}"),
        )
        blocked = account["blocked_reason"] if bot["status"] in WORKS else None
        put(state, show.state("blocked" if blocked else bot["status"]))
        put(reason, _reason(bot, blocked))
        money.show(_money(bot, quote))
        details.show(_details(bot, cells, quote, visit.zone))
        if steering is not None:
            steering.show(bot)
        await charts.refresh(bot, cells)
        await lists.refresh(cells)

    await refresh()
    visit.live.on(refresh, of_bot(bot_id))


class _Charts:
    """Price with the ladder, equity, inventory, over a time that the visitor chooses."""

    def __init__(self, visit: Visit, bot_id: int, base: str, quote: str) -> None:
        self._visit, self._path = visit, f"/v1/bots/{bot_id}"
        self._now: tuple[dict[str, Any], dict[str, Any]] | None = None
        with frame.card():
            with ui.row().classes("top"):
                frame.heading(f"Price and ladder, {quote}", level=2)
                self._range = frame.choice(list(RANGES), "All", "Time shown", self._chosen)
            self._price = Chart("Price with the grid's levels, resting orders and fills", "tall")
        with ui.element("div").classes("grid2"):
            with frame.card(f"Equity against holding, {quote}"):
                self._equity = Chart("Equity of the bot and of holding the coin", "small")
            with frame.card(f"Inventory, {base}"):
                self._inventory = Chart("Coins the bot holds", "small")

    async def refresh(self, bot: dict[str, Any], cells: dict[str, Any]) -> None:
        """Draw what there is now."""
        self._now = bot, cells
        api, chosen = self._visit.api, str(self._range.value)
        fills, more = await api.first(f"{self._path}/fills", MARKED)
        span = Span.of(bot, fills, chosen)
        points, candles = await asyncio.gather(
            api.get(f"{self._path}/equity", start=None if span.played else span.start.isoformat(), points=600),
            market_candles(api, bot, span),
        )
        if chosen != self._range.value:
            return  # the answer to an older question: what was chosen since is read already
        zone = self._visit.zone
        figure = ladder_figure(bot, cells, fills, points, candles, span, zone)
        told = f"; the newest {MARKED} fills are marked" if more else ""
        self._price.show(figure, chosen, f"{_said(bot, cells, fills)}{told}")
        self._equity.show(equity_figure(points, zone), chosen)
        self._inventory.show(inventory_figure(points, zone), chosen)

    async def _chosen(self) -> None:
        if self._now is not None:
            try:
                await self.refresh(*self._now)
            except ApiError:
                return  # the next refresh says so


def _said(bot: dict[str, Any], cells: dict[str, Any], fills: list[dict[str, Any]]) -> str:
    """The chart in words."""
    resting = sum(cell["order"] is not None for cell in cells["cells"])
    return f"Price {show.exact(bot['last_price'])}, {_grid(bot)}, {resting} resting orders, {len(fills)} fills"


def _grid(bot: dict[str, Any]) -> str:
    if bot["lower"] is None:
        return "no grid yet"
    return f"grid {show.exact(bot['lower'])} to {show.exact(bot['upper'])}"


def _reason(bot: dict[str, Any], blocked: str | None) -> Markup:
    text, hint = WHY.get(bot["reason"], bot["reason"] or ""), NOTES.get(bot["status"], "")
    if bot["status"] == "waiting" and bot["strategy"]:
        hint = UNDECIDED
    kind = "bad" if bot["status"] in ("halted", "refused") else "soft"
    if bot["wish"] == "kill" and bot["status"] not in ("halted", "stopped"):
        text, hint = "Kill switch: its orders are being cancelled.", ""
    said = [
        Markup("{}").format(part) for part in (text and text[:1].upper() + text[1:].rstrip(".") + ".", hint) if part
    ]
    if blocked:
        remedy = (
            "Its account {} is blocked: {}. Nothing is traded until you have looked to it and unblocked it under {}."
        )
        said, kind = [Markup(remedy).format(bot["account"], blocked, show.link("/accounts", "Accounts"))], "bad"
    if bot["status"] == "stopped" and bot["passport_id"]:
        said.append(show.link(f"/passports/{bot['passport_id']}", "Its passport"))
    if not said:
        return Markup("")
    role = Markup(' role="alert"') if kind == "bad" else ""
    return Markup('<p class="note {}"{}>{}</p>').format(kind, role, show.join(said, " "))


def _money(bot: dict[str, Any], quote: str) -> list[tuple[str, Any]]:
    pnl = bot["pnl"] or {}
    digits = show.digits_for(pnl.get("equity"))
    start = show.decimal(pnl.get("equity_start"))
    gained = show.percent(show.decimal(pnl["total"]) / start) if start else show.NONE  # type: ignore[operator]
    return [
        (f"Equity, {quote}", show.plain(pnl.get("equity"), digits)),
        (f"Total, {quote}", show.signed(pnl.get("total"), digits)),
        ("Return", gained),
        (f"Grid profit, {quote}", show.signed(pnl.get("grid_profit"), digits)),
        (f"Inventory, {quote}", show.signed(pnl.get("inventory"), digits)),
        (f"Fees, {quote}", show.plain(pnl.get("fees"), digits)),
        (f"Versus hold, {quote}", show.signed(pnl.get("versus_hold"), digits)),
    ]


def _strategy(cells: dict[str, Any], zone: str) -> list[tuple[str, Any]]:
    """What decides the grids, and when."""
    if cells["strategy"] is None:
        return []
    said = (("Last decision, on the candle to", "decided_at"), ("Next decision, on the candle to", "next_decision_at"))
    return [("Strategy", cells["strategy"]), *((name, show.when(cells[key], zone)) for name, key in said)]


def _details(bot: dict[str, Any], cells: dict[str, Any], quote: str, zone: str) -> list[tuple[str, Any]]:
    missing = bot["missing_orders"]
    orders = Markup("{}{}").format(
        bot["open_orders"], Markup(' <span class="warn">({} missing)</span>').format(missing) if missing else ""
    )
    passport = bot["passport_id"]
    ended = [("Ended", show.when(bot["stopped_at"], zone))] if bot["stopped_at"] else []
    return [
        ("Market", f"{bot['symbol']}, {bot['exchange']}"),
        ("Account", f"{bot['account']}, {bot['mode']}"),
        *_strategy(cells, zone),
        (f"Grid, {quote}", f"{show.plain(bot['lower'])} – {show.plain(bot['upper'])}" if bot["lower"] else "none yet"),
        ("Cells", bot["cells"] or show.NONE),
        (f"Last price, {quote}", show.exact(bot["last_price"])),
        ("Resting orders", orders),
        ("Fills", f"{bot['fills']:,}"),
        ("Round trips", f"{bot['round_trips']:,}"),
        ("Running since", show.when(bot["started_at"], zone)),
        *ended,
        ("Last looked at", show.when(bot["last_tick_at"], zone, seconds=True)),
        ("Passport", show.link(f"/passports/{passport}", passport[:12]) if passport else show.NONE),
    ]
