"""What an exchange's answer means for the caller: refused, refused for now, blocked, or unknown.

ccxt's classes do not tell these apart: -1021 and 429 are network errors there yet nothing has happened; -1006 is
an operation that failed yet may have been done; a revoked key shows as DDoS protection. So Binance's answers are
read by their code, and everybody else's by class only where the class is beyond doubt. When unsure the outcome is
unknown: that costs one lookup, the opposite costs a second order.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from autogrid.errors import (
    AccountBlocked,
    AutogridError,
    InvalidInput,
    OutcomeUnknown,
    Rejected,
    RetryLater,
    Unavailable,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The last HTTP answer, as received."""

    status: int
    #: Names in lower case.
    headers: Mapping[str, str]
    body: str


#: Binance: the request may have been executed.
UNKNOWN = frozenset({-1000, -1001, -1004, -1006, -1007})
#: Binance: not executed, the same request may be sent again; seconds to wait unless the answer says so.
AGAIN = {-1003: 10.0, -1008: 2.0, -1015: 10.0, -1016: 5.0, -1021: 0.0, -1034: 5.0}
#: Binance: key, signature or permissions.
BLOCKED = frozenset({-1002, -1022, -1099, -2008, -2014, -2015})
#: Binance: codes that mean one thing whatever the text.
REASONS = {
    -1013: "filter",
    -1111: "filter",
    -1121: "halted",
    -2011: "unknown_order",
    -2013: "unknown_order",
    -2026: "unknown_order",
}
#: Binance: texts that decide, before the code is looked at. The last word is a reason, or "blocked".
TEXTS = (
    ("insufficient balance", "insufficient_funds"),
    ("immediately match and take", "would_cross"),
    ("duplicate order", "duplicate"),
    ("market is closed", "halted"),
    ("symbol is restricted", "halted"),
    ("symbol is not permitted", "halted"),
    ("filter failure", "filter"),
    ("unknown order", "unknown_order"),
    ("disabled on this account", "blocked"),
    ("may not place or cancel", "blocked"),
    ("api trading is not enabled", "blocked"),
)
CLOCK = -1021

#: Other exchanges: ccxt classes that are beyond doubt once an answer has come, most special first.
CLASSES = (
    ("InsufficientFunds", "insufficient_funds"),
    ("OrderImmediatelyFillable", "would_cross"),
    ("DuplicateOrderId", "duplicate"),
    ("OrderNotFound", "unknown_order"),
    ("MarketClosed", "halted"),
    ("BadSymbol", "halted"),
    ("InvalidOrder", "other"),
    ("BadRequest", "other"),
    ("OperationRejected", "other"),
    ("NotSupported", "other"),
)
_WORDS = (
    (r"duplicat|already exist", "duplicate"),
    (r"unknown order|order not found|order does not exist", "unknown_order"),
    (r"post.?only|limit.?maker|POC_FILL|immediately", "would_cross"),
    (r"insufficient|not enough|available\.amount|BALANCE", "insufficient_funds"),
    (r"precision|minimum|the min |too small|too low|at least|notional|tick|lot size|decimal", "filter"),
)
#: Seconds for 429 and 418 without Retry-After.
_PAUSE = {429: 30.0, 418: 120.0}


def binance_code(exchange: str, answer: Answer | None) -> int | None:
    """The code of a Binance error answer, None if there is none."""
    if answer is None or exchange != "binance":
        return None
    parsed = _json(answer.body)
    code = parsed.get("code") if isinstance(parsed, dict) else None
    return code if isinstance(code, int) and code < 0 else None


def is_clock(exchange: str, error: Exception, answer: Answer | None) -> bool:
    """True if the exchange refused our time stamp."""
    return binance_code(exchange, answer) == CLOCK or _is(error, "InvalidNonce")


