"""Bodies of sign-up and sign-in."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, EmailStr, Field, SecretStr, StringConstraints

#: RFC 5321 allows 254 characters.
Email = Annotated[EmailStr, StringConstraints(max_length=254)]
Password = Annotated[SecretStr, Field(min_length=12, max_length=256)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]


class Signup(BaseModel):
    """A new user."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@example.org", "password": "correct horse battery"}]}
    )

    email: Email
    password: Password


class Login(BaseModel):
    """Who wants to sign in."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@example.org", "password": "correct horse battery"}]}
    )

    email: Email
    password: Annotated[SecretStr, Field(min_length=1, max_length=256)]


class Refresh(BaseModel):
    """A refresh token."""

    refresh_token: Token


class Tokens(BaseModel):
    """What a sign-in gives."""

    #: Send it as Authorization: Bearer ...
    access_token: str
    #: Good for one use: trade it for the next pair before the access token ends.
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"
    #: Seconds the access token lasts.
    expires_in: int


class Options(BaseModel):
    """What this installation offers to people who are not signed in."""

    #: Whether you may create yourself a user.
    signup: bool
    version: str
