"""What a worker asks of the store around a tick: whose bot it is, when it is due again, its account's troubles."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from autogrid.core.bot import Event
from autogrid.store import accounts, bots, engaged
from autogrid.store.bot_rows import FINAL
from autogrid.store.live_tables import account, bot, bot_event


@dataclass(frozen=True)
class Target:
    """A bot as seen from outside its tick."""

    bot_id: int
    account_id: int
    #: The account's exchange, or accounts.PAPER.
    account_exchange: str
    base_url: str | None
    #: Changes with the account's credentials.
    key_version: int
    #: Whose candles show the market.
    exchange: str
    symbol: str
    wish: str
    status: str
    blocked_reason: str | None
    #: Seconds that the account still has to be left alone, 0 if it has not.
    paused_s: float
    reconciled_at: datetime | None

    @property
    def is_paper(self) -> bool:
        return self.account_exchange == accounts.PAPER


_TARGET = sa.select(
    bot.c.id,
    account.c.id,
    account.c.exchange,
    account.c.base_url,
    sa.func.hashtext(sa.func.coalesce(sa.func.encode(account.c.credentials, "hex"), "")),
    bot.c.exchange,
    bot.c.symbol,
    bot.c.wish,
    bot.c.status,
    account.c.blocked_reason,
    sa.func.greatest(0, sa.func.coalesce(sa.extract("epoch", account.c.paused_until - sa.func.now()), 0)),
    bot.c.reconciled_at,
    engaged.covering_bot(),
).join(account, account.c.id == bot.c.account_id)


def target(engine: Engine, bot_id: int) -> Target | None:
    """The bot's target; None if there is no such bot.

    A bot that is to trade while a kill switch covers it (it was made when the switch was engaged) is killed here.
    """
    with engine.begin() as connection:
        row = connection.execute(_TARGET.where(bot.c.id == bot_id)).one_or_none()
        if row is None:
            return None
        found, switch = Target(*row[:10], float(row[10]), row[11]), row[12]
        if switch is not None and found.wish not in engaged.HARMLESS and found.status not in FINAL:
            bots.kill(connection, bot_id=bot_id, reason=switch)
            return replace(found, wish="kill")
        return found


def credentials(engine: Engine, account_id: int) -> accounts.Credentials:
    """The account's credentials, decrypted."""
    with engine.connect() as connection:
        return accounts.credentials(connection, account_id)


def schedule(engine: Engine, bot_id: int, after_s: float) -> None:
    """The bot is due in `after_s` seconds; what woke it meanwhile stays, and a final bot is not due at all."""
    later = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, after_s)
    with engine.begin() as connection:
        connection.execute(
            sa.update(bot).where(bot.c.id == bot_id, bot.c.next_tick_at > sa.func.now()).values(next_tick_at=later)
        )


def pause_account(engine: Engine, account_id: int, seconds: float) -> None:
    """No request of the account for so long."""
    later = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    with engine.begin() as connection:
        until = connection.scalar(sa.select(later))
        assert until is not None
        accounts.pause(connection, account_id, until)


def block_account(engine: Engine, account_id: int, reason: str) -> None:
    """No request of the account until a person acts; an event of each of its bots says why. Once."""
    with engine.begin() as connection:
        found = connection.scalar(sa.select(account.c.blocked_reason).where(account.c.id == account_id))
        if found is not None:
            return
        accounts.block(connection, account_id, reason)
        ids = connection.scalars(sa.select(bot.c.id).where(bot.c.account_id == account_id, bot.c.status != "stopped"))
        for each in list(ids):
            add_event(connection, each, Event("critical", "account_blocked", {"reason": reason}))


def add_event(connection: Connection, bot_id: int, event: Event) -> None:
    """Keep an event that did not come from a tick."""
    connection.execute(sa.insert(bot_event).values(bot_id=bot_id, level=event.level, name=event.name, data=event.data))


def streamed_accounts(engine: Engine) -> list[tuple[int, str, str | None, int]]:
    """Accounts with bots at work: id, exchange, base URL and key version."""
    working = sa.exists().where(bot.c.account_id == account.c.id, bot.c.next_tick_at.is_not(None))
    query = sa.select(account.c.id, account.c.exchange, account.c.base_url, _TARGET.selected_columns[4])
    query = query.where(account.c.exchange != accounts.PAPER, account.c.blocked_reason.is_(None), working)
    with engine.connect() as connection:
        return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query.order_by(account.c.id))]


