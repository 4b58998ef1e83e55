"""No list needs a table from end to end: with sequential scans priced out, no plan has one."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from autogrid.store import (
    accounts,
    api_keys,
    audit,
    bot_history,
    bot_summaries,
    jobs,
    overview,
    passports,
    reports,
    schedules,
    studies,
    targets,
    users,
)
from tests import histories

from .seed import everything


def _a_bot(connection: Connection) -> int:
    return connection.scalar(sa.text("SELECT min(id) FROM bot"))


LISTS: dict[str, Callable[[Connection], Any]] = {
    "bots": lambda c: bot_summaries.page(c, 1, 1000, 50),
    "bots of all": lambda c: bot_summaries.page(c, None, None, 50),
    "bot": lambda c: bot_summaries.get(c, _a_bot(c), None),
    "orders": lambda c: bot_history.orders(c, 1, before=1000),
    "fills": lambda c: bot_history.newest_fills(c, 1, before=1000),
    "events": lambda c: bot_history.events(c, 1, before=1000),
    "statuses": lambda c: bot_history.statuses(c, 1, ("bot_status",)),
    "named events": lambda c: bot_history.named_events(c, 1, ("grid_changed",)),
    "equity": lambda c: bot_history.equity(c, 1),
    "points of equity": lambda c: bot_history.equity_points(c, _a_bot(c), None, None, 10),
    "subject": lambda c: bot_history.subject(c, _a_bot(c), None),
    "twins": lambda c: bot_history.twins(c, 1),
    "new events": lambda c: overview.events_after(c, overview.newest(c)[0] - 10),
    "new fills": lambda c: overview.traded_after(c, overview.newest(c)[1] - 10),
    "accounts": lambda c: accounts.page(c, 1, 1000),
    "keys": lambda c: api_keys.listing(c, 1, 1000),
    "audit": lambda c: audit.listing(c, 1, 1000),
    "jobs": lambda c: jobs.listing(c, 1, 1000),
    "passports": lambda c: passports.listing(c, 1),
    "reports": lambda c: reports.listing(c, 1, 1000),
    "schedules": lambda c: schedules.listing(c, 1, 1000),
    "studies": lambda c: studies.listing(c, 1, 1000),
    "targets": lambda c: targets.listing(c, 1, 1000),
    "alerts": lambda c: targets.told(c, 1, 1000),
    "users": lambda c: users.by_email(c, "ada@example.org"),
}


def test_no_list_scans_a_table(store: sa.Engine) -> None:
    with store.begin() as connection:
        owner = users.add(connection, "ada@example.org", "no password", "trader")["id"]
        everything(connection, owner)
        connection.execute(sa.text("SET LOCAL enable_seqscan TO off"))
        assert scans(store, connection) == {}


def test_among_many_rows_the_planner_chooses_the_indexes_itself(store: sa.Engine) -> None:
    """What grows with trading is never read from end to end: 200 bots, 10,000 rows of each kind, statistics fresh."""
    with store.begin() as connection:
        owner = users.add(connection, "ada@example.org", "no password", "trader")["id"]
        account = accounts.add(connection, name="a", exchange="paper", owner_id=owner)
        histories.fill(connection, account, owner, count=200, fills=50, minutes=50)
        connection.execute(sa.text("ANALYZE bot, bot_order, bot_fill, bot_event, bot_equity"))
        found = scans(store, connection)
    large = {name: plans for name, plans in found.items() if any(" on bot_" in plan for plan in plans)}
    assert large == {}


def scans(store: sa.Engine, connection: Connection) -> dict[str, list[str]]:
    """List -> the sequential scans in the plans of its statements."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    found = {}
    for name, ask in LISTS.items():
        asked.clear()
        sa.event.listen(store, "before_cursor_execute", note)
        ask(connection)
        sa.event.remove(store, "before_cursor_execute", note)
        assert asked, name
        for statement, parameters in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
            each = [row[0].strip() for row in plan if "Seq Scan" in row[0]]
            if each:
                found[name] = each
    return found
