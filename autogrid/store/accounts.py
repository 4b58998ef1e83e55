"""Accounts at exchanges: who may trade where, paused and blocked."""

from dataclasses import dataclass, field
from datetime import datetime

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from autogrid.errors import Conflict, InvalidInput, NotFound
from autogrid.store import secrets
from autogrid.store.live_tables import account, bot
from autogrid.store.paging import newest

PAPER = "paper"


@dataclass(frozen=True)
class Credentials:
    """What opens an account. Never printed."""

    api_key: str
    secret: str = field(repr=False)
    #: The third part that some exchanges (okx, kucoin, bitget) ask for.
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Account:
    """An account without its credentials."""

    id: int
    owner_id: int | None
    name: str
    #: ccxt's name of the exchange, or PAPER.
    exchange: str
    #: Another server than the exchange's own, such as the loopback exchange.
    base_url: str | None
    #: The key's last characters; None where there are no credentials.
    key_hint: str | None
    #: No request before this time.
    paused_until: datetime | None
    #: No request until a person acts.
    blocked_reason: str | None
    created_at: datetime


_COLUMNS = [account.c[name] for name in Account.__dataclass_fields__]
_ALL = sa.select(*_COLUMNS)


def add(
    connection: Connection,
    *,
    name: str,
    exchange: str,
    credentials: Credentials | None = None,
    base_url: str | None = None,
    owner_id: int | None = None,
) -> int:
    """Store an account, its credentials encrypted; its id. InvalidInput if the owner has one of this name."""
    values = {"name": name, "exchange": exchange, "base_url": base_url, "owner_id": owner_id}
    try:
        with connection.begin_nested():
            made = connection.scalar(sa.insert(account).values(values).returning(account.c.id))
    except sa.exc.IntegrityError as error:
        if not isinstance(error.orig, psycopg.errors.UniqueViolation):
            raise
        raise Conflict(f"account {name!r} exists already; choose another name or set-key to change it") from error
    assert made is not None
    if credentials is not None:
        set_credentials(connection, made, credentials)
    return int(made)


def set_credentials(connection: Connection, account_id: int, credentials: Credentials) -> None:
    """Replace an account's credentials; a block that they caused ends."""
    plain = {name: value for name, value in vars(credentials).items() if value is not None}
    _change(
        connection,
        account_id,
        credentials=secrets.seal(account_id, plain),
        key_hint=credentials.api_key[-4:],
        blocked_reason=None,
    )


def get(connection: Connection, which: int | str, owner_id: int | None = None) -> Account:
    """An account by id or name; with `owner_id` only that owner's. InvalidInput if there is none."""
    query = sa.select(*_COLUMNS).where((account.c.id if isinstance(which, int) else account.c.name) == which)
    if owner_id is not None:
        query = query.where(account.c.owner_id == owner_id)
    rows = connection.execute(query.order_by(account.c.id).limit(2)).all()
    if not rows:
        raise _unknown(which)
    if len(rows) > 1:
        raise InvalidInput(f"account {which!r} is ambiguous: two owners have one of this name; use its id")
    return Account(*rows[0])


def listing(connection: Connection, owner_id: int | None = None) -> list[Account]:
    """Accounts by id; all owners' when `owner_id` is None."""
    query = sa.select(*_COLUMNS).order_by(account.c.id)
    if owner_id is not None:
        query = query.where(account.c.owner_id == owner_id)
    return [Account(*row) for row in connection.execute(query)]


def page(connection: Connection, owner_id: int | None, before: int | None = None, limit: int = 50) -> list[Account]:
    """Accounts, newest first; `before` is the id the page before ended with."""
    return [Account(*row) for row in newest(connection, _ALL, account, before, limit, owner_id=owner_id)]


def rename(connection: Connection, account_id: int, name: str) -> None:
    """Another name. Conflict if the owner has one of that name."""
    try:
        with connection.begin_nested():
            _change(connection, account_id, name=name)
    except sa.exc.IntegrityError as error:
        raise Conflict(f"account {name!r} exists already; choose another name") from error


def credentials(connection: Connection, account_id: int) -> Credentials:
    """Decrypted credentials. InvalidInput, naming the account and the remedy, if there are none or no key fits."""
    row = connection.execute(
        sa.select(account.c.name, account.c.credentials).where(account.c.id == account_id)
    ).one_or_none()
    if row is None:
        raise _unknown(account_id)
    if row.credentials is None:
        raise InvalidInput(f"account {row.name!r} has no credentials; enter them: autogrid accounts set-key {row.name}")
    return Credentials(**secrets.unseal(row.credentials, account_id, row.name))


def remove(connection: Connection, account_id: int) -> None:
    """Delete an account that no bot ever used."""
    used = connection.scalar(sa.select(sa.func.count()).where(bot.c.account_id == account_id))
    if used:
        raise Conflict(f"account {account_id} has {used} bots, whose history it belongs to; it cannot be removed")
    if connection.execute(sa.delete(account).where(account.c.id == account_id)).rowcount == 0:
        raise _unknown(account_id)


def pause(connection: Connection, account_id: int, until: datetime) -> None:
    """No request of this account before `until`; a later pause stays. Its bots are not due until then."""
    if until.tzinfo is None:
        raise InvalidInput(f"until must have a timezone, was {until.isoformat()}")
    _change(connection, account_id, paused_until=sa.func.greatest(account.c.paused_until, until))


def block(connection: Connection, account_id: int, reason: str) -> None:
    """No request of this account until `unblock`: key revoked, address refused."""
    _change(connection, account_id, blocked_reason=reason)


def unblock(connection: Connection, account_id: int) -> None:
    """End a block and a pause; its bots are due at once."""
    _change(connection, account_id, blocked_reason=None, paused_until=None)
    due = sa.update(bot).where(bot.c.account_id == account_id, bot.c.next_tick_at > sa.func.now())
    connection.execute(due.values(next_tick_at=sa.func.now()))


def _change(connection: Connection, account_id: int, **values: object) -> None:
    if connection.execute(sa.update(account).where(account.c.id == account_id).values(**values)).rowcount == 0:
        raise _unknown(account_id)


def _unknown(which: int | str) -> NotFound:
    return NotFound(f"account {which!r} does not exist; autogrid accounts list shows those that do")
