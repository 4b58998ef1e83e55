"""Users and API keys as the API shows them."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StrictBool

from services.api.auth.models import Password
from services.api.deps import Name

Role = Literal["viewer", "trader", "admin"]


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"expected an IANA time zone such as Europe/Berlin, found {name!r}")
    return name


#: An IANA name.
TimeZone = Annotated[str, AfterValidator(_zone), Field(examples=["UTC", "Europe/Berlin"], max_length=64)]


class User(BaseModel):
    """A user."""

    id: int
    email: str
    role: Role
    #: False: may not sign in.
    active: bool
    time_zone: str
    created_at: datetime


class MeChange(BaseModel):
    """What users may change about themselves; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    time_zone: TimeZone | None = None
    #: Needs current_password; ends all sessions.
    password: Password | None = None
    current_password: SecretStr | None = None


class UserChange(BaseModel):
    """What an admin may change about a user."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    active: StrictBool | None = None


class NewKey(BaseModel):
    """An API key to be made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "laptop", "role": "viewer"}]})

    name: Name
    #: The most the key may do; None: what you may do.
    role: Role | None = None


class Key(BaseModel):
    """An API key; the key itself is shown once, when it is made."""

    id: int
    name: str
    #: How it begins.
    prefix: str
    role: Role
    created_at: datetime
    last_used_at: datetime | None


class MadeKey(Key):
    """A new API key."""

    #: Keep it: it is not shown again.
    key: str
