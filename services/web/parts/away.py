"""The way to the sign-in page and back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from nicegui import ui

from services.web.client import ApiError

#: static/page.js notes when a page begins to be left. An answer that takes longer never came, or was a download.
_LEFT_WITHIN_MS = 30_000


def sign_in_url(path: str, *, over: bool = False) -> str:
    """Where to sign in, to come back to `path`; `over` says that a session has ended."""
    return f"/sign-in?next={quote(path)}" + ("&over=1" if over else "")


def session_over() -> None:
    """The session of this page has ended: sign in again, and come back."""
    lead(sign_in_url(ui.context.client.request.url.path, over=True), "The session is over.")


def lead(url: str, why: str) -> None:
    """Go there, unasked; `why` is said on the browser's console.

    Who has just followed a link is not called back from it: the page it leads to asks for the sign-in, or tells of the
    outage, by itself, and leads to where the visitor wanted to go.
    """
    ui.run_javascript(
        f"console.info({json.dumps(why)});"
        f"if (!(Date.now() - window.leavingAt < {_LEFT_WITHIN_MS})) window.location.assign({json.dumps(url)});"
    )


@contextmanager
def leaving() -> Iterator[None]:
    """What is done inside ends the session and leaves this page: nobody is told that it has ended."""
    ui.run_javascript("window.leavingAt = Date.now();")
    try:
        yield
    except ApiError:
        ui.run_javascript("window.leavingAt = undefined;")
        raise
