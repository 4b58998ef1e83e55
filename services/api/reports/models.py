"""Reports and schedules as the API shows them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from services.api.deps import NO_ZERO
from services.api.users.models import TimeZone

Template = Literal["study", "bot_daily", "portfolio_weekly", "data_quality"]
Params = dict[Annotated[str, Field(max_length=40, pattern=NO_ZERO)], Annotated[int, Field(ge=1, le=2**31 - 1)]]
Cron = Annotated[
    str, StringConstraints(max_length=100, pattern=r"^[^\x00]*$"), Field(examples=["0 8 * * *", "30 7 * * 1-5"])
]


class TemplateInfo(BaseModel):
    """A report that can be made."""

    name: Template
    title: str
    #: Names of its parameters, all of them whole numbers.
    params: list[str]


class NewReport(BaseModel):
    """A report to be made now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"template": "bot_daily", "params": {"bot_id": 1}}]})

    template: Template
    params: Params = {}


class Report(BaseModel):
    """A report."""

    id: int
    owner_id: int
    schedule_id: int | None
    template: Template
    params: Params
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    attempts: int
    #: Why it failed, or why the last attempt did.
    error: str | None
    has_html: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class NewSchedule(BaseModel):
    """A report that comes by itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"template": "portfolio_weekly", "cron": "0 8 * * 1", "time_zone": "Europe/Berlin"}]
        }
    )  # fmt: skip

    template: Template
    params: Params = {}
    #: Minute, hour, day, month, day of week, read in time_zone.
    cron: Cron
    time_zone: TimeZone = "UTC"
    enabled: StrictBool = True


class ScheduleChange(BaseModel):
    """What may change about a schedule; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    cron: Cron | None = None
    time_zone: TimeZone | None = None
    enabled: StrictBool | None = None


class Schedule(BaseModel):
    """A report that comes by itself."""

    id: int
    owner_id: int
    template: Template
    params: Params
    cron: str
    time_zone: str
    enabled: bool
    #: When it is made next; null while it is switched off.
    next_at: datetime | None
    last_report_id: int | None
    created_at: datetime
