"""Passwords, kept as argon2 hashes."""

from functools import lru_cache
from typing import TYPE_CHECKING

from autogrid.errors import InvalidInput

if TYPE_CHECKING:
    from pwdlib import PasswordHash

SHORTEST, LONGEST = 12, 256


@lru_cache(maxsize=1)
def _hasher() -> "PasswordHash":
    from pwdlib import PasswordHash

    return PasswordHash.recommended()


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher().hash("nobody has this password")


def hash_of(password: str) -> str:
    """The hash to keep; InvalidInput for a password that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(f"password: expected {SHORTEST} to {LONGEST} characters, found {len(password)}")
    return _hasher().hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether the password is the one kept. None (no such user) takes as long as a wrong password and is False."""
    if len(password) > LONGEST:
        return False
    right = _hasher().verify(password, kept or _nobody())
    return right and kept is not None
