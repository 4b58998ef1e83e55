"""What may reach a service from outside: only requests that came through our own edge, and never /metrics.

A request that passed any proxy carries a header that the proxy adds and the client cannot take away. Inside the
private network (health checks, Prometheus, the page calling the API) there is none.
"""

import hmac
from typing import Any

from autogrid.settings import settings

_PROXIED = (b"x-forwarded-for", b"forwarded", b"cf-connecting-ip", b"do-connecting-ip")
_TOKEN = b"x-origin-token"


class EdgeOnly:
    """ASGI middleware. With `origin_token` set, proxied requests must carry it: the edge adds it, strangers do not.

    /metrics is answered to unproxied requests only, whatever the setting. A refusal says nothing about why.
    """

    def __init__(self, app: Any, token: str | None = None) -> None:
        self._app = app
        configured = settings().origin_token
        self._token = token or (configured.get_secret_value() if configured else None)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass the request on, or answer it here."""
        if scope["type"] not in ("http", "websocket") or self._allowed(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

    def _allowed(self, scope: dict[str, Any]) -> bool:
        headers = dict(scope["headers"])
        if not any(name in headers for name in _PROXIED):
            return True
        if scope["path"].rstrip("/") == "/metrics":
            return False
        return self._token is None or hmac.compare_digest(headers.get(_TOKEN, b""), self._token.encode())
