"""The price levels of a grid, in ticks (contract, section 2)."""

import math
from bisect import bisect_left
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from autogrid.errors import InvalidInput, shortened

MAX_CELLS = 100_000
_WIDE = Context(prec=80, rounding=ROUND_HALF_EVEN)


def levels(lower: Decimal, upper: Decimal, cells: int, spacing: str, tick: Decimal) -> tuple[int, ...]:
    """The cells + 1 levels from `lower` to `upper`, each rounded half to even from its exact value.

    Raises InvalidInput where two levels meet in one tick, naming the largest number of cells that fits.
    """
    if cells > MAX_CELLS:
        raise InvalidInput(f"cells must be at most {MAX_CELLS}, was {shortened(cells)}")
    low, high = Fraction(lower) / Fraction(tick), Fraction(upper) / Fraction(tick)
    if round(low) < 1:
        raise InvalidInput(f"lower must be at least one price tick ({tick}), was {lower}; use a smaller tick")
    found = _all(low, high, cells, spacing)
    if found is None:
        raise InvalidInput(
            f"{cells} cells between {lower} and {upper} put two levels on one price tick ({tick}); "
            f"at most {_most_cells(low, high, cells, spacing)} cells fit: use fewer cells or a wider range"
        )
    return found


def levels_or_none(lower: Decimal, upper: Decimal, cells: int, spacing: str, tick: Decimal) -> tuple[int, ...] | None:
    """As `levels`, but None where two levels meet."""
    return _all(Fraction(lower) / Fraction(tick), Fraction(upper) / Fraction(tick), cells, spacing)


class Ruler:
    """The formula of one grid's levels, for any index: below 0 and above `cells` it goes on."""

    def __init__(self, lower: Decimal, upper: Decimal, cells: int, spacing: str, tick: Decimal) -> None:
        self.cells = cells
        self._tick = Fraction(tick)
        self._shape = _Shape(Fraction(lower) / self._tick, Fraction(upper) / self._tick, cells)
        self._level = _arithmetic if spacing == "arithmetic" else _geometric

    def level(self, i: int) -> int:
        """Level i in ticks; below 1 where arithmetic levels leave what can be a price."""
        return self._level(self._shape, i)

    def moved(self, price: Decimal, by: int) -> int:
        """`price` in ticks after it moved by so many levels, rounded half to even from its exact value."""
        shape, exact = self._shape, Fraction(price) / self._tick
        if self._level is _arithmetic:
            return round(exact + by * shape.step)
        # As a level of a grid whose lowest level is `price`.
        return _geometric(_Shape(exact, exact * shape.high / shape.low, self.cells), by) if by else round(exact)


def nearest_level(found: tuple[int, ...], price: int) -> int:
    """Index of the level nearest to `price` ticks; ties go to the lower index."""
    right = bisect_left(found, price)
    if right == 0:
        return 0
    if right == len(found):
        return right - 1
    return right if found[right] - price < price - found[right - 1] else right - 1


def _all(low: Fraction, high: Fraction, cells: int, spacing: str) -> tuple[int, ...] | None:
    """All levels, or None as soon as two collide. Gaps are narrowest at the bottom, so it shows early."""
    result = [round(low)]
    level = _arithmetic if spacing == "arithmetic" else _geometric
    shape = _Shape(low, high, cells)
    for i in range(1, cells + 1):
        ticks = level(shape, i)
        if ticks <= result[-1]:
            return None
        result.append(ticks)
    return tuple(result)


def _most_cells(low: Fraction, high: Fraction, cells: int, spacing: str) -> int:
    # A fit is certain while the narrowest exact gap is a tick or more; the bisection finds that edge, the
    # walk goes on through the few numbers beyond it that happen to round apart.
    good, bad = 0, cells
    while bad - good > 1:
        middle = (good + bad) // 2
        if _all(low, high, middle, spacing) is None:
            bad = middle
        else:
            good = middle
    for more in range(min(cells - 1, round(high) - round(low), good + 50), good, -1):
        if _all(low, high, more, spacing) is not None:
            return more
    return good


class _Shape:
    """What all levels of one grid share."""

    def __init__(self, low: Fraction, high: Fraction, cells: int) -> None:
        self.low, self.high, self.cells = low, high, cells
        self.step = (high - low) / cells
        # Common denominator: arithmetic levels are then one integer division each.
        self.unit = math.lcm(low.denominator, self.step.denominator)
        self.low_units, self.step_units = int(low * self.unit), int(self.step * self.unit)
        self.low_float, self.ratio = float(low), float(high / low)


def _arithmetic(shape: _Shape, i: int) -> int:
    whole, rest = divmod(shape.low_units + i * shape.step_units, shape.unit)
    twice = 2 * rest
    return whole + (twice > shape.unit or (twice == shape.unit and whole % 2 == 1))


def _geometric(shape: _Shape, i: int) -> int:
    if i == shape.cells:
        return round(shape.high)
    # The float's error is some 1e-15 of its value; it decides unless a tie is within a thousand times that. Far
    # beyond the ends the error of the ratio is multiplied.
    if abs(i) <= 10 * shape.cells:
        near: float = shape.low_float * shape.ratio ** (i / shape.cells)
        if abs(near % 1.0 - 0.5) > near * 1e-12 + 1e-9:
            return round(near)
    return _geometric_exact(shape.low, shape.high, i, shape.cells)


def _geometric_exact(low: Fraction, high: Fraction, i: int, cells: int) -> int:
    ratio = _WIDE.divide(Decimal(high.numerator * low.denominator), Decimal(high.denominator * low.numerator))
    power = _WIDE.exp(_WIDE.divide(_WIDE.multiply(_WIDE.ln(ratio), Decimal(i)), Decimal(cells)))
    value = _WIDE.divide(_WIDE.multiply(Decimal(low.numerator), power), Decimal(low.denominator))
    whole = int(value)
    if abs(value - whole - Decimal("0.5")) > Decimal(10) ** -30:
        return round(value)
    # As good as a tie: compare the exact powers instead of the roots.
    exact, tie = low ** (cells - i) * high**i, Fraction(2 * whole + 1, 2) ** cells
    return whole + (exact > tie or (exact == tie and whole % 2 == 1))
