"""Lists of the API: the newest items, more on demand; as a table, or as rows with buttons."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from markupsafe import Markup
from nicegui import ui

from services.web.client import Api, ApiError, Items
from services.web.parts import asking
from services.web.parts.tables import Table

SIZE = 50
#: How many items are wanted -> those, and whether there are more.
Reads = Callable[[int], Awaitable[tuple[Items, bool]]]


class Listing:
    """Reads and shows a list; a button below it shows more. Build it below what `shows` fills."""

    def __init__(self, reads: Reads, shows: Callable[[Items], None], noun: str, size: int = SIZE) -> None:
        self._reads, self._shows, self._size, self._wanted = reads, shows, size, size
        self._asked = 0
        with ui.row().classes("actions") as self._footer:
            self._button = asking.button("Show more", self._more, kind="small", label=f"Show more {noun}")
            self._count = ui.label().classes("soft").props('role="status"')
        self._footer.set_visibility(False)

    async def refresh(self) -> None:
        """Read again what is shown; only the answer to the newest question counts."""
        self._asked += 1
        question = self._asked
        items, more = await self._reads(self._wanted)
        if question != self._asked or self._footer.is_deleted:
            return
        self._shows(items)
        self._footer.set_visibility(more or len(items) > self._size)
        self._button.set_visibility(more)
        self._count.set_text(f"{'Newest' if more else 'All'} {len(items):,} shown")

    async def restart(self) -> None:
        """Show another list, from its beginning."""
        self._wanted = self._size
        try:
            await self.refresh()
        except ApiError:
            return  # the next refresh says so

    async def _more(self, key: str) -> None:
        self._wanted += self._size
        await self.refresh()


def of(api: Api, path: str, **params: Any) -> Reads:
    """Reads a list of the API."""
    return lambda wanted: api.first(path, wanted, **params)


def in_table(
    reads: Reads,
    label: str,
    columns: Sequence[str],
    empty: str,
    row: Callable[[dict[str, Any]], Sequence[Any]],
    *,
    stacked: bool = False,
    size: int = SIZE,
) -> Listing:
    """A list as a table (see Table)."""
    table = Table(label, columns, empty, stacked=stacked)
    return Listing(reads, lambda items: table.rows(row(each) for each in items), label.lower(), size)


def in_rows(reads: Reads, noun: str, empty: str, row: Callable[[dict[str, Any]], None]) -> Listing:
    """A list as rows, each made by `row`, mostly with `item`."""
    place = ui.element("div").classes("list")

    def shows(items: Items) -> None:
        place.clear()
        with place:
            if not items:
                ui.label(empty).classes("empty")
            for each in items:
                row(each)

    return Listing(reads, shows, noun)


@contextmanager
def item(title: str, *lines: str | Markup, url: str = "") -> Iterator[None]:
    """A row: what it is on the left; buttons, made inside, on the right."""
    with ui.element("div").classes("item"):
        with ui.element("div").classes("what"):
            (ui.link(title, url) if url else ui.label(title)).classes("strong")
            for line in lines:
                ui.html(str(Markup("{}").format(line)), sanitize=False).classes("soft")
        with ui.row().classes("actions"):
            yield
