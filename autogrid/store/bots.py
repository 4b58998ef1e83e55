"""Bots as people and the dispatcher see them: create, list, wish, due, wake, kill."""

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, Engine

from autogrid.core.bot import WISHES, Limits
from autogrid.core.codec import pack_plain
from autogrid.core.grid import Grid, one_of
from autogrid.core.market import Market
from autogrid.errors import Conflict, InvalidInput, NotFound
from autogrid.store import engaged
from autogrid.store.bot_rows import FINAL, pack_limits
from autogrid.store.live_tables import account, bot, bot_event, bot_order, installation


@dataclass(frozen=True, kw_only=True)
class NewBot:
    """What a bot is created from; see core.bot.Bot for the fields."""

    name: str
    account_id: int
    symbol: str
    market: Market
    grid: Grid
    code_hash: str
    #: Whose candles show the market: the account's exchange, for paper the study's.
    exchange: str
    #: What decides its grids (`grid` is then core.decision.UNDECIDED), by name, and its parameters as JSON has them.
    strategy: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    cash: Decimal | None = None
    slippage_ticks: int = 0
    limits: Limits = field(default_factory=Limits)
    window: int | None = None
    passport_id: str | None = None
    owner_id: int | None = None


@dataclass(frozen=True)
class Row:
    """A bot as lists show it. Money in quote, prices in ticks; core.codec unpacks the JSON columns."""

    id: int
    owner_id: int | None
    account_id: int
    account_name: str
    account_exchange: str
    passport_id: str | None
    name: str
    exchange: str
    symbol: str
    market: dict[str, Any]
    strategy: str | None
    params: dict[str, Any]
    grid: dict[str, Any]
    decided_ms: int
    cash: Decimal | None
    limits: dict[str, Any]
    window: int | None
    code_hash: str
    wish: str
    status: str
    reason: str | None
    generation: int
    first_price: int | None
    last_price: int | None
    reserved_quote: Decimal
    reserved_base: Decimal
    version: int
    next_tick_at: datetime | None
    last_tick_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None


_COLUMNS = [
    account.c.name.label("account_name") if name == "account_name"
    else account.c.exchange.label("account_exchange") if name == "account_exchange"
    else bot.c[name]
    for name in Row.__dataclass_fields__
]  # fmt: skip
_SELECT = sa.select(*_COLUMNS).join(account, account.c.id == bot.c.account_id)


def tag(connection: Connection) -> str:
    """The two characters that name this installation in client order ids; drawn at first use."""
    drawn = "".join(secrets.choice(string.digits + string.ascii_letters) for _ in range(2))
    connection.execute(postgresql.insert(installation).values(id=1, tag=drawn).on_conflict_do_nothing())
    return str(connection.scalar(sa.select(installation.c.tag)))


def create(connection: Connection, new: NewBot, *, wish: str = "run") -> int:
    """Store a bot, due at once; its id. InvalidInput if the account or passport does not exist.

    Conflict while a kill switch of the account, the owner or everything is engaged.
    """
    engaged.require_account(connection, new.account_id, new.owner_id)
    values = {name: value for name, value in vars(new).items() if name not in ("market", "grid", "limits")}
    values |= {"market": pack_plain(new.market), "grid": pack_plain(new.grid), "limits": pack_limits(new.limits)}
    values |= {"wish": one_of("wish", wish, WISHES), "status": "waiting", "tag": tag(connection)}
    try:
        with connection.begin_nested():
            made = connection.scalar(sa.insert(bot).values(**values, next_tick_at=sa.func.now()).returning(bot.c.id))
    except sa.exc.IntegrityError as error:
        raise InvalidInput(f"bot {new.name!r} needs an account and passport that exist: {error.orig}") from error
    assert made is not None
    return int(made)


