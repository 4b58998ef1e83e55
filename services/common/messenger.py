"""One message to one apprise URL."""

import warnings
from functools import lru_cache
from typing import Any

from services.common import redact


@lru_cache(maxsize=1)
def _apprise() -> Any:
    with warnings.catch_warnings():
        # It imports a module of the standard library that Python 3.13 drops, and does without it there.
        warnings.simplefilter("ignore")
        import apprise  # type: ignore[import-untyped,unused-ignore]

        # Loads the plugins.
        apprise.Apprise.instantiate("json://localhost")

    return apprise


def understands(url: str) -> bool:
    """Whether apprise knows what to do with a URL. Local programs and files are not for users to reach."""
    scheme = url.partition(":")[0].strip().lower()
    if scheme in ("exec", "file", "syslog", "dbus", "gnome", "windows", "macosx", "kde", "qt", "glib"):
        return False
    return bool(_apprise().Apprise.instantiate(url, suppress_exceptions=True))


def send(url: str, title: str, body: str) -> str | None:
    """Send; None when it was delivered, else what went wrong (never the URL: it holds passwords)."""
    apprise = _apprise()
    target = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if not target:
        return "apprise does not understand the URL: enter it again"
    with apprise.LogCapture(level=apprise.logging.WARNING, fmt="%(message)s") as captured:
        if target.notify(body=body, title=title):
            return None
        said = " ".join(captured.getvalue().split())
    return redact.text(said)[:300] or "the service did not take the message"
