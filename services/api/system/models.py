"""The state of the installation as the API shows it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.api.deps import Text


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether requests can be served, and what each check found: "ok" or what is wrong."""

    ready: bool
    checks: dict[str, str]


class Server(BaseModel):
    """The database server."""

    version: str
    bytes: int
    connections: int
    connections_max: int


class System(BaseModel):
    """The state of the installation."""

    version: str
    time: datetime
    #: As /readyz.
    ready: bool
    checks: dict[str, str]
    #: null while it does not answer.
    database: Server | None
    #: Tasks that wait, by queue; null while Redis does not answer.
    queues: dict[str, int] | None
    #: Your bots (an admin: all), by status.
    bots: dict[str, int]


class Workers(BaseModel):
    """Workers that answered just now."""

    workers: list[str]


class Entry(BaseModel):
    """Something somebody did."""

    id: int
    at: datetime
    user_id: int | None
    email: str | None
    #: Name of the operation, such as stop_bot.
    action: str
    object: str
    #: The HTTP status it ended with; of commands their exit code.
    outcome: int
    ip: str | None
    request_id: str


class Kill(BaseModel):
    """What is to be stopped at once, all orders cancelled."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"scope": "account", "id": 1, "reason": "key leaked"}, {"scope": "mine"}]}
    )

    #: bot and account need an id; mine: all your bots; everything: all bots of all users (admins).
    scope: Literal["bot", "account", "mine", "everything"]
    id: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    reason: Annotated[Text, Field(max_length=200)] = "kill switch"

    @model_validator(mode="after")
    def _complete(self) -> "Kill":
        if (self.id is not None) != (self.scope in ("bot", "account")):
            raise ValueError("expected an id with the scopes bot and account, and none with the others")
        return self


class Switch(BaseModel):
    """A kill switch. While it is engaged nothing that it covers starts, resumes or is promoted (409)."""

    id: int
    scope: Literal["bot", "account", "mine", "everything"]
    bot_id: int | None
    account_id: int | None
    #: Whose things it stops; null: everybody's.
    owner_id: int | None
    reason: str
    #: The user; null: the command line of the server.
    engaged_by: int | None
    engaged_at: datetime
    released_by: int | None
    #: null while it is engaged.
    released_at: datetime | None
    #: Whether you may release it: admins all of them, owners what they engaged themselves.
    may_release: bool


class Killed(BaseModel):
    """What the kill switch reached."""

    #: Bots that were alive; each is halted by its next tick, which is due now.
    bots: list[int]
    #: Engaged until somebody releases it at /v1/kill-switch/{id}/release.
    switch: Switch
