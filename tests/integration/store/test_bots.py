"""Bots for people and the dispatcher, budgets, history."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from autogrid.core.bot import DONE, Event, FillRow
from autogrid.core.orders import BUY, Key
from autogrid.errors import InvalidInput
from autogrid.store import accounts, bot_history, bots, budget
from autogrid.store.live_tables import bot
from autogrid.store.tick_store import PgTickStore
from tests.integration.store.live_rows import new_account, new_bot, new_user, order


def test_create_get_list(store: sa.Engine) -> None:
    main, other = new_account(store), new_account(store, "other")
    ann, bob = new_user(store, "ann@example.org"), new_user(store, "bob@example.org")
    first, second = new_bot(store, main, owner_id=ann), new_bot(store, other, name="b", owner_id=bob)
    with store.connect() as connection:
        row = bots.get(connection, first, owner_id=ann)
        assert (row.name, row.account_name, row.status, row.wish, row.cash) == ("bot", "main", "waiting", "run", 1000)
        assert [each.id for each in bots.listing(connection)] == [first, second]
        assert [each.id for each in bots.listing(connection, owner_id=bob)] == [second]
        assert [each.id for each in bots.listing(connection, account_id=main)] == [first]
        with pytest.raises(InvalidInput, match=f"bot {first} does not exist"):
            bots.get(connection, first, owner_id=bob)
        with pytest.raises(InvalidInput, match="bot 99999999 does not exist"):
            bots.set_wish(connection, 99999999, "pause")
        with pytest.raises(InvalidInput, match="did you mean 'pause'"):
            bots.set_wish(connection, first, "paus")
    with pytest.raises(InvalidInput, match="needs an account and passport that exist"):
        new_bot(store, 99999999)
    with pytest.raises(InvalidInput, match="needs an account and passport that exist"):
        new_bot(store, main, passport_id="f" * 64)


def test_the_installation_has_one_tag(store: sa.Engine) -> None:
    def draw(_: int) -> str:
        with store.begin() as connection:
            return bots.tag(connection)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(draw, range(8)))) == 1


def test_two_dispatchers_get_each_due_bot_once(store: sa.Engine) -> None:
    main = new_account(store)
    ids = [new_bot(store, main, name=f"b{i}") for i in range(60)]
    meet = threading.Barrier(3)

    def dispatch(_: int) -> list[int]:
        meet.wait()
        found = []
        for _ in range(10):
            found += bots.due(store, 7, 60)
        return found

    with ThreadPoolExecutor(3) as pool:
        shares = list(pool.map(dispatch, range(3)))
    assert sorted(itertools.chain(*shares)) == ids
    assert bots.due(store, 100, 60) == []


def test_a_bot_whose_row_is_locked_is_left_for_the_next_dispatch(store: sa.Engine) -> None:
    one, two = new_bot(store), new_bot(store, name="two")
    with store.begin() as connection:
        connection.execute(sa.select(bot.c.id).where(bot.c.id == one).with_for_update())
        assert bots.due(store, 10, 60) == [two]
    assert bots.due(store, 10, 60) == [one]


def test_waking(store: sa.Engine) -> None:
    main, other = new_account(store), new_account(store, "other")
    one, two, three = new_bot(store, main), new_bot(store, main, name="2"), new_bot(store, other, name="3")
    assert sorted(bots.due(store, 10, 60)) == [one, two, three]
    assert bots.wake(store, [one]) == 1
    assert bots.due(store, 10, 60) == [one]
    assert bots.wake(store) == 3
    with store.begin() as connection:
        accounts.pause(connection, other, datetime.now(UTC) + timedelta(hours=1))
        accounts.pause(connection, main, datetime.now(UTC) + timedelta(hours=1))
    assert bots.due(store, 10, 60) == []
    with store.begin() as connection:
        accounts.block(connection, main, "key revoked")
        over = sa.text("UPDATE account SET paused_until = now() - interval '1 s' WHERE id = :main")
        connection.execute(over, {"main": main})
    assert bots.due(store, 10, 60) == []
    with store.begin() as connection:
        accounts.unblock(connection, main)
    assert sorted(bots.due(store, 10, 60)) == [one, two]


def test_the_kill_switch(store: sa.Engine) -> None:
    main, other = new_account(store), new_account(store, "other")
    one, two, three = new_bot(store, main), new_bot(store, main, name="2"), new_bot(store, other, name="3")
    dead = new_bot(store, other, name="4")
    ticks = PgTickStore(store)
    bots.due(store, 10, 60)
    for which in (dead,):
        mine = ticks.load(which)
        mine.status = "stopped"
        ticks.commit(mine, [])
    with store.begin() as connection:
        assert bots.kill(connection, bot_id=one, reason="a") == [one]
        assert bots.kill(connection, account_id=main, reason="b") == [one, two]
        assert sorted(bots.kill(connection, reason="c")) == [one, two, three]
    assert sorted(bots.due(store, 10, 60)) == [one, two, three]
    assert [ticks.load(each).wish for each in (one, two, three, dead)] == ["kill", "kill", "kill", "run"]
    with store.begin() as connection, pytest.raises(InvalidInput, match="has stopped and given its budget back"):
        bots.set_wish(connection, dead, "run")
    with store.connect() as connection:
        assert [(e.level, e.data["reason"]) for e in bot_history.events(connection, one)] == [
            ("warning", "c"),
            ("warning", "b"),
            ("warning", "a"),
        ]


def test_two_bots_cannot_reserve_the_same_coins(store: sa.Engine) -> None:
    main = new_account(store)
    ids = [new_bot(store, main, name=f"b{i}") for i in range(8)]
    meet = threading.Barrier(8)

    def start(bot_id: int) -> bool:
        meet.wait()
        try:
            with store.begin() as connection:
                budget.reserve(connection, bot_id, {"USDT": Decimal("300")}, {"USDT": Decimal("1000")})
        except InvalidInput:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(start, ids)) == 3
    with store.connect() as connection:
        assert budget.reserved(connection, main) == {"USDT": 900}


def test_a_refused_reservation_says_what_is_free(store: sa.Engine) -> None:
    main = new_account(store)
    one, two = new_bot(store, main), new_bot(store, main, name="two", symbol="USDT/EUR")
    has = {"USDT": Decimal("1000"), "EUR": Decimal("5")}
    with store.begin() as connection:
        budget.reserve(connection, one, {"USDT": Decimal("800")}, has)
        budget.reserve(connection, one, {"USDT": Decimal("900")}, has)  # again: replaces
        with pytest.raises(InvalidInput, match=r"must have 200 USDT that no other bot uses, was 100 \(1000 less 900"):
            budget.reserve(connection, two, {"USDT": Decimal("200"), "EUR": Decimal("1")}, has)
        with pytest.raises(InvalidInput, match="it can reserve USDT and EUR, was BNB"):
            budget.reserve(connection, two, {"BNB": Decimal("1")}, has)
        budget.release(connection, one)
        budget.reserve(connection, two, {"USDT": Decimal("200"), "EUR": Decimal("1")}, has)
        assert budget.reserved(connection, main) == {"USDT": 200, "EUR": 1}
        with pytest.raises(InvalidInput, match="bot 99999999 does not exist"):
            budget.reserve(connection, 99999999, {}, has)
    ticks = PgTickStore(store)
    mine = ticks.load(two)
    mine.status = "stopped"
    ticks.commit(mine, [])
    with store.connect() as connection:
        assert budget.reserved(connection, main) == {}


def test_history_in_pages(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    ticks = PgTickStore(store)
    mine = ticks.load(bot_id)
    made = [order(bot_id, cell) for cell in range(5)]
    # Two fills of one millisecond keep the order in which they were booked.
    rows = [
        FillRow(f"t{9 - i}", "x", made[0].client_id, 1_000 + i // 2, Key(1, 0, 0), BUY, 9_000, 1, Decimal(0), "USDT")
        for i in range(5)
    ]
    ticks.commit(mine, made, rows, [Event("info", f"e{i}", {"i": i}) for i in range(5)])
    made[0].status = DONE
    ticks.commit(mine, made[:1])
    with store.connect() as connection:
        page = bot_history.fills(connection, bot_id, limit=3)
        rest = bot_history.fills(connection, bot_id, after=(page[-1][1].ts_ms, page[-1][0]))
        assert [fill for _, fill in page + rest] == rows
        assert [fill for _, fill in bot_history.fills(connection, bot_id, start=1_001, end=1_002)] == rows[2:4]
        newest = bot_history.events(connection, bot_id, limit=2)
        older = bot_history.events(connection, bot_id, before=newest[-1].id)
        assert [event.name for event in newest + older] == ["e4", "e3", "e2", "e1", "e0"]
        listed = bot_history.orders(connection, bot_id, limit=4)
        last = bot_history.orders(connection, bot_id, before=listed[-1].order.id)
        assert [each.order for each in listed + last] == made[::-1]
        assert last[0].updated_at > last[0].created_at


def test_equity_thins_and_twins_are_replaced(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with store.begin() as connection:
        insert = "INSERT INTO bot_equity VALUES (:bot, :ts, 1, 2, 3, 4)"
        for minute in range(150):
            connection.execute(sa.text(insert), {"bot": bot_id, "ts": start + timedelta(minutes=minute)})
        for bps in ("1.5", "2.5"):
            twin = bot_history.TwinRow(date(2026, 1, 1), {"fees": "0.1"}, Decimal(bps))
            bot_history.save_twin(connection, bot_id, twin)
        bot_history.save_twin(connection, bot_id, bot_history.TwinRow(date(2026, 1, 2), {}, Decimal(0)))
    assert bot_history.thin_equity(store, bot_id, start + timedelta(hours=2)) == 118
    with store.connect() as connection:
        kept = bot_history.equity(connection, bot_id)
        assert (len(kept), kept[1].ts, kept[1].base) == (32, start + timedelta(hours=1), 3)
        assert len(bot_history.equity(connection, bot_id, start, start + timedelta(hours=2))) == 2
        assert [row.divergence_bps for row in bot_history.twins(connection, bot_id)] == [Decimal("2.5"), 0]
        assert bot_history.twins(connection, bot_id, days=1)[0].day == date(2026, 1, 2)


def test_paper_state_and_reconciliation(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    assert bots.paper_state(store, bot_id) is None
    bots.keep_paper_state(store, bot_id, {"orders": [1]})
    assert bots.paper_state(store, bot_id) == {"orders": [1]}
    bots.reconciled(store, bot_id)
    with store.connect() as connection:
        assert connection.scalar(sa.select(bot.c.reconciled_at)) is not None
        assert bots.get(connection, bot_id).version == 0
