"""Who gets past the edge."""

import asyncio
from typing import Any

import pytest

from autogrid.settings import settings
from services.common.edge import EdgeOnly

FORWARDED = (b"x-forwarded-for", b"203.0.113.9")
TOKEN = (b"x-origin-token", b"open-sesame")


def ask(path: str, *headers: tuple[bytes, bytes], token: str | None = None, kind: str = "http") -> str:
    """'passed', or what was answered instead."""
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        sent.append({"type": "passed"})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(EdgeOnly(app, token)({"type": kind, "path": path, "headers": list(headers)}, None, send))
    first = sent[0]
    return str(first.get("status", first.get("code", first["type"])))


@pytest.mark.parametrize(
    ("path", "headers", "token", "expected"),
    [
        ("/metrics", [], None, "passed"),
        ("/metrics", [], "open-sesame", "passed"),
        ("/metrics", [FORWARDED], None, "404"),
        ("/metrics/", [FORWARDED], None, "404"),
        ("/metrics", [FORWARDED, TOKEN], "open-sesame", "404"),
        ("/metrics", [(b"cf-connecting-ip", b"203.0.113.9")], None, "404"),
        ("/metrics", [(b"forwarded", b"for=203.0.113.9")], None, "404"),
        ("/v1/bots", [FORWARDED], None, "passed"),
        ("/v1/bots", [FORWARDED], "open-sesame", "404"),
        ("/v1/bots", [FORWARDED, (b"x-origin-token", b"guess")], "open-sesame", "404"),
        ("/v1/bots", [FORWARDED, TOKEN], "open-sesame", "passed"),
        ("/v1/bots", [], "open-sesame", "passed"),
    ],
)
def test_requests(path: str, headers: list[tuple[bytes, bytes]], token: str | None, expected: str) -> None:
    assert ask(path, *headers, token=token) == expected


def test_websockets_and_the_server_itself() -> None:
    assert ask("/ws", FORWARDED, token="open-sesame", kind="websocket") == "1008"
    assert ask("/ws", FORWARDED, TOKEN, token="open-sesame", kind="websocket") == "passed"
    assert ask("", token="open-sesame", kind="lifespan") == "passed"


def test_the_token_comes_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORIGIN_TOKEN", "open-sesame")
    settings.cache_clear()
    try:
        assert ask("/v1/bots", FORWARDED) == "404"
        assert ask("/v1/bots", FORWARDED, TOKEN) == "passed"
    finally:
        monkeypatch.delenv("ORIGIN_TOKEN")
        settings.cache_clear()
