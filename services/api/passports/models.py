"""Passports as the API shows them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel


class Listed(BaseModel):
    """A passport in a list."""

    #: sha256 of what it says.
    id: str
    owner_id: int | None
    study_name: str
    #: sha256 of the code that was proven; workers with other code refuse its bots.
    code_hash: str
    created_at: datetime | None


class Passport(Listed):
    """What was promoted and what it was proven on. It never changes."""

    #: The study, in canonical form.
    study: str
    candles_sha256: str
    #: sha256 of the fills, equal in backtest and replay.
    fills_sha256: str
    #: The backtest, as `autogrid backtest --json`.
    result: dict[str, Any]
    gates: list[dict[str, Any]]
