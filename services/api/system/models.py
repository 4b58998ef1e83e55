"""The state of the installation as the API shows it."""

from typing import Literal

from pydantic import BaseModel


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether requests can be served, and what each check found: "ok" or what is wrong."""

    ready: bool
    checks: dict[str, str]
