"""The path a price is taken to have walked inside a candle (contract, section 4)."""

from autogrid.errors import InvalidInput, shortened

NEAREST, LOW_FIRST, HIGH_FIRST = 0, 1, 2

#: Names of study files and keyword arguments -> code.
PATHS = {"nearest": NEAREST, "low_first": LOW_FIRST, "high_first": HIGH_FIRST}


def path_code(name: str) -> int:
    """The code of a path's name; `InvalidInput` for an unknown one."""
    if not isinstance(name, str) or name not in PATHS:
        raise InvalidInput(f"path must be one of {', '.join(PATHS)}, was {shortened(name)}")
    return PATHS[name]


def is_low_first(open_: int, high: int, low: int, close: int, order: int) -> bool:
    """True if the low is walked to before the high.

    Prices in ticks, with low <= open, close <= high. `nearest`: the extreme nearer to the open comes
    first; at equal distances the low if the candle closed at or above its open.
    """
    if order == LOW_FIRST:
        return True
    if order == HIGH_FIRST:
        return False
    up, down = high - open_, open_ - low
    return down < up or (down == up and close >= open_)


def points(open_: int, high: int, low: int, close: int, order: int) -> tuple[int, int, int, int]:
    """The four prices a consistent candle's price visits, in order. The leg to the first is the gap."""
    if is_low_first(open_, high, low, close, order):
        return open_, low, high, close
    return open_, high, low, close
