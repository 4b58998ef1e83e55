"""One message to one apprise URL."""

import warnings
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from autogrid.errors import InvalidInput
from autogrid.exchange import outbound
from services.common import redact

#: Schemes whose host the user chooses: a server of one's own, or a mail server.
HOSTED = frozenset((
    "json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos", "gotify", "gotifys", "ntfy", "ntfys",
    "matrix", "matrixs", "mmost", "mmosts", "rocket", "rockets", "nctalk", "nctalks", "mastodon", "mastodons",
    "toot", "toots", "signal", "signals", "bark", "barks", "apprise", "apprises", "hassio", "hassios", "synology",
    "synologys", "workflow", "workflows", "zulip",
))  # fmt: skip
#: Schemes of one service, whose hosts apprise knows. What is in neither list (local programs, syslog, D-Bus, raw
#: sockets, files) is refused.
SERVICES = frozenset((
    "azure", "betterstack", "brevo", "bulksms", "clickatell", "clicksend", "d7sms", "dingtalk", "discord", "elks",
    "feishu", "firehydrant", "flock", "gchat", "guilded", "ifttt", "ilert", "incidentio", "join", "lark", "line",
    "mailersend", "mailgun", "msgbird", "nexmo", "notifiarr", "o365", "onesignal", "opsgenie", "pagerduty",
    "pagertree", "pbul", "plivo", "postmark", "pover", "prowl", "pushed", "pushme", "pushplus", "pushy", "qq",
    "resend", "revolt", "ryver", "schan", "sendgrid", "ses", "seven", "signl4", "simplepush", "sinch", "slack",
    "smtp2go", "sns", "sparkpost", "spike", "splunk", "spush", "squadcast", "telnyx", "tgram", "threema", "twilio",
    "twist", "viber", "victorops", "voipms", "vonage", "webex", "wecom", "wecombot", "whatsapp", "wxpusher",
    "wxteams", "zoom",
))  # fmt: skip
#: Schemes that are named when they are refused.
_LOCAL = frozenset((
    "exec", "file", "syslog", "rsyslog", "dbus", "gnome", "windows", "macosx", "kde", "qt", "glib", "gio", "http",
    "https", "ftp", "irc",
))  # fmt: skip
#: Parameters that make apprise read a file of this machine, or fetch another address.
_READS = frozenset(("template", "pgpkey", "pgp_key", "keyfile", "subfile", "attach"))


@lru_cache(maxsize=1)
def _apprise() -> Any:
    with warnings.catch_warnings():
        # It imports a module of the standard library that Python 3.13 drops, and does without it there.
        warnings.simplefilter("ignore")
        import apprise  # type: ignore[import-untyped,unused-ignore]

        # Loads the plugins.
        apprise.Apprise.instantiate("json://localhost")

    return apprise


def check(url: str) -> None:
    """InvalidInput unless users may have messages sent there; it never says the URL, which holds passwords."""
    _target(url)


def send(url: str, title: str, body: str) -> str | None:
    """Send; None when it was delivered, else what went wrong (never the URL: it holds passwords)."""
    try:
        # Again: a name may mean another address than when it was saved.
        target = _target(url)
    except InvalidInput as error:
        return str(error)
    apprise = _apprise()
    with apprise.LogCapture(level=apprise.logging.WARNING, fmt="%(message)s") as captured, outbound.guarded():
        if target.notify(body=body, title=title):
            return None
        said = " ".join(captured.getvalue().split())
    return redact.text(said)[:300] or "the service did not take the message"


def _target(url: str) -> Any:
    scheme = url.partition(":")[0].strip().lower()
    if scheme not in HOSTED | SERVICES:
        raise InvalidInput(
            "url: expected an apprise URL of a service that takes messages, such as tgram://TOKEN/CHAT "
            f"or jsons://example.org/hook, found {_named(scheme)}"
        )
    if reads := _READS & {name.lower().lstrip("-+:") for name, _ in parse_qsl(_query(url), keep_blank_values=True)}:
        raise InvalidInput(
            f"url: expected no parameter that reads files, found {', '.join(sorted(reads))}: leave it out"
        )
    target = _apprise().Apprise.instantiate(url, suppress_exceptions=True)
    if not target:
        raise InvalidInput(f"url: expected all that apprise needs for {scheme}://, found less: see appriseit.com")
    if scheme in HOSTED:
        for host in {str(getattr(target, name, None) or "") for name in ("host", "smtp_host")} - {""}:
            outbound.check_host(host, "url")
    return target


def _query(url: str) -> str:
    try:
        return urlsplit(url).query
    except ValueError:
        return url.partition("?")[2]


def _named(scheme: str) -> str:
    """The scheme, if it is a well-known one: another text may be a password."""
    return f"{scheme}://" if scheme in _LOCAL else "another text"
