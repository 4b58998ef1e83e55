"""The way to the sign-in page and back."""

import json
from urllib.parse import quote

from nicegui import ui

#: Runs in every page: a page that is being left (a link was followed, its answer has not come) knows it.
LEAVING = "<script>addEventListener('beforeunload', () => { window.leavingAt = Date.now(); });</script>"
#: An answer that takes longer never came, or was a download.
_LEFT_WITHIN_MS = 30_000


def sign_in_url(path: str, *, over: bool = False) -> str:
    """Where to sign in, to come back to `path`; `over` says that a session has ended."""
    return f"/sign-in?next={quote(path)}" + ("&over=1" if over else "")


def session_over() -> None:
    """The session of this page has ended: sign in again, and come back.

    Who has just followed a link is not called back from it: the page it leads to asks for the sign-in by itself, and
    leads to where the visitor wanted to go.
    """
    url = json.dumps(sign_in_url(ui.context.client.request.url.path, over=True))
    ui.run_javascript(
        "console.info('The session is over.');"
        f"if (!(Date.now() - window.leavingAt < {_LEFT_WITHIN_MS})) window.location.assign({url});"
    )
