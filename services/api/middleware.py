"""What happens to every request: an id, security headers, a log line, metrics; nothing escapes as a bare 500."""

import re
import secrets
import time

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api import errors
from services.common import logs, metrics

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=31536000",
}
#: Pages for people bring scripts and styles.
_PAGES = ("/docs",)
_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_QUIET = ("/healthz", "/readyz", "/metrics")


class Envelope:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        began = time.perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _decorate(message, scope["path"], request_id)
            await send(message)

        with logs.bound(request_id=request_id):
            try:
                await self.app(scope, receive, sending)
            except Exception as error:  # noqa: BLE001 - the last resort: answered, logged and counted, whatever it is
                if status:  # too late to answer
                    logs.get_logger().error("response_broken", exc_info=error)
                else:
                    await errors.answer(Request(scope), error)(scope, receive, sending)
            finally:
                _count(scope, status, time.perf_counter() - began)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return str(value.decode())
    return secrets.token_hex(10)


def _decorate(message: Message, path: str, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-Id"] = request_id
    for name, value in HEADERS.items():
        if name not in headers and not (name == "Content-Security-Policy" and path.startswith(_PAGES)):
            headers[name] = value


def _count(scope: Scope, status: int, seconds: float) -> None:
    # By template: a path would make a series of every id.
    route = getattr(scope.get("route"), "path_format", "unmatched")
    method = scope["method"] if status != 405 else "other"
    metrics.HTTP_SECONDS.labels(route, method).observe(seconds)
    metrics.HTTP_REQUESTS.labels(route, method, f"{status // 100}xx").inc()
    if scope["path"] not in _QUIET:
        logs.get_logger().info("request", route=route, method=method, status=status, ms=round(seconds * 1000, 1))
