"""The way to the sign-in page and back."""

from urllib.parse import quote

from nicegui import ui


def sign_in_url(path: str, *, over: bool = False) -> str:
    """Where to sign in, to come back to `path`; `over` says that a session has ended."""
    return f"/sign-in?next={quote(path)}" + ("&over=1" if over else "")


def session_over() -> None:
    """The session of this page has ended: sign in again, and come back."""
    ui.navigate.to(sign_in_url(ui.context.client.request.url.path, over=True))