def working_bots(engine: Engine, account_id: int, symbols: set[str] | None = None) -> list[int]:
    """Bots of an account that are not final; of these markets only, written with or without a slash."""
    query = sa.select(bot.c.id).where(bot.c.account_id == account_id, bot.c.next_tick_at.is_not(None))
    if symbols is not None:
        plain = [symbol.replace("/", "") for symbol in symbols]
        query = query.where(sa.func.replace(bot.c.symbol, "/", "").in_(plain))
    with engine.connect() as connection:
        return list(connection.scalars(query.order_by(bot.c.id)))


class Watched(NamedTuple):
    """A market whose candles bots at work wait for."""

    exchange: str
    symbol: str
    base_url: str | None
    #: Name and parameters of the strategies that decide on them.
    strategies: list[tuple[str, dict[str, Any]]]
    #: Whether paper bots walk them: one after the other, from the newest stored one on.
    walked: bool


def watched_markets(engine: Engine) -> list[Watched]:
    """The markets of paper bots, and of bots whose strategy decides on candles."""
    paper = account.c.exchange == accounts.PAPER
    columns = (bot.c.exchange, bot.c.symbol, account.c.base_url, bot.c.strategy, bot.c.params)
    query = sa.select(*columns, sa.func.bool_or(paper)).join(account, account.c.id == bot.c.account_id)
    query = query.where(sa.or_(paper, bot.c.strategy.is_not(None)), bot.c.next_tick_at.is_not(None))
    found: dict[tuple[str, str, str | None], Watched] = {}
    with engine.connect() as connection:
        rows = connection.execute(query.group_by(*columns).order_by(bot.c.exchange, bot.c.symbol))
        for exchange, symbol, base_url, strategy, params, walked in rows:
            at = (exchange, symbol, base_url)
            before = found.get(at, Watched(*at, [], walked=False))
            decides = [] if strategy is None else [(strategy, params)]
            found[at] = Watched(*at, [*before.strategies, *decides], before.walked or walked)
    return list(found.values())


def any_decides(engine: Engine) -> bool:
    """Whether there is a bot whose strategy decides, and that is due one day."""
    found = sa.select(bot.c.id).where(bot.c.strategy.is_not(None), bot.c.next_tick_at.is_not(None)).limit(1)
    with engine.connect() as connection:
        return connection.scalar(found) is not None


def has_news(engine: Engine, bot_id: int) -> bool:
    """Whether a paper bot has candles to walk or to walk to their end, or has not begun."""
    text = (
        "SELECT bot.paper IS NULL OR (bot.paper->>'leg')::int < 4 OR EXISTS (SELECT FROM candle WHERE "
        "timeframe_s = 60 AND market_id = market.id AND ts > to_timestamp((bot.paper->>'ts')::bigint / 1000.0)) "
        "FROM bot LEFT JOIN market "
        "ON market.exchange = bot.exchange AND market.symbol = bot.symbol WHERE bot.id = :b"
    )
    with engine.connect() as connection:
        return bool(connection.scalar(sa.text(text), {"b": bot_id}))


def newest_candle(engine: Engine, exchange: str, symbol: str) -> datetime | None:
    """Open time of the newest stored 1m candle."""
    found = candles_after(engine, exchange, symbol, None, 1)
    return found[0][0] if found else None


def candles_after(engine: Engine, exchange: str, symbol: str, after: datetime | None, limit: int) -> list[Any]:
    """Stored 1m candles opened after `after`, oldest first: (ts, open, high, low, close); None: the newest one only."""
    text = (
        "SELECT ts, open, high, low, close FROM candle WHERE timeframe_s = 60 AND market_id = "
        "(SELECT id FROM market WHERE exchange = :e AND symbol = :s) "
    )
    with engine.connect() as connection:
        if after is None:
            return list(connection.execute(sa.text(text + "ORDER BY ts DESC LIMIT 1"), {"e": exchange, "s": symbol}))
        where = {"e": exchange, "s": symbol, "a": after, "n": limit}
        return list(connection.execute(sa.text(text + "AND ts > :a ORDER BY ts LIMIT :n"), where))
