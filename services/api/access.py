"""Who may call what: every route names the least role it needs and the ways it can fail.

    @router.get("/things", **open_to(VIEWER, 404))

A route without a role cannot be made. The role is published in the OpenAPI document as `x-role`.
"""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header
from fastapi.security import HTTPBearer

from autogrid.errors import NotAllowed, NotSignedIn
from services.api.errors import problems

#: PUBLIC needs no sign-in; each of the others includes those before it.
PUBLIC, VIEWER, TRADER, ADMIN = "public", "viewer", "trader", "admin"
#: What an Idempotency-Key looks like.
KEY = r"^[A-Za-z0-9_.:-]{1,128}$"
_RANK = {PUBLIC: 0, VIEWER: 1, TRADER: 2, ADMIN: 3}


_bearer = HTTPBearer(auto_error=False, description="An access token, or an API key (ag_...).")


async def _idempotency_key(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key", pattern=KEY,
            description="The same request sent again with the same key changes nothing and returns the first answer.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Only documents the header; the route acts on it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request."""

    id: int
    email: str
    role: str
    #: The sign-in it belongs to; None for an API key.
    session_id: UUID | None

    @property
    def sees(self) -> int | None:
        """Whose things the caller sees: an owner's id, or None for everybody's."""
        return None if self.role == ADMIN else self.id


def open_to(role: str, *errors: int, idempotent: bool = False) -> dict[str, Any]:
    """Keywords for a route decorator: least role, documented errors, whether an Idempotency-Key is taken."""
    common = () if role == PUBLIC else (401, 403)
    extra: dict[str, Any] = {"x-role": role}
    documented = [] if role == PUBLIC else [Depends(_bearer)]
    if idempotent:
        extra["x-idempotent"] = True
        errors = (*errors, 409, 422)
        documented.append(Depends(_idempotency_key))
    responses = problems(*common, *errors, 500, 503)
    return {"openapi_extra": extra, "responses": responses, "dependencies": documented}


def weaker(one: str, other: str) -> str:
    """The role with fewer rights."""
    return min(one, other, key=_RANK.__getitem__)


def require(caller: Caller | None, role: str) -> None:
    """NotSignedIn or NotAllowed unless the caller has at least `role`."""
    if role == PUBLIC:
        return
    if caller is None:
        raise NotSignedIn("expected Authorization: Bearer TOKEN, found none: sign in at /v1/auth/login")
    if _RANK[caller.role] < _RANK[role]:
        raise NotAllowed(f"this needs the role {role}, you are {caller.role}: ask an admin")
