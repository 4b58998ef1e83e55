"""What strategies have in common that work a grid around the price: its parameters, and how often they look."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from autogrid.core.decision import View
from autogrid.core.grid import Grid
from autogrid.core.levels import MAX_CELLS
from autogrid.errors import InvalidInput
from autogrid.strategies.dynamic import Dynamic, timeframe_ms

#: Where parameters are tried out before there is a market: what cannot be a grid here cannot be one anywhere.
_ANYWHERE = View(Decimal(1), None, Decimal(1), Decimal(0), Decimal(1), Decimal(1))
_HALF = Decimal("0.5")


def _divides_a_day(text: str, info: ValidationInfo) -> str:
    timeframe_ms(info.field_name or "cadence", text)
    return text


Cells = Annotated[int, Field(ge=1, le=MAX_CELLS)]
#: A timeframe at which a strategy may decide.
Every = Annotated[str, AfterValidator(_divides_a_day)]
Share = Annotated[Decimal, Field(gt=0, le=1)]


class AroundParams:
    """What such a grid is made of. Subclasses are frozen dataclasses with these fields, in an order of their own."""

    cells: int
    spacing: str
    #: How often it decides, and the candles that it is shown.
    every: str
    #: Share of the equity that is put into a new grid.
    share: Decimal

    def __post_init__(self) -> None:
        """InvalidInput where no grid can be made of them."""
        self.grid(_ANYWHERE, _HALF)

    def check_width(self, width: Decimal) -> None:
        """InvalidInput for a width of which no grid can be made; `width` is between 0 and 1."""
        try:
            self.grid(_ANYWHERE, width)
        except InvalidInput as error:
            raise InvalidInput(f"width makes no grid: {error}") from None

    def grid(self, view: View, width: Decimal) -> Grid:
        """The grid with its ends `width` (a fraction) from the price, worth a share of the equity."""
        return Grid(
            lower=view.price * (1 - width),
            upper=view.price * (1 + width),
            cells=self.cells,
            spacing=self.spacing,
            investment=view.equity * self.share,
        )


class Around(Dynamic):
    """Subclasses say `Params`, which are AroundParams, and decide."""

    params: AroundParams

    @property
    def cadence(self) -> str:
        return self.params.every
