"""The tick's store on PostgreSQL: locks, versions, and what the database itself refuses."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from autogrid.core.bot import CANCELLING, DONE, OPEN, SENT, Event, FillRow, Limits, Note
from autogrid.core.ledger import Fee
from autogrid.core.orders import BUY, SELL, START, Key
from autogrid.core.plan import plan
from autogrid.core.position import Position, Trade
from autogrid.errors import Halted, InvalidInput, Unavailable
from autogrid.store import bots
from autogrid.store.engine import connect, libpq_url
from autogrid.store.live_tables import bot, bot_event, bot_fill, bot_order
from autogrid.store.tick_store import PgTickStore
from tests.integration.store.live_rows import GRID_110, MARKET, new_account, new_bot, order


def start_position() -> Position:
    position = Position(plan(GRID_110, MARKET, 10_100, slippage_ticks=2))
    position.apply(Trade(Key(START, -1, 0), BUY, 10_102, position.plan.start_lots - 1))
    position.apply(Trade(Key(START, -1, 0), BUY, 10_103, 1, Fee("quote", Fraction(1, 3))))
    position.apply(Trade(Key(1, 2, 0), SELL, 10_500, 400, Fee("BNB", Fraction(7, 10**9))))
    return position


def fill(trade_id: str, of: str = "x1", client: str = "c") -> FillRow:
    return FillRow(trade_id, of, client, 1_700_000_000_123, Key(1, 0, 0), BUY, 9_000, 10, Decimal("0.00012"), "BNB")


def test_a_new_bot_comes_back_as_it_was_created(store: sa.Engine) -> None:
    limits = Limits(max_notional=Decimal("12.50"), max_open_orders=3, max_price_deviation=None)
    bot_id = new_bot(store, limits=limits, window=5, name="Ä bot")
    ticks = PgTickStore(store)
    with ticks.lock(bot_id) as mine:
        assert mine
        found = ticks.load(bot_id)
        assert ticks.live_orders(bot_id) == []
    assert (found.id, found.name, found.symbol, found.market, found.grid) == (
        bot_id,
        "Ä bot",
        "BTC/USDT",
        MARKET,
        GRID_110,
    )
    assert (found.cash, found.slippage_ticks, found.limits, found.window) == (Decimal("1000"), 2, limits, 5)
    assert (found.wish, found.status, found.version, found.position) == ("run", "waiting", 0, None)
    assert len(found.tag) == 2
    assert found == ticks.load(bot_id)  # without the lock, too
    with pytest.raises(InvalidInput, match="bot 99999999 does not exist"):
        ticks.load(99999999)


def test_everything_a_tick_commits_comes_back(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    ticks = PgTickStore(store)
    with ticks.lock(bot_id):
        mine = ticks.load(bot_id)
        mine.position, mine.status, mine.reason = start_position(), "running", "nul \0 and half \ud800"
        mine.first_price, mine.last_price, mine.cursor, mine.generation = 10_099, 10_100, "42", 3
        mine.notes[(1, 2)] = Note("no funds", 1_700_000_000_000, 4)
        mine.attempts[(1, 2)] = (7, 2)
        mine.sent_ms, mine.day, mine.day_equity = [1, 2, 3], 19_000, -123_456_789
        first, second = order(bot_id, 0), order(bot_id, 1)
        first.status, first.exchange_id, first.sent_at_ms, first.filled = OPEN, "x1", 1_700_000_000_123, 10
        ticks.commit(
            mine, [first, second], [fill("t1", client=first.client_id)], [Event("info", "started", {"at": "101\0"})]
        )
        assert mine.version == 1
        assert None not in (first.id, second.id)
        assert ticks.live_orders(bot_id) == [first, second]
        # A second commit after changes deep inside the position: nothing is shared with what is remembered.
        mine.position.apply(Trade(Key(1, 2, 0), SELL, 10_500, 600))
        ticks.commit(mine, [])
    mine.reason = "nul  and half ?"
    assert ticks.load(bot_id) == mine
    assert mine.position.cycle[2] == 1
    assert ticks.order_with(bot_id, "x1") == first
    assert ticks.order_with(bot_id, "x2") is None
    assert ticks.known_trades(bot_id, [("x1", "t1"), ("x1", "t2"), ("x2", "t1")]) == {("x1", "t1")}
    assert ticks.known_trades(bot_id, []) == set()
    with store.connect() as connection:
        row = connection.execute(sa.select(bot_fill)).one()
        assert (row.order_id, row.fee, row.ts) == (
            first.id,
            Decimal("0.00012"),
            datetime(2023, 11, 14, 22, 13, 20, 123000, UTC),
        )
        assert connection.execute(sa.select(bot_event.c.level, bot_event.c.data)).one() == ("info", {"at": "101"})
        kept = connection.execute(sa.select(bot.c.reserved_quote, bot.c.reserved_base, bot.c.started_at)).one()
        books = mine.position.books
        assert kept.reserved_base == Decimal(int(books.base_micro)) / 10**6 * Decimal("0.001")
        assert abs(kept.reserved_quote - MARKET.money(int(books.cash))) < MARKET.atom
        assert kept.started_at is not None


def test_an_order_lives_through_its_states(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    ticks = PgTickStore(store)
    with ticks.lock(bot_id):
        mine = ticks.load(bot_id)
        one = order(bot_id)
        ticks.commit(mine, [one])
        for status, exchange_id, sent in ((SENT, None, 5), (OPEN, "x", 5), (CANCELLING, "x", 5)):
            one.status, one.exchange_id, one.sent_at_ms = status, exchange_id, sent
            ticks.update(one)
            assert PgTickStore(store).live_orders(bot_id) == [one]  # committed: others see it
        one.status, one.reason = DONE, "canceled"
        again = order(bot_id, attempt=1)
        ticks.commit(mine, [again, one])  # the done one makes room first, whatever the order
        assert ticks.live_orders(bot_id) == [again]
    never_stored = order(bot_id, 3)
    with pytest.raises(Halted, match="expected a stored order"):
        ticks.update(never_stored)


def test_the_database_refuses_a_second_live_order_for_a_cell(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    ticks = PgTickStore(store)
    with ticks.lock(bot_id):
        mine = ticks.load(bot_id)
        ticks.commit(mine, [order(bot_id)])
        mine.cursor = "moved"
        twin = order(bot_id, attempt=1)
        with pytest.raises(Halted, match="a second live order for one cell"):
            ticks.commit(mine, [twin], [fill("t")])
        assert (mine.version, twin.id) == (1, None)
        assert ticks.load(bot_id).cursor == ""
        assert ticks.known_trades(bot_id, [("x1", "t")]) == set()
        # An order that the exchange accepted twice is adopted under a name of its own.
        mine = ticks.load(bot_id)
        twice = order(bot_id)
        twice.client_id += "#77"
        ticks.commit(mine, [twice])
        assert len(ticks.live_orders(bot_id)) == 2
        with pytest.raises(Halted, match="a second order with one client id"):
            ticks.commit(mine, [twice.__class__(twice.key, 0, BUY, 1, 1, twice.client_id)])


def test_a_trade_is_booked_once(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    ticks = PgTickStore(store)
    mine = ticks.load(bot_id)
    ticks.commit(mine, [], [fill("t1"), fill("t2")])
    with pytest.raises(Halted, match="a trade that is booked already"):
        ticks.commit(mine, [], [fill("t3"), fill("t1")])
    assert ticks.known_trades(bot_id, [("x1", f"t{i}") for i in range(5)]) == {("x1", "t1"), ("x1", "t2")}


def test_a_commit_on_an_old_version_writes_nothing(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    ticks = PgTickStore(store)
    old, new = ticks.load(bot_id), ticks.load(bot_id)
    new.cursor = "1"
    ticks.commit(new, [])
    old.cursor = "2"
    with pytest.raises(Halted, match="expected version 0 in the database, found another"):
        ticks.commit(old, [order(bot_id)])
    assert (ticks.load(bot_id).cursor, ticks.live_orders(bot_id)) == ("1", [])
    with ticks.lock(bot_id):
        quiet = ticks.load(bot_id)
        quiet.version = 0
        with pytest.raises(Halted):
            ticks.commit(quiet, [])


def test_an_idle_tick_changes_nothing_but_its_time_and_asks_little(store: sa.Engine, tmp_path: Path) -> None:
    bot_id = new_bot(store)
    ticks = PgTickStore(store)
    for _ in range(2):  # the second time connections are warm
        with ticks.lock(bot_id):
            mine = ticks.load(bot_id)
            mine.position, mine.last_price, mine.status = start_position(), 10_100, "running"
            ticks.commit(mine, [])
    with store.connect() as connection:
        before = connection.execute(sa.select(bot)).one()._asdict()
    with (tmp_path / "trace").open("wb") as trace:
        traced = trace_checkouts(store, trace.fileno())
        with ticks.lock(bot_id):
            mine = ticks.load(bot_id)
            assert ticks.live_orders(bot_id) == []
            mine.last_price += 7
        traced()
    lines = (tmp_path / "trace").read_text().splitlines()
    sent = [line.split("\t")[3] for line in lines if "\tF\t" in line]
    # Lock, bot and orders; touch and unlock. (The pool's check of its connection came before.)
    assert (sent.count("Execute"), sent.count("Sync") + sent.count("Query")) == (5, 2)
    with store.connect() as connection:
        after = connection.execute(sa.select(bot)).one()._asdict()
    assert before.pop("last_tick_at") < after.pop("last_tick_at")
    assert (before.pop("last_price"), after.pop("last_price")) == (10_100, 10_107)
    assert before == after


def trace_checkouts(engine: sa.Engine, fd: int) -> Callable[[], None]:
    """Let libpq write its messages to `fd` from the next check-out on, until the returned function is called."""
    traced = []

    def start(driver: psycopg.Connection[object], *_: object) -> None:
        driver.pgconn.trace(fd)
        traced.append(driver)

    sa.event.listen(engine, "checkout", start)

    def stop() -> None:
        sa.event.remove(engine, "checkout", start)
        for driver in traced:
            driver.pgconn.untrace()

    return stop


def test_a_wish_made_during_a_tick_is_kept(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    ticks = PgTickStore(store)
    with ticks.lock(bot_id):
        mine = ticks.load(bot_id)
        with store.begin() as connection:
            bots.set_wish(connection, bot_id, "pause", "lunch")
        mine.status = "halted"
        ticks.commit(mine, [])
        assert ticks.load(bot_id).wish == "pause"
    with store.connect() as connection:
        row = bots.get(connection, bot_id)
    assert row.next_tick_at is not None  # the new wish is still to be looked at
    with ticks.lock(bot_id):
        ticks.load(bot_id).status = "halted"
    with store.connect() as connection:
        row = bots.get(connection, bot_id)
    assert row.next_tick_at is None  # it was looked at, and nothing was left to do
    assert row.stopped_at is not None


def test_what_a_look_ends_is_kept_without_a_commit(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    ticks = PgTickStore(store)
    with ticks.lock(bot_id):
        mine = ticks.load(bot_id)
        mine.status, mine.reason, mine.notes[(1, 2)] = "refused", "other code", Note("no funds", 5, 1)
        ticks.commit(mine, [])
    with ticks.lock(bot_id):
        mine = ticks.load(bot_id)
        mine.status, mine.reason = "running", None  # the code fits again
        mine.notes.clear()  # and the order was accepted
    again = ticks.load(bot_id)
    assert (again.status, again.reason, again.notes, again.version) == ("running", None, {}, 1)

    def failing() -> None:
        ticks.load(bot_id).reason = "half done"
        raise Unavailable("the exchange does not answer")

    with pytest.raises(Unavailable, match="does not answer"), ticks.lock(bot_id):
        failing()
    assert ticks.load(bot_id).reason is None


def test_a_halted_bot_stays_due_while_its_kill_goes_on(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    ticks = PgTickStore(store)
    resting = order(bot_id)

    def due() -> bool:
        with store.connect() as connection:
            return bots.get(connection, bot_id).next_tick_at is not None

    with ticks.lock(bot_id):
        mine = ticks.load(bot_id)
        mine.status, mine.wish = "halted", "kill"  # the daily loss, for instance: the wish is the tick's own
        ticks.commit(mine, [resting])
    assert due()
    with ticks.lock(bot_id):
        assert ticks.load(bot_id).wish == "kill"
    assert due()  # an order is still live
    with ticks.lock(bot_id):
        mine = ticks.load(bot_id)
        resting.status = DONE
        ticks.commit(mine, [resting])
    assert due()
    with ticks.lock(bot_id):
        ticks.load(bot_id)
    assert not due()
    with store.begin() as connection:
        bots.set_wish(connection, bot_id, "run", "looked at it")
    assert due()
    revived = ticks.load(bot_id)
    assert (revived.wish, revived.status, revived.reason, revived.version) == ("run", "waiting", None, 3)


def test_a_lock_is_held_by_one_and_freed(store: sa.Engine) -> None:
    one, two = new_bot(store), new_bot(store, name="two")
    ticks = PgTickStore(store)
    with ticks.lock(one) as first, ticks.lock(one) as again, ticks.lock(two) as other:
        assert (first, again, other) == (True, False, True)
    with pytest.raises(Halted), ticks.lock(one):
        raise Halted("a tick that fails")
    with pytest.raises(ZeroDivisionError), ticks.lock(one):
        _ = 1 / 0
    with ticks.lock(one) as first:
        assert first
    seen = []
    with ticks.lock(one):
        thread = threading.Thread(target=lambda: seen.append(ticks.load(one).id))
        thread.start()
        thread.join()
    assert seen == [one]


HOLD = """
import sys, time
from autogrid.store.engine import connect
from autogrid.store.tick_store import PgTickStore
with PgTickStore(connect(sys.argv[1])).lock(int(sys.argv[2])) as mine:
    print(mine, flush=True)
    time.sleep(600)
