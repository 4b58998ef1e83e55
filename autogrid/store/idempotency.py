"""Requests that may be sent twice and take effect once."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from autogrid.errors import Conflict, InvalidInput
from autogrid.store.user_tables import idempotency_key


class Answer(NamedTuple):
    """What the first request was answered."""

    status: int
    body: bytes


def claim(connection: Connection, user_id: int, key: str, fingerprint: bytes) -> Answer | None:
    """Take the key for one request; commit before working on it. Not None: the answer it got the first time.

    InvalidInput if the key was used for another request, Conflict while the first one is at work or if it ended
    without telling (its process died): then only looking shows what it did.
    """
    new = postgresql.insert(idempotency_key).values(user_id=user_id, key=key, fingerprint=fingerprint)
    if connection.scalar(new.on_conflict_do_nothing().returning(idempotency_key.c.key)) is not None:
        return None
    table = idempotency_key.c
    row = connection.execute(sa.select(idempotency_key).where(table.user_id == user_id, table.key == key)).one_or_none()
    if row is None:  # released between the two statements
        raise Conflict(f"Idempotency-Key {key!r}: the first request with it has just failed; send it again")
    if row.fingerprint != fingerprint:
        raise InvalidInput(f"Idempotency-Key {key!r}: expected the request it was first used for, found another one")
    if row.status is None:
        raise Conflict(
            f"Idempotency-Key {key!r}: the first request with it, of {row.created_at:%Y-%m-%dT%H:%M:%SZ}, has not been "
            "answered yet. Wait; if it was long ago, look whether it took effect and use a new key"
        )
    return Answer(row.status, row.body)


def settle(connection: Connection, user_id: int, key: str, answer: Answer) -> None:
    """Keep the answer for repetitions."""
    mine = (idempotency_key.c.user_id == user_id) & (idempotency_key.c.key == key)
    connection.execute(sa.update(idempotency_key).where(mine).values(status=answer.status, body=answer.body))


def release(connection: Connection, user_id: int, key: str) -> None:
    """Nothing has happened: the key may be used again."""
    mine = (idempotency_key.c.user_id == user_id) & (idempotency_key.c.key == key)
    connection.execute(sa.delete(idempotency_key).where(mine))


def forget(connection: Connection, before: datetime) -> int:
    """Delete keys created before `before`; returns how many."""
    return connection.execute(sa.delete(idempotency_key).where(idempotency_key.c.created_at < before)).rowcount
