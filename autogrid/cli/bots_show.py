"""Bots on a terminal."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from sqlalchemy.engine import Connection, Engine

from autogrid.core.bot import Bot, Order
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, KINDS
from autogrid.live.brain import next_decision_ms
from autogrid.live.explain import explain, summary
from autogrid.store import accounts, bot_history, bots, coverage
from autogrid.store.bot_rows import is_decided, unpack_market
from autogrid.store.tick_store import PgTickStore

STYLES = {"running": "green", "waiting": "cyan", "paused": "yellow", "halted": "red", "refused": "red"}


def listing(rows: Iterable[bots.Row]) -> Table:
    """One line per bot."""
    table = Table("id", "name", "account", "market", "status", "wish", "price", "reserved", "last tick", box=None)
    for row in rows:
        market = unpack_market(row.market)
        price = "-" if row.last_price is None else f"{market.price(row.last_price):f}"
        style = STYLES.get(row.status, "white")
        status = f"[{style}]{row.status}[/]" + (f" [dim]{escape(row.reason)}[/]" if row.reason else "")
        name = escape(row.name) + (f" [dim]{escape(row.strategy)}[/]" if row.strategy else "")
        base, quote = row.symbol.split("/")
        held = f"{_short(row.reserved_quote)} {quote}, {_short(row.reserved_base)} {base}"
        cells = (str(row.id), name, escape(row.account_name), row.symbol, status, row.wish, price, held)
        table.add_row(*cells, _ago(row.last_tick_at))
    return table


def details(connection: Connection, row: bots.Row) -> Group:
    """One bot: what it is, its last fills and events."""
    market = unpack_market(row.market)
    grid = ", ".join(f"{name} {value}" for name, value in row.grid.items()) if is_decided(row.grid) else "none yet"
    facts = Table.grid(padding=(0, 2))
    for name, text in (
        ("grid", grid),
        *_strategy(row),
        ("account", f"{row.account_name} ({row.account_exchange})"),
        ("passport", row.passport_id or "-"),
        ("code", row.code_hash[:12]),
        ("most open orders", str(row.window or "all")),
        ("created", f"{row.created_at:%Y-%m-%d %H:%M:%S %Z}"),
    ):
        facts.add_row(f"[dim]{name}[/]", escape(text))
    fills = Table(
        "time (UTC)", "", "side", "price", "amount", "fee", box=None, title="last fills", title_justify="left"
    )
    for _, fill in bot_history.fills(connection, row.id)[-10:]:
        when = datetime.fromtimestamp(fill.ts_ms / 1000, UTC)
        what = f"cell {fill.key.cell}" if fill.key.kind == GRID else KINDS[fill.key.kind]
        side, fee = "buy" if fill.side == BUY else "sell", f"{_short(fill.fee)} {fill.fee_asset}"
        fills.add_row(_time(when), what, side, f"{market.price(fill.price):f}", f"{market.amount(fill.lots):f}", fee)
    events = Table("time (UTC)", "level", "event", "", box=None, title="last events", title_justify="left")
    for event in reversed(bot_history.events(connection, row.id, limit=10)):
        data = ", ".join(f"{name} {value}" for name, value in event.data.items())
        events.add_row(_time(event.ts), event.level, event.name, escape(data))
    return Group(listing([row]), facts, fills, events)


def _strategy(row: bots.Row) -> list[tuple[str, str]]:
    """What decides its grids, and when."""
    if row.strategy is None:
        return []
    params = ", ".join(f"{name} {value}" for name, value in row.params.items())
    return [
        ("strategy", f"{row.strategy} ({params})" if params else row.strategy),
        ("decisions", decisions(row.strategy, row.params, row.decided_ms)),
    ]


def decisions(strategy: str, params: Mapping[str, Any], decided_ms: int) -> str:
    """When a bot's strategy has decided, and will."""
    following = next_decision_ms(strategy, params, decided_ms)
    then = "" if following is None else f"; the next one after that of {coverage.when(following):%Y-%m-%d %H:%M} UTC"
    if not decided_ms:
        return "none yet: it waits until all 1m candles of its lookback are stored, which a worker fetches"
    return f"the last one on the candle that closed {coverage.when(decided_ms):%Y-%m-%d %H:%M} UTC{then}"


def explanation(engine: Engine, bot_id: int) -> Group:
    """Every cell: what should rest, what rests, why they differ."""
    store = PgTickStore(engine)
    bot, orders = store.load(bot_id), store.live_orders(bot_id)
    with engine.connect() as connection:
        account = accounts.get(connection, bot.account_id)
    problem = f"account blocked: {account.blocked_reason}" if account.blocked_reason else None
    return explained(bot, orders, problem)


def explained(bot: Bot, orders: Iterable[Order], problem: str | None) -> Group:
    """As `explanation`, of values."""
    table = Table("", "level", "should rest", "rests", "reason", box=None)
    lines = explain(bot, orders, problem)
    for line in reversed(lines):
        level = ""
        i = None if bot.position is None or line.kind != GRID else bot.position.plan.index(line.cell)
        if bot.position is not None and i is not None:
            levels = bot.position.plan.levels
            level = f"{bot.market.price(levels[i]):f}-{bot.market.price(levels[i + 1]):f}"
        should = "" if line.should is None else _order(bot.market, *line.should[1:])
        order = line.rests
        rests = "" if order is None else _order(bot.market, order.side, order.price, order.lots - order.filled)
        status = "" if order is None or order.status == "open" else f" [dim]({order.status})[/]"
        table.add_row(line.name, level, should, rests + status, escape(line.reason))
    missing = sum(line.missing for line in lines)
    foot = f"{len(lines)} lines, {missing} missing" if lines else "nothing is planned yet"
    head = f"[bold]bot {bot.id}[/] {escape(bot.name)}: {escape(summary(bot))}"
    if bot.strategy is not None:
        head += f"\nstrategy {escape(bot.strategy)}, decisions: {decisions(bot.strategy, bot.params, bot.decided_ms)}"
    return Group(head, table, foot)


def switches(rows: Iterable[Mapping[str, Any]]) -> Table:
    """One line per kill switch; of rows of the store or of an API."""
    table = Table("id", "stops", "since (UTC)", "released (UTC)", "reason", box=None)
    for row in rows:
        which = row["bot_id"] or row["account_id"] or row["owner_id"] or ""
        what = {"mine": "all of user", "everything": "everything"}.get(row["scope"], row["scope"])
        ended = "" if row["released_at"] is None else str(row["released_at"])[:19]
        stops = f"{what} {which}".strip() if row["scope"] != "everything" else what
        table.add_row(str(row["id"]), stops, str(row["engaged_at"])[:19], ended, escape(row["reason"]))
    return table


def _order(market: Market, side: int, price: int, lots: int) -> str:
    return f"{'buy' if side == BUY else 'sell'} {market.amount(lots):f} @ {market.price(price):f}"


def _short(value: Decimal) -> str:
    return f"{value:.8f}".rstrip("0").rstrip(".")


def _time(when: datetime) -> str:
    return f"{when.astimezone(UTC):%m-%d %H:%M:%S}"


def _ago(when: datetime | None) -> str:
    return "-" if when is None else f"{(datetime.now(when.tzinfo) - when).total_seconds():.0f} s ago"
