"""What happens to a grid: fills, in integers."""

from typing import NamedTuple

START, GRID, STOP = 0, 1, 2
BUY, SELL = 1, -1

KINDS = ("start", "grid", "stop")


class Fill(NamedTuple):
    """One complete fill. `lots` is the order's amount, gross-up included."""

    #: START, GRID or STOP; index into KINDS.
    kind: int
    #: The cell that turned, -1 for start and stop orders.
    cell: int
    #: BUY or SELL.
    side: int
    #: Price in ticks.
    price: int
    #: Amount in lots.
    lots: int

    @property
    def is_taker(self) -> bool:
        """Grid orders rest; start and stop orders take."""
        return self.kind != GRID
