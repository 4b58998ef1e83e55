"""The key that signs access tokens: given by the settings, or in development kept in a file."""

from autogrid.errors import InvalidInput
from autogrid.settings import Settings
from services.common.keyfile import kept

_SHORTEST = 32


def jwt_secret(settings: Settings) -> str:
    """The signing key; InvalidInput where production has none, or a short one."""
    given = settings.jwt_secret
    if given is not None:
        if len(given.get_secret_value()) < _SHORTEST:
            raise InvalidInput(
                f"JWT_SECRET: expected at least {_SHORTEST} characters, found {len(given.get_secret_value())}. "
                "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        return given.get_secret_value()
    if settings.autogrid_env != "development":
        raise InvalidInput(
            "JWT_SECRET: expected a secret outside development, found none. "
            "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    return kept(settings.autogrid_home.expanduser() / "jwt.key")
