"""API keys, HMAC signatures and the receive window."""

import hashlib
import hmac
import re

from services.loopback.account import Account
from services.loopback.engine import Engine
from services.loopback.errors import ApiError, missing
from services.loopback.params import Call

DEFAULT_WINDOW_MS, GREATEST_WINDOW_MS, AHEAD_MS = 5000, 60_000, 1000


def sign(secret: str, payload: str) -> str:
    """The signature Binance asks for."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def by_key(engine: Engine, key: str | None) -> Account | None:
    """The account of a key, revoked or not."""
    return next((account for account in engine.accounts.values() if account.key == key), None)


def check_time(call: Call, now_ms: int) -> None:
    """-1021 for a request from the future, or older than its receive window when it arrives here."""
    text = call.params.must("timestamp")
    if not re.fullmatch(r"[0-9]{1,20}", text):
        raise ApiError(-1100, "Illegal characters found in parameter 'timestamp'; legal range is '^[0-9]{1,20}$'.")
    sent = int(text) if int(text) < 10**14 else int(text) // 1000
    window_text = call.params.peek("recvWindow") or str(DEFAULT_WINDOW_MS)
    if not re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,3})?", window_text):
        raise ApiError(-1100, "Illegal characters found in parameter 'recvWindow'; legal range is '^[0-9]{1,20}$'.")
    window = float(window_text)
    if window > GREATEST_WINDOW_MS:
        raise ApiError(-1131, "recvWindow must be less than 60000.")
    if sent >= now_ms + AHEAD_MS:
        raise ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - sent > window:
        raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def authenticate(call: Call, engine: Engine, now_ms: int) -> Account:
    """The account that signed the request; ApiError in the order Binance checks."""
    if not call.key or not re.fullmatch(r"[A-Za-z0-9_-]+", call.key):
        raise ApiError(-2014, "API-key format invalid.", 401)
    if not call.session and not call.signature:
        raise missing("signature")
    account = by_key(engine, call.key)
    if account is None or account.revoked:
        raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    check_time(call, now_ms)
    expected = sign(account.secret, call.payload)
    if not call.session and not hmac.compare_digest(expected, (call.signature or "").lower()):
        raise ApiError(-1022, "Signature for this request is not valid.")
    return account
