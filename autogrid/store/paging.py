"""Lists by id, newest first."""

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult


def newest(
    connection: Connection,
    query: "sa.Select[*tuple[Any, ...]]",
    table: sa.Table,
    before: int | None,
    limit: int,
    **equal: Any,
) -> "CursorResult[*tuple[Any, ...]]":
    """`limit` rows of `table` from the newest down; `before` is the id the page before ended with.

    `query` should be a constant: what is made of it is kept. `equal`: columns and their values; None leaves a column
    alone. `before` may be larger than any id: it is compared as a bigint, which an index on smaller integers serves.
    """
    given = {name: value for name, value in equal.items() if value is not None}
    statement = _statement(query, table, before is not None, tuple(given))
    return connection.execute(statement, given | {"page_before": before, "page_limit": limit})


@lru_cache(maxsize=200)
def _statement(
    query: "sa.Select[*tuple[Any, ...]]", table: sa.Table, later: bool, names: tuple[str, ...]
) -> "sa.Select[*tuple[Any, ...]]":
    """Building and recognising a statement takes longer than running it."""
    where = [table.c[name] == sa.bindparam(name) for name in names]
    if later:
        where.append(table.c.id < sa.bindparam("page_before", type_=sa.BigInteger))
    return query.where(*where).order_by(table.c.id.desc()).limit(sa.bindparam("page_limit", type_=sa.Integer))
