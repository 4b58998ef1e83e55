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

from .seed import everything

LISTS: dict[str, Callable[[Connection], Any]] = {
    "bots": lambda c: bot_summaries.page(c, 1, 1000, 50),
    "bots of all": lambda c: bot_summaries.page(c, None, None, 50),
    "bot": lambda c: bot_summaries.get(c, c.scalar(sa.text("SELECT min(id) FROM bot")), None),
    "orders": lambda c: bot_history.orders(c, 1, before=1000),
    "fills": lambda c: bot_history.newest_fills(c, 1, before=1000),
    "events": lambda c: bot_history.events(c, 1, before=1000),
    "statuses": lambda c: bot_history.statuses(c, 1, ("bot_status",)),
    "equity": lambda c: bot_history.equity(c, 1),
    "twins": lambda c: bot_history.twins(c, 1),
    "new events": lambda c: overview.events_after(c, 1000),
    "new fills": lambda c: overview.traded_after(c, 1000),
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
        asked: list[tuple[str, Any]] = []

        def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            asked.append((statement, parameters))

        scans = {}
        for name, ask in LISTS.items():
            asked.clear()
            sa.event.listen(store, "before_cursor_execute", note)
            ask(connection)
            sa.event.remove(store, "before_cursor_execute", note)
            assert asked, name
            for statement, parameters in asked:
                plan = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
                found = [row[0].strip() for row in plan if "Seq Scan" in row[0]]
                if found:
                    scans[name] = found
    assert scans == {}
