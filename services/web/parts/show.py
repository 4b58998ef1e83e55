"""Numbers, times and states as a reader wants them. What comes from the API is escaped: everything here is Markup."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

MINUS, NONE = "\N{MINUS SIGN}", Markup('<span class="soft">–</span>')
#: Status -> (sign, what colour it has beside the sign).
STATES = {
    "running": ("▶", "good"), "waiting": ("◷", "soft"), "paused": ("‖", "warn"), "stopping": ("◷", "warn"),
    "stopped": ("■", "soft"), "halted": ("✕", "bad"), "refused": ("!", "bad"), "queued": ("◷", "soft"),
    "done": ("✓", "good"), "failed": ("✕", "bad"), "cancelled": ("■", "soft"), "pass": ("✓", "good"),
    "warn": ("!", "warn"), "fail": ("✕", "bad"), "info": ("i", "soft"), "warning": ("!", "warn"),
    "critical": ("✕", "bad"), "sent": ("✓", "good"), "pending": ("◷", "soft"), "quiet": ("◷", "soft"),
    "repeated": ("≡", "soft"), "no_target": ("!", "warn"), "ok": ("✓", "good"), "open": ("●", "good"),
    "blocked": ("!", "bad"),
    "planned": ("◷", "soft"), "cancelling": ("◷", "warn"), "buy": ("▲", "good"), "sell": ("▼", "bad"),
}  # fmt: skip


def decimal(value: Any) -> Decimal | None:
    """A number of the API, or None."""
    try:
        return None if value is None or value == "" else Decimal(str(value))
    except InvalidOperation:
        return None


def plain(value: Any, digits: int | None = None) -> str:
    """Grouped in thousands; without `digits` two decimals, more where the number is small."""
    number = decimal(value)
    if number is None:
        return "–"
    if digits is None:
        size = abs(number)
        digits = 2 if size >= 10 or size == 0 else 4 if size >= 1 else min(8, 4 - size.adjusted())
        text = f"{abs(number):,.{digits}f}"
        if digits > 2:
            whole, _, part = text.partition(".")
            text = f"{whole}.{part.rstrip('0').ljust(2, '0')}"
    else:
        text = f"{abs(number):,.{digits}f}"
    return (MINUS if number < 0 and text.strip("0.,") else "") + text


def digits_for(size: Any) -> int:
    """Decimals for all amounts beside one of this size, so that a column reads well: 2, more where coins are dear."""
    number = decimal(size)
    return 2 if not number else max(2, min(8, 4 - number.adjusted()))


def exact(value: Any) -> str:
    """All its digits, no needless zeros."""
    number = decimal(value)
    if number is None:
        return "–"
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rounded(number: Decimal, digits: int) -> Decimal:
    """To so many significant digits."""
    return number.quantize(Decimal(1).scaleb(number.adjusted() - digits + 1)) + 0


def signed(value: Any, digits: int | None = None, unit: str = "") -> Markup:
    """With its sign, which its colour repeats."""
    number = decimal(value)
    if number is None:
        return NONE
    text = plain(number, digits)
    if number > 0 and text.strip("0.,"):
        text = f"+{text}"
    kind = "good" if text[0] == "+" else "bad" if text[0] == MINUS else "soft"
    return Markup('<span class="{}">{}{}</span>').format(kind, text, unit)


def percent(value: Any, digits: int = 2) -> Markup:
    """A fraction as signed percent."""
    number = decimal(value)
    return NONE if number is None else signed(number * 100, digits, " %")


def share(value: Any, digits: int = 1) -> str:
    """A fraction as percent without a sign of gain or loss."""
    number = decimal(value)
    return "–" if number is None else f"{plain(number * 100, digits)} %"


def state(name: Any) -> Markup:
    """A chip: sign and word."""
    sign, kind = STATES.get(str(name), ("•", "soft"))
    word = str(name).replace("_", " ")
    return Markup('<span class="chip {}"><span aria-hidden="true">{}</span> {}</span>').format(kind, sign, word)


def moment(value: Any) -> datetime | None:
    """A time of the API."""
    return None if not value else datetime.fromisoformat(str(value).replace("Z", "+00:00"))


def local(value: Any, zone: str) -> str:
    """A time as charts take it: on the clocks of the zone, without saying so."""
    time = value if isinstance(value, datetime) else moment(value)
    assert time is not None
    return time.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M:%S")


def coins(symbol: str) -> tuple[str, str]:
    """Base and quote of a symbol such as BTC/USDT:USDT."""
    base, _, quote = symbol.split(":")[0].partition("/")
    return base, quote


def when(value: Any, zone: str = "UTC", seconds: bool = False) -> Markup:
    """In the reader's time zone."""
    time = moment(value)
    if time is None:
        return NONE
    local = time.astimezone(ZoneInfo(zone))
    text = local.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(value, zone, text)


def ago(value: Any) -> str:
    """How long ago, roughly."""
    time = moment(value)
    if time is None:
        return "never"
    seconds = (datetime.now(UTC) - time).total_seconds()
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {word} ago"
    return "just now"


def size_of(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def words(name: str) -> str:
    """A name of the API as words: missing_orders -> missing orders."""
    return name.replace("_", " ")


def link(url: str, text: Any) -> Markup:
    """A link inside the page."""
    return Markup('<a href="{}">{}</a>').format(url, text)


def join(parts: Any, between: str = "") -> Markup:
    """Escaped and joined."""
    return Markup(between).join(escape(part) for part in parts)
