"""What has to work for the API to work."""

from collections.abc import Callable
from typing import Any

import redis
import sqlalchemy as sa

from autogrid.errors import AutogridError
from autogrid.store import migrate


def checks(state: Any) -> dict[str, str | None]:
    """Each dependency with what is wrong with it; None: nothing."""

    def database() -> None:
        with state.database.begin() as connection:
            connection.execute(sa.text("SELECT 1"))

    return {
        "database": _try(database),
        "migrations": _try(lambda: migrate.require_head(state.database.engine)),
        "redis": _try(lambda: state.redis.ping()),
    }


def _try(check: Callable[[], object]) -> str | None:
    try:
        check()
    except (AutogridError, sa.exc.SQLAlchemyError, redis.RedisError) as error:
        return type(error).__name__
    return None
