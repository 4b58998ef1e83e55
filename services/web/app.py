"""The web page as a server: pages, /healthz, /metrics, security headers."""

from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

from fastapi import Response
from nicegui import app, ui
from nicegui.storage import Storage
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autogrid.settings import Settings
from services.common import logs, metrics
from services.common.edge import EdgeOnly
from services.web import session

PAGES = (
    "sign_in",
    "overview",
    "bot",
    "studies",
    "study",
    "jobs",
    "passport",
    "accounts",
    "reports",
    "alerts",
    "system",
    "profile",
)
FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0b5cad"/>'
    '<path d="M3 4h10M3 8h10M3 12h10" stroke="#fff" stroke-width="1.4"/></svg>'
)
#: NiceGUI's pages begin with inline scripts, and Vue compiles templates in the browser.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; frame-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
#: A page waits so long for a browser that is silent (a phone in a tunnel, a busy machine); then it is loaded anew, and
#: what was typed is gone. Browsers are asked whether they are there every four fifths of it.
RECONNECT_S = 30.0
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Strict-Transport-Security": "max-age=31536000",
}


class Envelope:
    """Security headers and metrics of every request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    if name not in headers:
                        headers[name] = value
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            metrics.HTTP_SECONDS.labels(route, scope["method"]).observe(perf_counter() - began)
            metrics.HTTP_REQUESTS.labels(route, scope["method"], f"{status // 100}xx").inc()


async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


async def exposition() -> Response:
    """The metrics of this process."""
    body, content_type = await run_in_threadpool(metrics.render)
    return Response(body, media_type=content_type)


def run(chosen: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    secret = session.web_secret(chosen)
    # Tokens of visitors are kept here: a directory for nobody else.
    Storage.path = chosen.autogrid_home.expanduser() / "web"
    Storage.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in PAGES:
        import_module(f"services.web.pages.{name}")
    app.add_api_route("/healthz", healthz)
    app.add_api_route("/metrics", exposition)
    app.add_static_files("/static", Path(__file__).with_name("static"))
    app.add_middleware(Envelope)
    app.add_middleware(EdgeOnly)
    app.on_shutdown(session.close)
    app.on_startup(lambda: _started(chosen))
    app.on_exception(_failed)
    ui.add_head_html(
        f'<link rel="stylesheet" href="{_static("page.css")}"><script src="{_static("page.js")}"></script>', shared=True
    )
    ui.run(
        host=chosen.web_host, port=chosen.web_port, title="AutoGrid", favicon=FAVICON, dark=None, language="en-US",
        storage_secret=secret, reload=False, show=False, tailwind=False, show_welcome_message=False,
        session_middleware_kwargs={"same_site": "lax", "https_only": chosen.autogrid_env == "production"},
        log_config=None, access_log=False, timeout_graceful_shutdown=3, reconnect_timeout=RECONNECT_S,
    )  # fmt: skip


def _static(name: str) -> str:
    """Where a file is; another address when it has changed."""
    age = int(Path(__file__).with_name("static").joinpath(name).stat().st_mtime)
    return f"/static/{name}?v={version('autogrid')}-{age}"


def _started(chosen: Settings) -> None:
    metrics.build("web")
    logs.get_logger().info("web_started", host=chosen.web_host, port=chosen.web_port, api=chosen.api_url)


def _failed(error: Exception) -> None:
    metrics.ERRORS.labels("web", type(error).__name__).inc()
    logs.get_logger().error("page_failed", exc_info=error)
