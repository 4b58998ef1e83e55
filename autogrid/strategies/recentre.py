"""The strategy `recentre`: a grid around the price, made anew around it once the price has left.

The dynamic grid of arXiv 2506.11921, with its cash conserved: what is held is sold or carried over at the price of the
change, never counted twice.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from autogrid.core.decision import Decision, Keep, View
from autogrid.strategies.around import Around, AroundParams, Cells, Every, Share

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RecentreParams(AroundParams):
    """How the grid is made."""

    #: Distance of both ends from the price, a fraction: 0.1 is 10 %.
    width: Annotated[Decimal, Field(gt=0, lt=1)]
    cells: Cells
    spacing: str = "geometric"
    every: Every = "1h"
    share: Share = Decimal("0.999")

    def __post_init__(self) -> None:
        """InvalidInput where no grid can be made of them."""
        super().__post_init__()
        self.check_width(self.width)


class Recentre(Around):
    """Keeps its grid while a candle closes within; else the same grid around the price."""

    Params = RecentreParams
    params: RecentreParams

    @property
    def lookback(self) -> int:
        return 1

    def decide(self, row: "pd.Series[Any]", view: View) -> Decision:
        """By the last close."""
        if view.grid is not None and view.grid.lower <= Decimal(repr(float(row["close"]))) <= view.grid.upper:
            return Keep()
        return self.params.grid(view, self.params.width)
