"""Work on the research queue as the API shows it."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.api.deps import NO_ZERO, Name
from services.api.studies.models import Toml

JobKind = Literal["backtest", "sweep", "promotion", "verification"]
Status = Literal["queued", "running", "done", "failed", "cancelled"]
Value = Annotated[str, Field(max_length=40, pattern=NO_ZERO)] | int
StudyId = Annotated[int, Field(ge=1, le=2**31 - 1)]


class FromStudy(BaseModel):
    """A kept study, or the text of one."""

    study_id: StudyId | None = None
    text: Toml | None = None

    @model_validator(mode="after")
    def _one(self) -> "FromStudy":
        if (self.study_id is None) == (self.text is None):
            raise ValueError("expected study_id or text, one of them")
        return self


class NewBacktest(FromStudy):
    """A study to be backtested, or swept over some fields of its grid."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"study_id": 1}, {"study_id": 1, "sweep": {"cells": [20, 40, 60]}}]}
    )

    #: Field of the grid -> the values to try; every combination is run.
    sweep: dict[Annotated[str, Field(max_length=40, pattern=NO_ZERO)], Annotated[list[Value], Field(max_length=500)]] | None = None  # fmt: skip  # noqa: E501


class NewPromotion(FromStudy):
    """A study to be proven and turned into a bot."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"study_id": 1, "to": "paper", "account_id": 1}]})

    to: Literal["paper", "live"]
    account_id: StudyId
    #: The bot's name; by default the study's.
    name: Name | None = None


class Job(BaseModel):
    """A piece of work."""

    id: int
    owner_id: int
    kind: JobKind
    status: Status
    #: 0 to 1.
    progress: float
    #: What it is at.
    message: str | None
    #: Why it failed.
    error: str | None
    study_id: int | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class Result(BaseModel):
    """What a job found."""

    id: int
    kind: JobKind
    #: backtest: as `autogrid backtest --json`; sweep: {fields, rows, selection}, the last of which is whether the best
    #: is more than luck (figures, verdict, passes) or {refused: why that cannot be said}; promotion: {passport_id,
    #: bot_id, gates}; verification: {verified, differences}.
    result: dict[str, Any]


Amount = Annotated[Decimal, Field(gt=0, max_digits=30, decimal_places=12)]
