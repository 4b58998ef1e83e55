"""The strategy `recentre`: a grid around the price, made anew around it once the price has left.

The dynamic grid of arXiv 2506.11921, with its cash conserved: what is held is sold or carried over at the price of the
change, never counted twice.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from autogrid.core.decision import Decision, Keep, View
from autogrid.strategies.dynamic import Dynamic, around

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RecentreParams:
    """How the grid is made."""

    #: Distance of both ends from the price, a fraction: 0.1 is 10 %.
    width: Decimal
    cells: int
    spacing: str = "geometric"
    #: How often the price is looked at.
    every: str = "1h"
    #: Share of the equity that is put into a new grid.
    share: Decimal = Decimal("0.999")


class Recentre(Dynamic):
    """Keeps its grid while a candle closes within; else the same grid around the price."""

    Params = RecentreParams
    params: RecentreParams

    @property
    def cadence(self) -> str:
        return self.params.every

    @property
    def lookback(self) -> int:
        return 1

    def decide(self, row: "pd.Series[Any]", view: View) -> Decision:
        """By the last close."""
        if view.grid is not None and view.grid.lower <= Decimal(repr(float(row["close"]))) <= view.grid.upper:
            return Keep()
        return around(view, self.params.width, self.params)
