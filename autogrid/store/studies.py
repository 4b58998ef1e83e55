"""Study files that people keep."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, RowMapping

from autogrid.errors import Conflict, NotFound
from autogrid.store.paging import newest
from autogrid.store.user_tables import study

_ALL = sa.select(study)


def add(connection: Connection, owner_id: int, name: str, text: str, fingerprint: str) -> RowMapping:
    """Keep a study. Conflict if its owner has one of that name."""
    values = {"owner_id": owner_id, "name": name, "text": text, "fingerprint": fingerprint}
    new = postgresql.insert(study).values(values).on_conflict_do_nothing().returning(study)
    row = connection.execute(new).mappings().one_or_none()
    if row is None:
        raise Conflict(f"you have a study named {name!r} already: change that one, or use another name")
    return row


def get(connection: Connection, study_id: int, owner_id: int | None) -> RowMapping:
    """One study; of anybody if `owner_id` is None."""
    row = connection.execute(_mine(sa.select(study), owner_id).where(study.c.id == study_id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"you have no study {study_id}")
    return row


def listing(
    connection: Connection, owner_id: int | None, before: int | None = None, limit: int = 50
) -> list[RowMapping]:
    """Studies, newest first."""
    return list(newest(connection, _ALL, study, before, limit, owner_id=owner_id).mappings())


def replace(
    connection: Connection, study_id: int, owner_id: int | None, name: str, text: str, fingerprint: str
) -> RowMapping:
    """Another name and text for a study. Jobs and passports keep the text they were made from."""
    kept = get(connection, study_id, owner_id)
    taken = sa.select(study.c.id).where(
        study.c.name == name, study.c.owner_id == kept["owner_id"], study.c.id != study_id
    )
    if connection.scalar(taken) is not None:
        raise Conflict(f"you have another study named {name!r}: use another name")
    values = {"name": name, "text": text, "fingerprint": fingerprint, "updated_at": sa.func.now()}
    changed = sa.update(study).where(study.c.id == study_id).values(values).returning(study)
    return connection.execute(changed).mappings().one()


def remove(connection: Connection, study_id: int, owner_id: int | None) -> None:
    """Delete a study; jobs and passports made from it stay."""
    get(connection, study_id, owner_id)
    connection.execute(sa.delete(study).where(study.c.id == study_id))


def _mine(query: "sa.Select[tuple[object, ...]]", owner_id: int | None) -> "sa.Select[tuple[object, ...]]":
    return query if owner_id is None else query.where(study.c.owner_id == owner_id)
