"""Lists come in pages, newest first; a cursor says where the next page begins."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, Protocol, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel


class _Numbered(Protocol):
    @property
    def id(self) -> int: ...


Row = TypeVar("Row")
Item = TypeVar("Item")
Numbered = TypeVar("Numbered", bound=_Numbered)
#: Cursors are ids now; callers must not rely on it.
_CURSOR = r"^[1-9][0-9]{0,17}$"


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    #: Hand it back as ?cursor= for the next page; null on the last one.
    next_cursor: str | None


class Paging:
    """Which page is wanted."""

    def __init__(
        self,
        limit: Annotated[int, Query(ge=1, le=500, description="Most items of a page.")] = 50,
        cursor: Annotated[str | None, Query(pattern=_CURSOR, description="next_cursor of the page before.")] = None,
    ) -> None:
        self.limit = limit
        self.before = None if cursor is None else int(cursor)

    def of(
        self, shape: Callable[[Row], Numbered], fetch: Callable[[int | None, int], Sequence[Row]]
    ) -> "Page[Numbered]":
        """The page that `fetch(before, limit)` returns, each row shaped."""
        rows = fetch(self.before, self.limit + 1)
        shown = [shape(row) for row in rows[: self.limit]]
        return Page(items=shown, next_cursor=str(shown[-1].id) if len(rows) > self.limit else None)


Paged = Annotated[Paging, Depends()]
AnyPage = Page[Any]