def translate(
    exchange: str, error: Exception, answer: Answer | None, *, sent: bool, writes: bool, now_ms: int
) -> AutogridError:
    """The error to raise. `sent`: a request has left; `writes`: it may change something at the exchange."""
    if isinstance(error, AutogridError):
        return error
    code = binance_code(exchange, answer)
    text = f"{exchange}: no answer: {_short(repr(error))}"
    if answer is not None:
        text = f"{exchange}: answer {answer.status}: {_short(answer.body)}"
    if answer is not None and (answer.status in _PAUSE or code == -1003):
        return RetryLater(text, pause_s(answer, now_ms), banned=True)
    if code is not None:
        found = _by_code(code, text, answer.body if answer else "", answer, now_ms)
    elif not sent:
        # Nothing has left, whatever went wrong.
        found = _by_class(error, text) or (Rejected(text) if writes else Unavailable(text))
    elif answer is None:
        found = RetryLater(f"{exchange}: no connection: {_short(str(error))}", 2.0) if never_connected(error) else None
    elif answer.status in (401, 403, 451):
        found = AccountBlocked(text)
    elif answer.status >= 500 or answer.status == 408 or not isinstance(_json(answer.body), dict):
        found = None
    else:
        found = _by_class(error, text)
    if isinstance(found, Rejected) and not writes:
        return _of_a_read(found)
    if found is not None:
        return found
    detail = f"{text} ({type(error).__name__})"
    if writes:
        return OutcomeUnknown(f"{detail}. Look the order up before sending it again.")
    return Unavailable(f"{detail}. Nothing has been changed; try again.")


def pause_s(answer: Answer, now_ms: int) -> float:
    """Seconds to pause: Retry-After, else "banned until <ms>" in the text, else a default."""
    try:
        return max(0.0, float(answer.headers.get("retry-after", "")))
    except ValueError:
        pass
    until = re.search(r"until (\d{13})", answer.body)
    if until:
        return max(1.0, (int(until.group(1)) - now_ms) / 1000)
    return _PAUSE.get(answer.status, 10.0)


def never_connected(error: BaseException | None) -> bool:
    """True if the connection was never made, so that no request can have arrived."""
    seen = 0
    while error is not None and seen < 8:
        if type(error).__name__ in ("ConnectTimeout", "NewConnectionError", "NameResolutionError"):
            return True
        inner = getattr(error.args[0], "reason", None) if error.args else None
        error = inner if isinstance(inner, BaseException) else error.__cause__
        seen += 1
    return False


def _by_code(code: int, text: str, body: str, answer: Answer | None, now_ms: int) -> AutogridError | None:
    if code in UNKNOWN:
        return None
    if code in AGAIN:
        stated = answer is not None and "retry-after" in answer.headers
        return RetryLater(text, pause_s(answer, now_ms) if answer is not None and stated else AGAIN[code])
    if code in BLOCKED:
        return AccountBlocked(text)
    low = body.lower()
    reason = next((reason for part, reason in TEXTS if part in low), REASONS.get(code, "other"))
    return AccountBlocked(text) if reason == "blocked" else Rejected(text, reason)


def _by_class(error: Exception, text: str) -> AutogridError | None:
    if _is(error, "RateLimitExceeded") or _is(error, "DDoSProtection"):
        return RetryLater(text, 5.0)
    if _is(error, "InvalidNonce"):
        return RetryLater(text, 0.0)
    if _is(error, "AuthenticationError"):
        return AccountBlocked(text)
    for name, reason in CLASSES:
        if _is(error, name):
            if reason == "other":
                reason = next((word for pattern, word in _WORDS if re.search(pattern, text, re.I)), "other")
            return Rejected(text, reason)
    return None


def _of_a_read(found: Rejected) -> AutogridError:
    """A refused read changes nothing; only an unknown order or symbol is worth telling apart."""
    if found.reason == "unknown_order":
        return found
    if found.reason == "halted":
        return InvalidInput(f"{found}. Expected a symbol that this exchange trades, such as BTC/USDT.")
    return Unavailable(f"{found}. Nothing has been changed.")


def _is(error: BaseException, name: str) -> bool:
    return any(kind.__name__ == name and kind.__module__.startswith("ccxt.") for kind in type(error).__mro__)


def _json(body: str) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _short(text: str) -> str:
    """At most 300 characters, addresses without their queries: those carry signatures."""
    plain = re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]*", r"\1", text)
    return plain if len(plain) <= 300 else plain[:300] + "..."
