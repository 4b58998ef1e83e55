"""Alert targets and alerts as the API shows them."""

from datetime import datetime, time
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StringConstraints,
    model_validator,
)

from services.api.deps import Name
from services.api.users.models import TimeZone
from services.common.news import Kind

Kinds = Annotated[list[Kind], Field(min_length=1, max_length=6)]


#: Time of day in the target's time zone.
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"), Field(examples=["22:00"])]


def _hours(value: time | str | None) -> str | None:
    return value.strftime("%H:%M") if isinstance(value, time) else value


class NewTarget(BaseModel):
    """Where you want to be told."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "phone", "url": "tgram://123456789:token/4711", "kinds": ["bot_halted", "digest"],
                          "quiet_start": "22:00", "quiet_end": "07:00", "time_zone": "Europe/Berlin"}]
        }
    )  # fmt: skip

    name: Name
    #: As apprise writes it (https://appriseit.com); kept encrypted, never shown again.
    url: Annotated[SecretStr, Field(min_length=3, max_length=2000)]
    kinds: Kinds
    #: Between these times what is not urgent waits; both or neither.
    quiet_start: Clock | None = None
    quiet_end: Clock | None = None
    time_zone: TimeZone = "UTC"
    enabled: StrictBool = True

    @model_validator(mode="after")
    def _both(self) -> "NewTarget":
        if (self.quiet_start is None) != (self.quiet_end is None):
            raise ValueError("expected quiet_start and quiet_end, found one of them")
        return self


class TargetChange(BaseModel):
    """What may change about a target; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    url: Annotated[SecretStr, Field(min_length=3, max_length=2000)] | None = None
    kinds: Kinds | None = None
    enabled: StrictBool | None = None
    time_zone: TimeZone | None = None


class Target(BaseModel):
    """Where you are told."""

    id: int
    owner_id: int
    name: str
    kinds: list[Kind]
    quiet_start: Annotated[Clock | None, BeforeValidator(_hours)]
    quiet_end: Annotated[Clock | None, BeforeValidator(_hours)]
    time_zone: str
    enabled: bool
    created_at: datetime


class Tried(BaseModel):
    """What became of a test message."""

    delivered: bool
    detail: str


class Alert(BaseModel):
    """What you were told."""

    id: int
    owner_id: int
    target_id: int | None
    at: datetime
    kind: Kind
    title: str
    body: str
    #: pending; quiet: waits for the end of the quiet hours; sent; failed; repeated: told shortly before; no_target.
    outcome: Literal["pending", "quiet", "sent", "failed", "repeated", "no_target"]
