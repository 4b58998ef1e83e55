"""Timeframes such as "1m": their length and how their candles align."""

import re

from autogrid.errors import InvalidInput

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
#: The epoch was a Thursday; exchanges open weekly candles on Mondays.
_MONDAY = 4 * 86400
_LONGEST = 366 * 86400


def parse_timeframe(text: str) -> int:
    """Seconds of one candle: "1m" -> 60. Months vary in length and are refused."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})([smhdw])", text)
    if match is None:
        raise InvalidInput(
            f"timeframe: expected a number and one of s, m, h, d, w, such as 1m or 4h; found {text!r}. "
            "Months (1M) have no fixed length and are not supported."
        )
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds > _LONGEST:
        raise InvalidInput(f"timeframe: expected at most a year, found {text}")
    return seconds


def format_timeframe(seconds: int) -> str:
    """The shortest spelling: 60 -> "1m"."""
    for unit in ("w", "d", "h", "m"):
        if seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"


def anchor_ms(seconds: int) -> int:
    """Offset to which candle opens are congruent: 0, or Monday for whole weeks."""
    return _MONDAY * 1000 if seconds % _UNITS["w"] == 0 else 0