def get(connection: Connection, bot_id: int, owner_id: int | None = None) -> Row:
    """One bot; InvalidInput if there is none, or it is another owner's."""
    query = _SELECT.where(bot.c.id == bot_id)
    if owner_id is not None:
        query = query.where(bot.c.owner_id == owner_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise _unknown(bot_id)
    return Row(*row)


def _unknown(bot_id: int) -> NotFound:
    return NotFound(f"bot {bot_id} does not exist; autogrid bots list shows those that do")


def listing(connection: Connection, owner_id: int | None = None, account_id: int | None = None) -> list[Row]:
    """Bots by id; all owners' when `owner_id` is None."""
    query = _SELECT.order_by(bot.c.id)
    if owner_id is not None:
        query = query.where(bot.c.owner_id == owner_id)
    if account_id is not None:
        query = query.where(bot.c.account_id == account_id)
    return [Row(*row) for row in connection.execute(query)]


def made_since(connection: Connection, owner_id: int | None, name: str, since: datetime) -> Row | None:
    """The newest bot of an owner and name that was created at or after `since`."""
    query = _SELECT.where(bot.c.owner_id == owner_id, bot.c.name == name, bot.c.created_at >= since)
    row = connection.execute(query.order_by(bot.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else Row(*row)


def set_wish(connection: Connection, bot_id: int, wish: str, reason: str = "") -> None:
    """Say what is wanted of a bot, and make it due. `reason` is kept in its events.

    A halted bot goes on with any wish but kill. InvalidInput for a stopped one: it has ended for good. Conflict while
    a kill switch that covers the bot is engaged, but for wishes that only end it.
    """
    one_of("wish", wish, WISHES)
    status = connection.scalar(sa.select(bot.c.status).where(bot.c.id == bot_id).with_for_update())
    if status is None:
        raise _unknown(bot_id)
    if status == "stopped":
        raise InvalidInput(f"bot {bot_id} has stopped and given its budget back; create a new one from its passport")
    if wish not in engaged.HARMLESS:
        engaged.require_bot(connection, bot_id)
    _wish(connection, bot.c.id == bot_id, wish, reason)
    if status == "halted" and wish != "kill":
        phase = bot.c.position["phase"].astext
        goes_on = sa.case((phase.is_(None), "waiting"), (phase == "stopping", "stopping"), else_="running")
        revived = {"status": goes_on, "reason": None, "stopped_at": None, "version": bot.c.version + 1}
        connection.execute(sa.update(bot).where(bot.c.id == bot_id).values(revived))


def ask(connection: Connection, bot_id: int, owner_id: int | None, wish: str, reason: str = "") -> None:
    """A person's wish: `set_wish` where the bot's state allows it, else Conflict. NotFound if it is another owner's."""
    query = sa.select(bot.c.status).where(bot.c.id == bot_id).with_for_update()
    if owner_id is not None:
        query = query.where(bot.c.owner_id == owner_id)
    status = connection.scalar(query)
    if status is None:
        raise _unknown(bot_id)
    if status == "stopped" or (status == "stopping" and wish in ("run", "pause", "hold")):
        raise Conflict(f"bot {bot_id} is {status}, which {wish} cannot change: create another one from its passport")
    set_wish(connection, bot_id, wish, reason)


def kill(
    connection: Connection,
    *,
    bot_id: int | None = None,
    account_id: int | None = None,
    owner_id: int | None = None,
    reason: str,
) -> list[int]:
    """Wish death to a bot, to all of an account or of an owner or, with none, to all; the ids of those alive."""
    which: sa.ColumnElement[bool] = sa.true()
    if bot_id is not None:
        which = bot.c.id == bot_id
    elif account_id is not None:
        which = bot.c.account_id == account_id
    elif owner_id is not None:
        which = bot.c.owner_id == owner_id
    # A halted bot left its orders as they were: they are to go, too.
    resting = sa.exists().where(bot_order.c.bot_id == bot.c.id, bot_order.c.status != "done")
    alive = sa.or_(bot.c.status.not_in(FINAL), sa.and_(bot.c.status == "halted", resting))
    return _wish(connection, sa.and_(which, alive), "kill", reason)


def _wish(connection: Connection, which: sa.ColumnElement[bool], wish: str, reason: str) -> list[int]:
    # The version stays: a tick that is under way does not write the wish, and the next one sees it.
    update = sa.update(bot).where(which).values(wish=wish, next_tick_at=sa.func.now()).returning(bot.c.id)
    ids = sorted(connection.scalars(update))
    if ids:
        data = {"wish": wish, "reason": reason}
        event = {"level": "warning" if wish == "kill" else "info", "name": "wish_changed", "data": data}
        connection.execute(sa.insert(bot_event), [{"bot_id": each, **event} for each in ids])
    return ids


_DUE = sa.text(
    "WITH picked AS (SELECT bot.id FROM bot JOIN account ON account.id = bot.account_id "
    "WHERE bot.next_tick_at <= now() AND account.blocked_reason IS NULL "
    "AND (account.paused_until IS NULL OR account.paused_until <= now()) "
    "ORDER BY bot.next_tick_at LIMIT :most FOR UPDATE OF bot SKIP LOCKED) "
    "UPDATE bot SET next_tick_at = now() + make_interval(secs => :interval * (0.8 + 0.4 * random())) "
    "FROM picked WHERE bot.id = picked.id "
    "RETURNING bot.id"
)


def due(engine: Engine, limit: int, interval_s: float) -> list[int]:
    """Bots to tick now, each given to one dispatcher only, and due again about `interval_s` later.

    About: bots that started together would otherwise be due together for ever, with a queue in front of every one.
    """
    with engine.begin() as connection:
        return list(connection.scalars(_DUE, {"most": limit, "interval": interval_s}))


def wake(engine: Engine, bot_ids: Sequence[int] | None = None) -> int:
    """Make bots due now: those of `bot_ids`, or all; final ones stay as they are. How many changed."""
    which = sa.true() if bot_ids is None else bot.c.id.in_(list(bot_ids))
    with engine.begin() as connection:
        now = sa.func.now()
        return connection.execute(
            sa.update(bot).where(which, bot.c.next_tick_at > now).values(next_tick_at=now)
        ).rowcount


def reconciled(engine: Engine, bot_id: int) -> None:
    """Note that all the bot's orders were compared with the exchange's just now."""
    with engine.begin() as connection:
        connection.execute(sa.update(bot).where(bot.c.id == bot_id).values(reconciled_at=sa.func.now()))


def paper_state(engine: Engine, bot_id: int) -> dict[str, Any] | None:
    """What the simulated exchange of a paper bot kept."""
    with engine.connect() as connection:
        found: dict[str, Any] | None = connection.scalar(sa.select(bot.c.paper).where(bot.c.id == bot_id))
        return found


def keep_paper_state(engine: Engine, bot_id: int, state: dict[str, Any]) -> None:
    """Keep what the simulated exchange of a paper bot knows.

    Not waited for until it is on the disk: the rows that build on it are, and they come later in the same log.
    """
    with engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL synchronous_commit = off"))
        connection.execute(sa.update(bot).where(bot.c.id == bot_id).values(paper=state))
