"""The tape: prints of one market in order of time, and the candles they make."""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from services.loopback.bars import Bars
from services.loopback.market import Market


class Print(NamedTuple):
    """One trade of the tape."""

    ts: int
    symbol: str
    #: e8.
    price: int
    #: e8.
    qty: int
    #: The taker's side, None where unknown.
    side: str | None
    #: True for the last print of its row (candle or trade).
    ends_row: bool


class Tape:
    """Prints of one market. Rows opening before `start_ms` are history: known to klines, never traded."""

    def __init__(self, market: Market, base_ms: int, history: list["array[int]"], prints: Iterator[Print]) -> None:
        self.market = market
        self.bars = Bars(base_ms)
        self.bars.load(history)
        self._prints = prints
        self.next: Print | None = next(prints, None)

    def pop(self) -> Print:
        """The next print; the tape must not be at its end."""
        found = self.next
        assert found is not None
        self.next = next(self._prints, None)
        return found
