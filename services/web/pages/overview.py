"""All bots at a glance: state, profit and loss, alerts, the kill switch."""

from decimal import Decimal
from typing import Any

from markupsafe import Markup
from nicegui import ui

from services.web.parts import asking, frame, show
from services.web.parts.frame import Visit
from services.web.parts.live import of
from services.web.parts.tables import Facts, Table, put

COLUMNS = (
    "Bot", "State", "#Equity", "#Total", "#Grid profit", "#Inventory", "#Fees", "#Versus hold", "#Turns", "#Orders",
)  # fmt: skip
ALIVE = ("waiting", "running", "paused", "stopping", "refused")


@frame.page("/", "Overview")
async def overview(visit: Visit) -> None:
    """Bots, what they made, what to look at."""
    with ui.row().classes("top"):
        frame.heading("Overview")
        with ui.row().classes("actions"):
            if visit.trades:
                asking.opener("New bot", lambda: ui.navigate.to("/studies/new"), kind="primary")
                asking.opener("Kill switch", lambda: _kill(visit), kind="danger")
    await _bots(visit)
    await _alerts(visit)


async def _bots(visit: Visit) -> None:
    with frame.card():
        totals = Facts()
    with frame.card("Bots"):
        attention = ui.html(sanitize=False).classes("wide")
        empty = "No bots yet. Write down a grid under Studies, backtest it, and promote it to a paper account first."
        table = Table("Bots", COLUMNS, empty, stacked=True)

    async def refresh() -> None:
        bots = await visit.api.items("/v1/bots", limit=200)
        totals.show(_totals(bots))
        put(attention, _attention(bots))
        table.rows(_row(bot) for bot in bots)

    await refresh()
    visit.live.on(refresh, of("bot", "bot_event"))


def _totals(bots: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """Sums by quote coin: coins cannot be added up."""
    facts: list[tuple[str, Any]] = [
        ("Running", sum(bot["status"] == "running" for bot in bots)),
        ("Not running", sum(bot["status"] in ALIVE[:1] + ALIVE[2:] for bot in bots)),
    ]
    for coin in sorted({_quote(bot) for bot in bots if bot["pnl"]}):
        found = [bot["pnl"] for bot in bots if bot["pnl"] and _quote(bot) == coin]
        sums = {key: sum(Decimal(pnl[key]) for pnl in found) for key in found[0]}
        digits = show.digits_for(sums["equity"])
        for name, key in (("Total", "total"), ("Grid profit", "grid_profit"), ("Inventory", "inventory")):
            facts.append((f"{name}, {coin}", show.signed(sums[key], digits)))
        facts.append((f"Fees, {coin}", show.plain(sums["fees"], digits)))
        facts.append((f"Versus hold, {coin}", show.signed(sums["versus_hold"], digits)))
    return facts


def _quote(bot: dict[str, Any]) -> str:
    return str(bot["symbol"]).split(":")[0].rpartition("/")[2]


def _attention(bots: list[dict[str, Any]]) -> Markup:
    said = []
    for bot in bots:
        if bot["status"] in ("halted", "refused"):
            said.append(Markup("{} is {}: {}").format(_link(bot), bot["status"], bot["reason"] or "see its events"))
        elif bot["status"] == "running" and bot["missing_orders"]:
            text = "{}: {} orders should rest and do not; its cells say why"
            said.append(Markup(text).format(_link(bot), bot["missing_orders"]))
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
        table = Table("Alerts", ("When", "What", "Told"), text)

    async def refresh() -> None:
        table.rows(
            (
                show.when(alert["at"], visit.zone),
                Markup('<span class="strong">{}</span> {}').format(alert["title"], alert["body"]),
                show.state(alert["outcome"]),
            )
            for alert in await visit.api.items("/v1/alerts", limit=8)
        )

    await refresh()
    visit.live.on(refresh, of("bot_event"))


def _kill(visit: Visit) -> None:
    async def kill(scope: str) -> None:
        answer = await visit.api.post("/v1/kill-switch", {"scope": scope, "reason": "kill switch on the page"})
        visit.live.poke()
        count = len(answer["bots"])
        asking.told(f"{count} bot{'' if count == 1 else 's'} told to cancel everything and halt.")

    choices = {"mine": "All of my bots"} | ({"everything": "All bots of all users"} if visit.admin else {})
    asking.confirm(
        "Kill switch", "Cancels every resting order at once and halts the bots for good. Coins are kept, not sold.",
        kill, does="Kill", choices=choices, typed="KILL", danger=True,
    )  # fmt: skip