"""


def test_a_killed_holder_frees_its_lock(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    ticks = PgTickStore(store)
    command = [sys.executable, "-c", HOLD, libpq_url(), str(bot_id)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        with ticks.lock(bot_id) as mine:
            assert not mine
        os.kill(holder.pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        free = False
        while not free and time.monotonic() < deadline:
            with ticks.lock(bot_id) as free:
                pass
    assert free


def test_who_loses_the_connection_loses_the_lock_and_cannot_write(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    engine = connect(libpq_url())
    ticks = PgTickStore(engine)

    def tick() -> None:
        mine = ticks.load(bot_id)
        with store.connect() as connection:
            pids = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = :bot"
            connection.execute(sa.text(pids), {"bot": bot_id})
        with PgTickStore(store).lock(bot_id) as theirs:
            assert theirs
        mine.cursor = "late"
        ticks.commit(mine, [order(bot_id)])

    with pytest.raises(Unavailable, match="the next one goes on from the rows"), ticks.lock(bot_id):
        tick()
    assert ticks.load(bot_id).cursor == ""
    with ticks.lock(bot_id) as again:
        assert again
    engine.dispose()


def test_the_last_close(store: sa.Engine) -> None:
    now = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
    bot_id = new_bot(store)
    elsewhere = new_bot(store, new_account(store, "other"), exchange="okx")
    with store.begin() as connection:
        connection.execute(sa.text("INSERT INTO market (exchange, symbol) VALUES ('binance', 'BTC/USDT')"))
        insert = (
            "INSERT INTO candle (market_id, timeframe_s, ts, open, high, low, close, volume) "
            "SELECT id, :frame, :ts, 1, 1, 1, :close, 0 FROM market"
        )
        for minutes, close, frame in ((1, 100.07, 60), (2, 99.0, 60), (0, 5.0, 300)):
            row = {"ts": now - timedelta(minutes=minutes), "close": close, "frame": frame}
            connection.execute(sa.text(insert), row)
    mine = PgTickStore(store, lambda: now).load(bot_id)
    assert PgTickStore(store, lambda: now).close_of(mine) == 10_007
    assert PgTickStore(store, lambda: now + timedelta(minutes=9)).close_of(mine) == 10_007
    assert PgTickStore(store, lambda: now + timedelta(minutes=11)).close_of(mine) is None
    assert PgTickStore(store, lambda: now).close_of(PgTickStore(store).load(elsewhere)) is None


def test_equity_is_kept_once_a_minute(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    now = [datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC)]
    ticks = PgTickStore(store, lambda: now[0])
    for seconds in (0, 30, 40, 90):
        with ticks.lock(bot_id):
            mine = ticks.load(bot_id)
            mine.position, mine.last_price, mine.status = start_position(), 10_100, "running"
            now[0] += timedelta(seconds=seconds)
            ticks.commit(mine, [])
    with store.connect() as connection:
        rows = connection.execute(sa.text("SELECT * FROM bot_equity ORDER BY ts")).all()
    assert [row.ts.minute for row in rows] == [0, 1, 2]
    assert rows[0].equity == rows[0].cash + rows[0].base * rows[0].price
    assert rows[0].price == Decimal("101.00")


def test_many_orders_at_once(store: sa.Engine) -> None:
    bot_id = new_bot(store)
    ticks = PgTickStore(store)
    with ticks.lock(bot_id):
        mine = ticks.load(bot_id)
        many = [order(bot_id, cell) for cell in range(300)]
        ticks.commit(mine, many)
        assert ticks.live_orders(bot_id) == many
        for one in many:
            one.status, one.reason = DONE, "canceled"
        ticks.commit(mine, many)
        assert ticks.live_orders(bot_id) == []
    with store.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(bot_order)) == 300
