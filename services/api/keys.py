"""The key that signs access tokens: given by the settings, or in development kept in a file."""

import os
import secrets
from pathlib import Path

from autogrid.errors import InvalidInput
from autogrid.settings import Settings

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
    return _kept(settings.autogrid_home.expanduser() / "jwt.key")


def _kept(file: Path) -> str:
    """The file's secret; made if there is none. Several processes may start at once: the first one wins."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(secrets.token_urlsafe(48))
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return file.read_text(encoding="utf-8").strip()
