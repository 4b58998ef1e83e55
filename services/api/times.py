"""Times at the border: with an offset coming in, UTC going out."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def _utc(time: datetime) -> datetime:
    # Candles and bots begin after 1970; what lies outside is the same as the edge.
    try:
        return min(max(time.astimezone(UTC), _FIRST), _LAST)
    except OverflowError:
        return _FIRST if time.year < 5000 else _LAST


def _written(time: object) -> object:
    # "0.5" would be half a second after 1970.
    if isinstance(time, str) and ":" not in time:
        raise ValueError("expected a date and time with its offset, such as 2026-01-31T12:00:00Z")
    return time


#: An ISO 8601 time with its offset, as UTC.
Moment = Annotated[
    AwareDatetime, BeforeValidator(_written), AfterValidator(_utc), Field(examples=["2026-01-31T12:00:00Z"])
]
