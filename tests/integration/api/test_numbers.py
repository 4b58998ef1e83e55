"""What lists of bots and their equity say is what the books say, however it is made quick."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from autogrid.core.pnl import Totals, pnl
from autogrid.store import accounts, bot_history
from autogrid.store.tick_store import PgTickStore
from tests.histories import fill

from .conftest import Make


def _books(store: sa.Engine, bot_id: int) -> dict[str, str]:
    bot = PgTickStore(store).load(bot_id)
    assert bot.position is not None
    assert bot.last_price is not None
    books, plan = bot.position.books, bot.position.plan
    totals = Totals(books.cash, books.base_micro, books.fees, books.realised, plan.cash, plan.start_fill)
    return {name: f"{value}" for name, value in vars(pnl(bot.market, totals, bot.last_price)).items()}


def test_profits_follow_the_price_and_the_books(person: Make, store: sa.Engine) -> None:
    user = person()
    with store.begin() as connection:
        account = accounts.add(connection, name="a", exchange="paper", owner_id=user.id)
        fill(connection, account, user.id, 6, 9, 3)

    def said() -> dict[int, Any]:
        return {bot["id"]: bot["pnl"] for bot in user.get("/v1/bots").json()["items"]}

    first = said()
    assert len(first) == 6
    assert said() == first == {bot: _books(store, bot) for bot in first}
    with store.begin() as connection:
        connection.execute(sa.text("UPDATE bot SET last_price = last_price + id"))
    second = said()
    assert second == {bot: _books(store, bot) for bot in second}
    assert all(second[bot] != first[bot] for bot in first)


def test_equity_is_that_of_the_store_beside_what_holding_was_worth(person: Make, store: sa.Engine) -> None:
    user = person()
    with store.begin() as connection:
        account = accounts.add(connection, name="a", exchange="paper", owner_id=user.id)
        fill(connection, account, user.id, 1, 3, 7)
        bot = connection.scalar(sa.text("SELECT id FROM bot"))
        rows = bot_history.equity(connection, bot)
        cash, price = bot_history.subject(connection, bot, user.id).start or (Decimal(0), Decimal(1))
    found = user.get(f"/v1/bots/{bot}/equity").json()
    assert len(found) == len(rows) == 7
    coins = cash / price / Decimal("1.001")
    for point, row in zip(found, rows, strict=True):
        assert {name: Decimal(point[name]) for name in ("equity", "cash", "base", "price")} == {
            "equity": row.equity, "cash": row.cash, "base": row.base, "price": row.price,
        }  # fmt: skip
        assert abs(Decimal(point["hold"]) - coins * row.price) < Decimal("1e-11")
        assert point["ts"] == row.ts.isoformat().replace("+00:00", "Z")
