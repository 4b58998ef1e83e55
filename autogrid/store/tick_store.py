"""State of bots between ticks, as PostgreSQL rows: the live engine's store.

Everything a tick does runs on the one connection that holds the bot's lock. If that connection is lost, the lock
is, and nothing can be written any more: the next tick starts from the rows. It needs a session of its own, so no
pooler that hands out connections per transaction may stand in between.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.rows import dict_row
from sqlalchemy.engine import Engine

from autogrid.core.bot import Bot, Event, FillRow, Order
from autogrid.errors import AutogridError, Halted, InvalidInput, Unavailable
from autogrid.store import tick_writes
from autogrid.store.bot_rows import (
    FINAL,
    FIXED,
    ORDER,
    STATE,
    bot_of,
    changed,
    equity_of,
    order_of,
    state_of,
    state_of_look,
)

#: First key of the advisory locks; the second is the bot's id. An arbitrary constant.
_LOCK_CLASS = 0x6167
_LOAD = f"SELECT {FIXED}, {STATE} FROM bot WHERE id = %s"
_UNLOCK = "SELECT pg_advisory_unlock(%s, %s)"
_LIVE = f"SELECT {ORDER} FROM bot_order WHERE bot_id = %s AND status <> 'done' ORDER BY id"
_WITH_ID = f"SELECT {ORDER} FROM bot_order WHERE bot_id = %s AND exchange_id = %s ORDER BY id DESC LIMIT 1"
_KNOWN = (
    "SELECT exchange_id, trade_id FROM bot_fill WHERE bot_id = %s "
    "AND (exchange_id, trade_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"
)
_CLOSE = (
    "SELECT close FROM candle WHERE market_id = (SELECT market.id FROM market JOIN bot "
    "ON market.exchange = bot.exchange AND market.symbol = bot.symbol WHERE bot.id = %s) "
    "AND timeframe_s = 60 AND ts >= %s ORDER BY ts DESC LIMIT 1"
)

Driver = psycopg.Connection[Any]


@dataclass
class _Session:
    """A connection and what is known of the bot whose lock it holds."""

    driver: Driver
    #: Read together with the lock; taken by the first load and live_orders.
    row: dict[str, Any] | None = None
    orders: list[Order] | None = None
    #: Whether orders were live when the lock was taken.
    busy: bool = False
    #: FIXED and STATE columns as they are stored, so that only changes are written; empty: unknown.
    stored: dict[str, Any] = field(default_factory=dict)
    #: The bot as it was handed out, to keep its last price when the lock is given back.
    bot: Bot | None = None
    committed: bool = False


class PgTickStore:
    """autogrid.live.ports.TickStore on PostgreSQL. May be shared by threads."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        close_age: timedelta = timedelta(minutes=10),
    ) -> None:
        self._engine = engine
        self._now = now
        self._close_age = close_age
        self._local = threading.local()
        #: bot -> the last minute for which its equity was written.
        self._minutes: dict[int, datetime] = {}

    @contextmanager
    def lock(self, bot_id: int, durable: bool = True) -> Iterator[bool]:
        """Held for one tick, freed when the process dies; yields False if another tick holds it.

        Without `durable` nothing waits for the disk: after a crash of the server all of the bot's rows are as they
        were some moments before. That is right where the exchange is kept in the same database.
        """
        with self._connection() as driver, _commits(driver, durable):
            session = _Session(driver)
            with driver.pipeline():
                # In this order: the bot is read only once it is locked.
                lock = driver.execute("SELECT pg_try_advisory_lock(%s, %s)", (_LOCK_CLASS, bot_id))
                row = driver.cursor(row_factory=dict_row).execute(_LOAD, (bot_id,))
                orders = driver.execute(_LIVE, (bot_id,))
            if lock.fetchone() != (True,):
                yield False
                return
            session.row, session.orders = row.fetchone(), [order_of(each) for each in orders]
            session.busy = bool(session.orders)
            self._sessions[bot_id] = session
            try:
                yield True
                self._leave(bot_id, session)
            except BaseException:
                if _idle(driver):  # otherwise the connection is dropped, and the lock with it
                    driver.execute(_UNLOCK, (_LOCK_CLASS, bot_id))
                raise
            finally:
                del self._sessions[bot_id]

    def _leave(self, bot_id: int, session: _Session) -> None:
        """Note that the bot was looked at, at which price, and unlock it: one round trip, no waiting for the disk.

        A final bot about which nothing was left to do is not due any more.
        """
        with session.driver.pipeline():
            bot = session.bot
            if bot is not None:
                killing = bot.wish == "kill" and session.busy
                tick_writes.touch(
                    session.driver,
                    bot,
                    state_of_look(bot, session.stored),
                    rests=bot.status in FINAL and not session.committed and not killing,
                    equity=self._equity(bot),
                )
            session.driver.execute(_UNLOCK, (_LOCK_CLASS, bot_id))

    def load(self, bot_id: int) -> Bot:
        """The bot as of now. InvalidInput if there is none."""
        with self._session(bot_id) as session:
            row, session.row = session.row, None
            if row is None:
                row = session.driver.cursor(row_factory=dict_row).execute(_LOAD, (bot_id,)).fetchone()
            if row is None:
                raise InvalidInput(f"bot {bot_id} does not exist; autogrid bots list shows those that do")
            session.stored, session.bot = row, bot_of(row)
            return session.bot

    def live_orders(self, bot_id: int) -> list[Order]:
        """Orders that are not done."""
        with self._session(bot_id) as session:
            orders, session.orders = session.orders, None
            if orders is not None:
                return orders
            return [order_of(row) for row in session.driver.execute(_LIVE, (bot_id,))]

    def order_with(self, bot_id: int, exchange_id: str) -> Order | None:
        """The bot's order of this exchange id, done ones included."""
        with self._session(bot_id) as session:
            row = session.driver.execute(_WITH_ID, (bot_id, exchange_id)).fetchone()
            return None if row is None else order_of(row)

    def known_trades(self, bot_id: int, trades: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of `trades` (exchange id, trade id) that are booked already."""
        if not trades:
            return set()
        orders, ids = zip(*trades, strict=True)
        with self._session(bot_id) as session:
            return {(row[0], row[1]) for row in session.driver.execute(_KNOWN, (bot_id, list(orders), list(ids)))}

    def commit(
        self, bot: Bot, orders: Iterable[Order], fills: Iterable[FillRow] = (), events: Iterable[Event] = ()
    ) -> None:
        """One transaction: the bot (its version compared and raised), new and changed orders, fills, events."""
        change = tick_writes.Write(list(orders), list(fills), list(events))
        state = state_of(bot)
        with self._session(bot.id) as session:
            session.orders, session.committed = None, True
            change.columns = changed(session.stored, state)
            # A wish belongs to people: it is written only if this tick changed it.
            if session.stored and session.stored["wish"] != bot.wish:
                change.columns["wish"] = bot.wish
            ids = tick_writes.write(session.driver, bot, change)
            session.stored = {**session.stored, **state, "wish": bot.wish}
        bot.version += 1
        for order in change.orders:
            if order.id is None:
                order.id = ids[order.client_id]

    def update(self, order: Order) -> None:
        """Commit one order's status, exchange id, time and reason by itself (between two requests)."""
        # A thread holds the lock of one bot at a time, and the order is of that bot.
        with self._session(next(iter(self._sessions), 0)) as session:
            session.orders = None
            if tick_writes.update_order(session.driver, order) != 1:
                raise Halted(f"order {order.client_id}: expected a stored order with id {order.id}, found none")

    def close_of(self, bot: Bot) -> int | None:
        """The last known close of the bot's market in ticks, if a recent one is stored."""
        with self._session(bot.id) as session:
            since = self._now() - self._close_age - timedelta(minutes=1)
            row = session.driver.execute(_CLOSE, (bot.id, since)).fetchone()
            return None if row is None else bot.market.price_ticks(str(row[0]))

    def _equity(self, bot: Bot) -> tuple[datetime, dict[str, Any]] | None:
        """The bot's worth, if it was not written in this minute yet."""
        minute = self._now().replace(second=0, microsecond=0)
        if self._minutes.get(bot.id) == minute:
            return None
        self._minutes[bot.id] = minute
        values = equity_of(bot)
        return None if values is None else (minute, values)

    @property
    def _sessions(self) -> dict[int, _Session]:
        """bot -> the session that holds its lock, of this thread."""
        if not hasattr(self._local, "sessions"):
            self._local.sessions = {}
        found: dict[int, _Session] = self._local.sessions
        return found

    @contextmanager
    def _session(self, bot_id: int) -> Iterator[_Session]:
        held = self._sessions.get(bot_id)
        if held is not None:
            with _translated():
                yield held
        else:
            with self._connection() as driver:
                yield _Session(driver)

    @contextmanager
    def _connection(self) -> Iterator[Driver]:
        """A connection without transactions of SQLAlchemy's; dropped, and its locks with it, if anything failed."""
        with _translated():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            clean = False
            try:
                driver: Any = connection.connection.driver_connection
                yield driver
                clean = _idle(driver)
            except AutogridError:
                clean = _idle(driver)
                raise
            finally:
                if not clean:
                    connection.invalidate()
                connection.close()


@contextmanager
def _commits(driver: Driver, durable: bool) -> Iterator[None]:
    """What a commit on this connection waits for."""
    if durable:
        yield
        return
    driver.execute("SET synchronous_commit TO off")
    try:
        yield
    finally:
        if _idle(driver):  # otherwise the connection is dropped
            driver.execute("RESET synchronous_commit")


def _idle(driver: Driver) -> bool:
    return driver.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (psycopg.OperationalError, sa.exc.OperationalError) as error:
        raise Unavailable(
            f"database: expected an answer, found: {error}. The tick ends here; the next one goes on from the rows."
        ) from error
