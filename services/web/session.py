"""Whose browser this is: the cookie names a session, its tokens stay here."""

from typing import Any
from weakref import WeakValueDictionary

import httpx
from nicegui import app

from autogrid.errors import InvalidInput
from autogrid.settings import Settings, settings
from services.common.keyfile import kept
from services.web.client import Api, Tokens, connect

_SHORTEST = 32
#: Session -> the one Api that renews its tokens, as long as a page of it is open.
_apis: WeakValueDictionary[str, Api] = WeakValueDictionary()
_http: list[httpx.AsyncClient] = []


def web_secret(chosen: Settings) -> str:
    """The key that signs session cookies; InvalidInput where production has none, or a short one."""
    given = chosen.web_secret.get_secret_value() if chosen.web_secret else ""
    if len(given) >= _SHORTEST:
        return given
    if chosen.autogrid_env == "development" and not given:
        return kept(chosen.autogrid_home.expanduser() / "web.key")
    raise InvalidInput(
        f"WEB_SECRET: expected at least {_SHORTEST} characters, found {len(given) or 'none'}. "
        "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
    )


def current() -> Api:
    """The Api of this browser's session; `tokens` is None for a stranger."""
    session, store = app.storage.browser["id"], app.storage.user

    def keep(tokens: Tokens | None) -> None:
        store["tokens"] = None if tokens is None else [tokens.access, tokens.refresh]

    api = _apis.get(session)
    if api is None:
        found: Any = store.get("tokens")
        api = Api(_shared(), Tokens(*found) if found else None, keep)
        _apis[session] = api
    # NiceGUI may have dropped and read again what it stores of a session: write into the newest.
    api.keep = keep
    return api


def _shared() -> httpx.AsyncClient:
    if not _http:
        token = settings().origin_token
        _http.append(connect(settings().api_url, token.get_secret_value() if token else None))
    return _http[0]


async def close() -> None:
    """Give the connections back."""
    while _http:
        await _http.pop().aclose()
