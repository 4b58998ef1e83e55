"""What a remote API says of bots and accounts, on a terminal."""

import re
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from autogrid.cli.remote import Remote
from autogrid.errors import NotFound

_STYLES = {"running": "green", "waiting": "cyan", "paused": "yellow", "halted": "red", "refused": "red"}


def bots(rows: list[dict[str, Any]]) -> Table:
    """One line per bot."""
    table = Table("id", "name", "account", "market", "status", "wish", "price", "orders", "missing", "total", box=None)
    for row in rows:
        style = _STYLES.get(row["status"], "white")
        status = f"[{style}]{row['status']}[/]" + (f" [dim]{escape(row['reason'])}[/]" if row["reason"] else "")
        name = escape(row["name"]) + (f" [dim]{escape(row['strategy'])}[/]" if row["strategy"] else "")
        total = "-" if row["pnl"] is None else row["pnl"]["total"]
        cells = (str(row["id"]), name, escape(row["account"]), row["symbol"], status, row["wish"])
        table.add_row(*cells, row["last_price"] or "-", str(row["open_orders"]), str(row["missing_orders"]), total)
    return table


def bot(remote: Remote, bot_id: int) -> Group:
    """One bot, its PnL split, last fills and events."""
    row = remote.call("GET", f"/v1/bots/{bot_id}")
    split = Table(*(row["pnl"] or {"the grid has not started": ""}), box=None)
    split.add_row(*(row["pnl"] or {"": ""}).values())
    fills = Table("time (UTC)", "kind", "side", "price", "amount", "fee", box=None, title="last fills")
    for each in remote.call("GET", f"/v1/bots/{bot_id}/fills", limit=10)["items"]:
        fee = f"{each['fee']} {each['fee_asset']}"
        fills.add_row(each["ts"], each["kind"], each["side"], each["price"], each["amount"], fee)
    events = Table("time (UTC)", "level", "event", "", box=None, title="last events")
    for each in remote.call("GET", f"/v1/bots/{bot_id}/events", limit=10)["items"]:
        data = ", ".join(f"{name} {value}" for name, value in each["data"].items())
        events.add_row(each["ts"], each["level"], each["name"], escape(data))
    return Group(bots([row]), split, fills, events)


def explanation(remote: Remote, bot_id: int) -> Group:
    """Every cell: what should rest, what rests, why they differ; and when its strategy decides, if it has one."""
    table = Table("cell", "side", "price", "amount", "should rest", "rests", "reason", box=None)
    found = remote.call("GET", f"/v1/bots/{bot_id}/cells")
    for each in reversed(found["cells"]):
        rests = "-" if each["order"] is None else each["order"]["status"]
        wanted = "yes" if each["wanted"] else "no"
        row = (str(each["cell"]), each["side"], each["price"], each["amount"], wanted, rests)
        table.add_row(*row, escape(each["reason"] or ""))
    if found["strategy"] is None:
        return Group(table)
    times = (("last decided on the candle to", found["decided_at"]), ("next one to", found["next_decision_at"]))
    said = ", ".join(f"{name} {time}" for name, time in times if time) or "no decision yet: it waits for its candles"
    return Group(f"strategy {escape(found['strategy'])}: {said}", table)


def accounts(rows: list[dict[str, Any]]) -> Table:
    """One line per account."""
    table = Table("id", "name", "exchange", "key", "state", box=None)
    for row in rows:
        state = f"blocked: {row['blocked_reason']}" if row["blocked_reason"] else "open"
        key = f"...{row['key_hint']}" if row["key_hint"] else "-"
        table.add_row(str(row["id"]), escape(row["name"]), row["exchange"], key, escape(state))
    return table


def account_id(remote: Remote, name: str) -> int:
    """The id of an account by name, or by id."""
    rows = remote.pages("/v1/accounts")
    found = [
        row["id"] for row in rows if row["name"] == name or (re.fullmatch(r"\d+", name) and row["id"] == int(name))
    ]
    if not found:
        raise NotFound(f"account {name!r} does not exist there; autogrid --api URL accounts list shows those that do")
    return int(found[0])
