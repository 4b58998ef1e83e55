"""Lists by id, newest first."""

from typing import Any

import sqlalchemy as sa


def newest(query: "sa.Select[Any]", table: sa.Table, before: int | None, limit: int, **equal: Any) -> "sa.Select[Any]":
    """`limit` rows of `table` from the newest down; `before` is the id the page before ended with.

    `equal`: columns and their values; None leaves a column alone. `before` may be larger than any id: it is compared
    as a bigint, which an index on smaller integers serves as well.
    """
    for name, value in equal.items():
        if value is not None:
            query = query.where(table.c[name] == value)
    if before is not None:
        query = query.where(table.c.id < sa.literal(before, sa.BigInteger))
    return query.order_by(table.c.id.desc()).limit(limit)
