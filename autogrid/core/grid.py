"""What a user asks for: one grid (contract, section 2)."""

from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches

from autogrid.core.market import Number, positive
from autogrid.errors import InvalidInput, shortened

SPACINGS = ("arithmetic", "geometric")
STOP_ACTIONS = ("sell", "keep")
SIZINGS = ("amount", "quote", "investment")
TRAILINGS = ("up", "down", "both")


@dataclass(frozen=True, kw_only=True)
class Grid:
    """One grid. Prices in quote per base; exactly one of `amount`, `quote`, `investment`.

    Raises InvalidInput for anything that cannot be a grid on any market.
    """

    #: Lowest level.
    lower: Decimal
    #: Highest level.
    upper: Decimal
    cells: int
    #: "arithmetic" (equal distances) or "geometric" (equal ratios).
    spacing: str = "arithmetic"
    #: Base per cell.
    amount: Decimal | None = None
    #: Quote per cell.
    quote: Decimal | None = None
    #: Quote for the whole grid, fees and gross-ups included.
    investment: Decimal | None = None
    #: At or below `lower`: the bot ends here.
    stop_loss: Decimal | None = None
    #: At or above `upper`: the bot ends here.
    take_profit: Decimal | None = None
    #: What a stop does with the base: "sell" or "keep" it.
    stop_action: str = "sell"
    #: Nothing rests until the price reaches this.
    trigger: Decimal | None = None
    #: Whether the levels follow a price that leaves them: "up", "down", "both", or None: they stay.
    trailing: str | None = None
    #: True: stops stay where they are when the levels move; else they move with them.
    stop_fixed: bool = False

    def __init__(
        self,
        *,
        lower: Number,
        upper: Number,
        cells: int | str,
        spacing: str = "arithmetic",
        amount: Number | None = None,
        quote: Number | None = None,
        investment: Number | None = None,
        stop_loss: Number | None = None,
        take_profit: Number | None = None,
        stop_action: str = "sell",
        trigger: Number | None = None,
        trailing: str | None = None,
        stop_fixed: bool = False,
    ) -> None:
        given = {
            "lower": lower, "upper": upper, "amount": amount, "quote": quote, "investment": investment,
            "stop_loss": stop_loss, "take_profit": take_profit, "trigger": trigger,
        }  # fmt: skip
        for name, value in given.items():
            object.__setattr__(self, name, None if value is None else positive(name, value))
        for name in ("lower", "upper"):
            if given[name] is None:
                raise InvalidInput(f"{name} is missing: a grid needs a lower and an upper price")
        object.__setattr__(self, "cells", _cells(cells))
        object.__setattr__(self, "spacing", one_of("spacing", spacing, SPACINGS))
        object.__setattr__(self, "stop_action", one_of("stop_action", stop_action, STOP_ACTIONS))
        object.__setattr__(self, "trailing", None if trailing is None else one_of("trailing", trailing, TRAILINGS))
        if not isinstance(stop_fixed, bool):
            raise InvalidInput(f"stop_fixed must be true or false, without quotes, was {stop_fixed!r}")
        object.__setattr__(self, "stop_fixed", stop_fixed)
        self._check()

    @property
    def trails_up(self) -> bool:
        return self.trailing in ("up", "both")

    @property
    def trails_down(self) -> bool:
        return self.trailing in ("down", "both")

    @property
    def label(self) -> str:
        """The grid in a few words."""
        follows = f", trailing {self.trailing}" if self.trailing else ""
        return f"{self.spacing} grid {self.lower}-{self.upper}, {self.cells} cells{follows}"

    def _check(self) -> None:
        if self.lower >= self.upper:
            raise InvalidInput(f"lower must be below upper, was {self.lower} >= {self.upper}")
        sizes = [name for name in SIZINGS if getattr(self, name) is not None]
        if len(sizes) != 1:
            found = " and ".join(sizes) or "none"
            raise InvalidInput(f"a grid needs exactly one of {', '.join(SIZINGS)}, was {found}")
        if self.stop_loss is not None and self.stop_loss > self.lower:
            raise InvalidInput(f"stop_loss must be at or below lower, was {self.stop_loss} > {self.lower}")
        if self.take_profit is not None and self.take_profit < self.upper:
            raise InvalidInput(f"take_profit must be at or above upper, was {self.take_profit} < {self.upper}")


def one_of(name: str, value: str, words: tuple[str, ...]) -> str:
    """`value` if it is one of `words`; else InvalidInput with the nearest word."""
    if value in words:
        return value
    near = get_close_matches(str(value), words, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise InvalidInput(f"{name} must be one of {', '.join(words)}, was {shortened(value)}{hint}")


def _cells(value: int | str) -> int:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
        value = int(value)
    # numpy's integers are welcome: sweeps are written with ranges and arrays.
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < 1:
        raise InvalidInput(f"cells must be a whole number from 1 on, was {shortened(value)}")
    return value.__index__()
