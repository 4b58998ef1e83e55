"""What every source yields: unchecked columns, plus the way back from a row to its place in the file."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autogrid.errors import InvalidInput

COLUMNS = ("open", "high", "low", "close", "volume")


def _row(index: int) -> str:
    return f"row {index + 1}"


@dataclass(frozen=True)
class Raw:
    """Candles as a source gave them. `ts` is the open time in ms UTC; `values` has one array per COLUMNS."""

    source: str
    ts: NDArray[np.int64]
    values: tuple[NDArray[np.float64], ...]
    #: Text such as "line 7" for a row index; called only when that row is refused.
    place: Callable[[int], str] = _row

    def __len__(self) -> int:
        return len(self.ts)

    def head(self, count: int) -> "Raw":
        """The first `count` rows."""
        return Raw(self.source, self.ts[:count], tuple(v[:count] for v in self.values), self.place)

    def refuse(self, index: int, expected: str, actual: str, remedy: str) -> InvalidInput:
        """The error for one row; names file and line."""
        return InvalidInput(
            f"{self.source}, {self.place(index)}: expected {expected}, found {actual}. {remedy} "
            "Nothing of this file was kept."
        )
