"""What endpoints ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends, Path, Request
from pydantic import StringConstraints
from sqlalchemy.engine import Connection, Engine

from services.api.access import Caller

Id = Annotated[int, Path(ge=1, le=2**31 - 1, description="Id of the thing.")]


class Database:
    """Transactions on the store."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._alone = engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back by an error."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """For reading, one statement for itself after the other: half the round trips of a transaction."""
        with self._alone.connect() as connection:
            yield connection


async def _database(request: Request) -> Database:
    found: Database = request.app.state.database
    return found


async def _caller(request: Request) -> Caller:
    found: Caller = request.state.caller
    return found


Db = Annotated[Database, Depends(_database)]
#: The signed-in user; the route has checked the role.
Who = Annotated[Caller, Depends(_caller)]
#: PostgreSQL's text has no zero byte.
NO_ZERO = r"^[^\x00]*$"
Text = Annotated[str, StringConstraints(pattern=NO_ZERO, max_length=10_000)]
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]*$", min_length=1, max_length=100)]
#: sha256 in hex.
PassportId = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="Id of the passport.")]
