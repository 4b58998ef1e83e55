"""Exchange credentials at rest: Fernet tokens under ENCRYPTION_KEY, with rotation."""

import contextlib
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from autogrid.errors import InvalidInput
from autogrid.settings import settings
from autogrid.store.live_tables import account
from autogrid.store.user_tables import alert_target

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

KEY_FILE = "encryption.key"
_NEW = "make one with: autogrid secrets new"


def new_key() -> str:
    """A new key for ENCRYPTION_KEY."""
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def fernet() -> "MultiFernet":
    """All keys of this process: the first encrypts, each decrypts. InvalidInput says which is missing or malformed."""
    from cryptography.fernet import Fernet, MultiFernet

    found = []
    keys = _keys()
    for number, key in enumerate(keys, 1):
        try:
            found.append(Fernet(key))
        except ValueError:
            raise InvalidInput(
                f"ENCRYPTION_KEY: expected 32 bytes as url-safe base64 (44 characters), found {len(key)} characters "
                f"as key {number} of {len(keys)}; {_NEW}"
            ) from None
    return MultiFernet(found)


def seal(account_id: int, credentials: dict[str, str]) -> bytes:
    """Encrypt what opens an exchange account. The token opens for this account only."""
    return fernet().encrypt(json.dumps({"account": account_id, "credentials": credentials}).encode())


def unseal(token: bytes, account_id: int, name: str) -> dict[str, str]:
    """The inverse of `seal`. InvalidInput if no key of this process fits, or the token was changed."""
    from cryptography.fernet import InvalidToken

    try:
        content: dict[str, Any] = json.loads(fernet().decrypt(token))
    except InvalidToken:
        raise _closed(f"account {name!r}") from None
    if content["account"] != account_id:
        raise InvalidInput(
            f"account {name!r}: expected its own credentials, found those of account {content['account']}; "
            f"somebody moved them in the database. Enter them again: autogrid accounts set-key {name}"
        )
    found: dict[str, str] = content["credentials"]
    return found


def seal_text(text: str) -> bytes:
    """Encrypt a secret that belongs to no account."""
    return fernet().encrypt(text.encode())


def open_text(token: bytes, what: str) -> str:
    """The inverse of `seal_text`; InvalidInput, naming `what` it was, if no key of this process fits."""
    from cryptography.fernet import InvalidToken

    try:
        return fernet().decrypt(token).decode()
    except InvalidToken:
        raise _closed(what) from None


def rotate(engine: Engine) -> int:
    """Encrypt every credential and alert address anew under the first key, all or none; how many there are.

    Put the new key in front of the old one, restart every process, rotate, then remove the old key. Readers are
    not disturbed: until the commit they see the old tokens, which the old key opens.
    """
    with engine.begin() as connection:
        return _rotate(connection, account.c.credentials, "account") + _rotate(
            connection, alert_target.c.url, "alert target"
        )


def _rotate(connection: Connection, column: "sa.Column[bytes]", kind: str) -> int:
    from cryptography.fernet import InvalidToken

    keys, table = fernet(), column.table
    query = sa.select(table.c.id, table.c.name, column.label("token"))
    changes = []
    for row in connection.execute(query.where(column.is_not(None)).order_by(table.c.id).with_for_update()):
        try:
            changes.append({"which": row.id, "token": keys.rotate(row.token)})
        except InvalidToken:
            raise _closed(f"{kind} {row.name!r}") from None
    if changes:
        update = sa.update(table).where(table.c.id == sa.bindparam("which"))
        connection.execute(update.values({column.name: sa.bindparam("token")}), changes)
    return len(changes)


def _closed(what: str) -> InvalidInput:
    return InvalidInput(
        f"{what}: its credentials open with none of the keys in ENCRYPTION_KEY, or were tampered with. "
        "Nothing was changed. Put the key they were encrypted with back (behind a comma, after the new one), "
        "or enter them again: autogrid accounts set-key NAME for an account"
    )


def _keys() -> list[str]:
    configured = settings().encryption_key
    if configured is not None:
        keys = [key.strip() for key in configured.get_secret_value().split(",") if key.strip()]
        if keys:
            return keys
    if settings().autogrid_env != "development":
        raise InvalidInput(f"ENCRYPTION_KEY: expected a key, since AUTOGRID_ENV is production, found none; {_NEW}")
    return [_development_key(settings().autogrid_home.expanduser() / KEY_FILE)]


def _development_key(path: Path) -> str:
    """The key kept in `path`, made at first use; of two processes at once one makes it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, mine = tempfile.mkstemp(dir=path.parent)  # readable by its owner only
        with os.fdopen(descriptor, "w") as file:
            file.write(new_key())
        with contextlib.suppress(FileExistsError):
            os.link(mine, path)
        os.unlink(mine)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise InvalidInput(
            f"{path}: expected a file that only its owner reads, found others may; run: chmod 600 {path}"
        )
    return path.read_text().strip()
