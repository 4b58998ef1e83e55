"""All bots at a glance: state, profit and loss, alerts, the kill switch."""

from decimal import Decimal
from typing import Any

from markupsafe import Markup
from nicegui import ui

from services.web.client import Items
from services.web.parts import asking, frame, listing, show
from services.web.parts.frame import Visit
from services.web.parts.kill import ask
from services.web.parts.live import of
from services.web.parts.tables import Facts, Held, Table, put

COLUMNS = (
    "Bot", "State", "#Equity", "#Total", "#Grid profit", "#Inventory", "#Fees", "#Versus hold", "#Turns", "#Orders",
)  # fmt: skip
NO_BOTS = "No bots yet. Write down a grid under Studies, backtest it, and promote it to a paper account first."
NO_MATCH = "No bot has all of these words in its name, market, account or state."
#: Up to so many bots there is nothing to search in.
FEW = 8


@frame.page("/", "Overview")
async def overview(visit: Visit) -> None:
    """Bots, what they made, what to look at."""
    with ui.row().classes("top"):
        frame.heading("Overview")
        with ui.row().classes("actions"):
            if visit.trades:
                asking.opener("New bot", lambda: ui.navigate.to("/studies/new"), kind="primary")
                asking.button("Kill switch", lambda key: ask(visit.api, visit.live, admin=visit.admin), kind="danger")
    await _bots(visit)
    await _alerts(visit)


async def _bots(visit: Visit) -> None:
    with frame.card():
        totals = Facts()
    with frame.card():
        with ui.row().classes("top"):
            frame.heading("Bots", level=2)
            find = ui.input("Find").props("outlined dense clearable type=search debounce=300").classes("find")
        attention = Held(sanitize=False).classes("wide")

        table = Table("Bots", COLUMNS, "", stacked=True)

        async def reads(wanted: int) -> tuple[Items, bool]:
            bots = await visit.api.every("/v1/bots")
            table.empty = NO_MATCH if bots else NO_BOTS
            totals.show(_totals(bots))
            put(attention, _attention(bots))
            find.set_visibility(len(bots) > FEW)
            found = [bot for bot in bots if _matches(bot, str(find.value or ""))]
            return found[:wanted], len(found) > wanted

        shown = listing.Listing(reads, lambda bots: table.rows(map(_row, bots)), "bots")
    find.on_value_change(shown.restart)
    await shown.refresh()
    visit.live.on(shown.refresh, of("bot", "bot_event"))


def _matches(bot: dict[str, Any], text: str) -> bool:
    said = " ".join(str(bot[key]) for key in ("name", "symbol", "account", "exchange", "mode", "status"))
    return all(word in said.lower() for word in text.lower().split())


def _totals(bots: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """Sums by quote coin: coins cannot be added up."""
    facts: list[tuple[str, Any]] = [
        ("Running", sum(bot["status"] == "running" for bot in bots)),
        ("Not running", sum(bot["status"] not in ("running", "stopped") for bot in bots)),
    ]
    for coin in sorted({show.coins(bot["symbol"])[1] for bot in bots if bot["pnl"]}):
        found = [bot["pnl"] for bot in bots if bot["pnl"] and show.coins(bot["symbol"])[1] == coin]
        sums = {key: sum(Decimal(pnl[key]) for pnl in found) for key in found[0]}
        digits = show.digits_for(sums["equity"])
        for name, key in (("Total", "total"), ("Grid profit", "grid_profit"), ("Inventory", "inventory")):
            facts.append((f"{name}, {coin}", show.signed(sums[key], digits)))
        facts.append((f"Fees, {coin}", show.plain(sums["fees"], digits)))
        facts.append((f"Versus hold, {coin}", show.signed(sums["versus_hold"], digits)))
    return facts


def _attention(bots: list[dict[str, Any]]) -> Markup:
    said = []
    for bot in bots:
        if bot["status"] in ("halted", "refused"):
            said.append(Markup("{} is {}: {}").format(_link(bot), bot["status"], bot["reason"] or "see its events"))
        elif bot["status"] == "running" and bot["missing_orders"]:
            count = bot["missing_orders"]
            text = "{}: {} should rest and {} not; its cells say why"
            words = ("1 order", "does") if count == 1 else (f"{count} orders", "do")
            said.append(Markup(text).format(_link(bot), *words))
    if not said:
        return Markup("")
    return Markup('<div class="note warn">{}</div>').format(show.join(said[:8], "<br>"))


def _link(bot: dict[str, Any]) -> Markup:
    return show.link(f"/bots/{bot['id']}", bot["name"])


def _row(bot: dict[str, Any]) -> list[Any]:
    pnl = bot["pnl"] or {}
    digits = show.digits_for(pnl.get("equity"))
    where = Markup('{}<div class="soft">{} · {} · {}</div>')
    return [
        where.format(_link(bot), bot["symbol"], bot["account"], bot["mode"]),
        show.state(bot["status"]),
        show.plain(pnl.get("equity"), digits),
        show.signed(pnl.get("total"), digits),
        show.signed(pnl.get("grid_profit"), digits),
        show.signed(pnl.get("inventory"), digits),
        show.plain(pnl.get("fees"), digits),
        show.signed(pnl.get("versus_hold"), digits),
        bot["round_trips"],
        _orders(bot),
    ]


def _orders(bot: dict[str, Any]) -> Markup:
    if not bot["missing_orders"]:
        return Markup("{}").format(bot["open_orders"])
    return Markup('{} <span class="warn">({} missing)</span>').format(bot["open_orders"], bot["missing_orders"])


async def _alerts(visit: Visit) -> None:
    with frame.card("Alerts"):
        text = "Nothing to tell. Add a target under Alerts to be told by mail or messenger, too."
        columns = ("When", "What", "Told")
        shown = listing.in_table(listing.of(visit.api, "/v1/alerts"), "Alerts", columns, text,
                                 lambda alert: _alert(alert, visit.zone), stacked=True, size=8)  # fmt: skip
    await shown.refresh()
    visit.live.on(shown.refresh, of("bot_event"))


def _alert(alert: dict[str, Any], zone: str) -> tuple[Any, ...]:
    what = Markup('<span class="strong">{}</span> {}').format(alert["title"], alert["body"])
    return show.when(alert["at"], zone), what, show.state(alert["outcome"])
