"""Market streams: SUBSCRIBE and its kin on /ws, /stream and below."""

import json
from typing import Any

from services.loopback.sessions import Session

METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")


def streams_of(path: str, query: dict[str, str]) -> list[str]:
    """Streams named by the address: /ws/a@trade/b@trade or ?streams=a@trade/b@trade."""
    named = query.get("streams", "") or path
    return [part for part in named.split("/") if "@" in part]


def _error(code: int, message: str, number: Any) -> dict[str, Any]:
    return {"error": {"code": code, "msg": message}, "id": number}


def command(session: Session, text: str) -> dict[str, Any]:
    """Carry out one message of the client; the answer."""
    try:
        message = json.loads(text)
    except ValueError:
        return _error(3, "Invalid JSON: expected value at line 1 column 1", None)
    if not isinstance(message, dict) or "method" not in message:
        return _error(2, "Invalid request: missing field `method` at line 1 column 1", None)
    number, method, params = message.get("id"), message["method"], message.get("params", [])
    if method not in METHODS:
        known = ", ".join(f"`{name}`" for name in METHODS)
        return _error(2, f"Invalid request: unknown variant {method}, expected one of {known}", number)
    result: Any = None
    if method == "SUBSCRIBE":
        session.streams.update(dict.fromkeys(str(name) for name in params))
    elif method == "UNSUBSCRIBE":
        for name in params:
            session.streams.pop(str(name), None)
    elif method == "LIST_SUBSCRIPTIONS":
        result = list(session.streams)
    elif not params or params[0] != "combined":
        return _error(0, "Unknown property", number)
    elif method == "GET_PROPERTY":
        result = session.combined
    else:
        session.combined = bool(params[1])
    return {"result": result, "id": number}
