"""Secrets out of everything that is written down: by the name of a field and by the look of a value.

Both are needed: a name says that a harmless-looking word is a password, a look finds a key inside a message or
traceback. Where in doubt more is hidden, since a log line is kept longer and seen by more people than the key.
"""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[redacted]"
_DEPTH = 8

_NAME = (
    r"pass(?:word|wd|phrase)|secret|token|api[-_ ]?key|apikey|authorization|cookie|private[-_ ]?key|credential"
    r"|encryption[-_ ]?key|signature|jwt|otp"
)
_NAMES = re.compile(_NAME, re.IGNORECASE)
#: Names that hold such a word and no secret.
_HARMLESS = re.compile(r"(?:_type|_id|_count|_at|_name|_left|_s)$", re.IGNORECASE)

_LOOKS: tuple[tuple[re.Pattern[str], str], ...] = (
    # a private key in PEM
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    # scheme://user:password@host, whatever the password holds; the last @ before a space is the separator
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@'\"]*):[^\s'\"]+@", re.IGNORECASE), rf"\1:{HIDDEN}@"),
    # notification targets carry the token as a path: tgram://bottoken/chat, https://hooks.slack.com/services/T/B/X
    (re.compile(r"\b(tgram|slack|discord|pover|ntfys?|matrixs?|gotifys?|sns)://[^\s'\"]+"), rf"\1://{HIDDEN}"),
    (re.compile(r"(hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks)/[^\s'\"]+"), rf"\1/{HIDDEN}"),
    (re.compile(r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b"), HIDDEN),  # a Telegram bot
    # Authorization headers in any spelling
    (
        re.compile(r"(authorization[\"']?\s*[:=,]\s*(?:b?[\"'])?)(?:(bearer|basic|token|digest)\s+)?[^\s\"',;]+", re.I),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    # JWT; Fernet token; argon2 hash; Fernet key (32 bytes, base64)
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"), HIDDEN),
    (re.compile(r"\bgAAAA[A-Za-z0-9_-]{40,}={0,2}"), HIDDEN),
    (re.compile(r"\$argon2[a-z]{1,2}\$[^\s'\"]+"), HIDDEN),
    (re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_+/-]{43}=(?![A-Za-z0-9=])"), HIDDEN),
    # an exchange's key or secret: 64 letters and digits, unless it is a sha256 in hex
    (re.compile(r"\b(?![0-9a-f]{64}\b)[A-Za-z0-9]{64}\b"), HIDDEN),
    (re.compile(r"\bag[a-z]*_[A-Za-z0-9_-]{20,}"), HIDDEN),  # our own API keys
    # name=value, name: value, 'name': 'value' and &signature=...
    (
        re.compile(
            rf"((?:{_NAME})[A-Za-z_]*[\"']?\s*[=:]\s*(?:[bur]?[\"'])?)(?!\[redacted\])([^\s\"'&,;}})\]]+)", re.I
        ),
        rf"\1{HIDDEN}",
    ),
)
_known: set[str] = set()


def protect(*values: str) -> None:
    """Hide these exact strings from now on wherever they turn up. Strings under 6 characters are left alone."""
    _known.update(value for value in values if len(value) >= 6)


def text(value: str) -> str:
    """`value` without the secrets in it."""
    for secret in _known:
        value = value.replace(secret, HIDDEN)
    for look, replacement in _LOOKS:
        value = look.sub(replacement, value)
    return value


def anything(value: Any, name: str = "", depth: int = 0) -> Any:
    """`value`, found under `name`, without secrets: mappings and sequences inside out, other objects as text."""
    if value is None or isinstance(value, bool | int | float):
        return HIDDEN if _is_secret(name) and not isinstance(value, bool) and value is not None else value
    if _is_secret(name):
        return HIDDEN
    if depth >= _DEPTH:
        return "..."
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bytes | bytearray):
        return text(bytes(value).decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {text(str(key)): anything(item, str(key), depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [anything(item, "", depth + 1) for item in value]
    return text(str(value) or repr(value))


def _is_secret(name: str) -> bool:
    return bool(_NAMES.search(name)) and not _HARMLESS.search(name)
