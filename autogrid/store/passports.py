"""Promotion passports: stored once, never changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from autogrid.errors import NotFound
from autogrid.store.live_tables import passport


@dataclass(frozen=True, kw_only=True)
class Passport:
    """What was promoted, and what it was proven on."""

    #: sha256 of what follows, hex.
    id: str
    owner_id: int | None
    #: Canonical text of the study.
    study: str
    study_name: str
    code_hash: str
    candles_sha256: str
    fills_sha256: str
    result: dict[str, Any]
    gates: list[dict[str, Any]]
    #: Set by the database.
    created_at: datetime | None = None


_COLUMNS = [passport.c[name] for name in Passport.__dataclass_fields__]


def save(connection: Connection, new: Passport) -> str:
    """Store a passport; its id. The same one again changes nothing."""
    values = {name: value for name, value in vars(new).items() if name != "created_at"}
    connection.execute(postgresql.insert(passport).values(values).on_conflict_do_nothing(index_elements=["id"]))
    return new.id


def get(connection: Connection, passport_id: str, owner_id: int | None = None) -> Passport:
    """A passport by its id or the unique beginning of one (8 characters or more). InvalidInput if there is none."""
    found: sa.ColumnElement[bool] = passport.c.id == passport_id
    if 8 <= len(passport_id) < 64 and set(passport_id) <= set("0123456789abcdef"):
        # A range and not LIKE: the primary key serves it under every collation.
        found = sa.and_(passport.c.id >= passport_id, passport.c.id < passport_id + "g")
    query = sa.select(*_COLUMNS).where(found).order_by(passport.c.id).limit(2)
    if owner_id is not None:
        query = query.where(passport.c.owner_id == owner_id)
    rows = connection.execute(query).mappings().all()
    if len(rows) != 1:
        problem = "does not exist" if not rows else "is ambiguous, give more of its characters"
        raise NotFound(f"passport {passport_id!r} {problem}; autogrid bots show ID names a bot's")
    return Passport(**rows[0])


def listing(
    connection: Connection, owner_id: int | None = None, limit: int = 100, before: datetime | None = None
) -> list[Passport]:
    """Passports, newest first, those created before `before`; all owners' when `owner_id` is None."""
    query = sa.select(*_COLUMNS).order_by(passport.c.created_at.desc(), passport.c.id).limit(limit)
    if owner_id is not None:
        query = query.where(passport.c.owner_id == owner_id)
    if before is not None:
        query = query.where(passport.c.created_at < before)
    return [Passport(**row) for row in connection.execute(query).mappings()]
