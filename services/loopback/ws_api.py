"""The websocket API: the REST endpoints by other names, sessions, and user data subscriptions."""

import json
from typing import Any

from services.loopback import rest_account, rest_market, rest_orders
from services.loopback.auth import authenticate
from services.loopback.errors import ApiError
from services.loopback.exchange import Exchange, Reply, Route, answer
from services.loopback.params import Call, Params
from services.loopback.sessions import Session

ROUTES: dict[tuple[str, str], Route] = {**rest_market.ROUTES, **rest_orders.ROUTES, **rest_account.ROUTES}
#: Method -> endpoint.
METHODS = {
    "ping": ("GET", "ping"),
    "time": ("GET", "time"),
    "exchangeInfo": ("GET", "exchangeInfo"),
    "depth": ("GET", "depth"),
    "trades.recent": ("GET", "trades"),
    "trades.historical": ("GET", "historicalTrades"),
    "trades.aggregate": ("GET", "aggTrades"),
    "klines": ("GET", "klines"),
    "ticker.24hr": ("GET", "ticker/24hr"),
    "ticker.price": ("GET", "ticker/price"),
    "ticker.book": ("GET", "ticker/bookTicker"),
    "order.place": ("POST", "order"),
    "order.test": ("POST", "order/test"),
    "order.status": ("GET", "order"),
    "order.cancel": ("DELETE", "order"),
    "openOrders.status": ("GET", "openOrders"),
    "openOrders.cancelAll": ("DELETE", "openOrders"),
    "allOrders": ("GET", "allOrders"),
    "myTrades": ("GET", "myTrades"),
    "account.status": ("GET", "account"),
    "account.commission": ("GET", "account/commission"),
    "account.rateLimits.orders": ("GET", "rateLimit/order"),
}
SUBSCRIBE = "userDataStream.subscribe"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse(session: Session, message: dict[str, Any], ip: str) -> tuple[Call, Route | None]:
    """The request a message stands for; no route for sessions and subscriptions."""
    method = str(message.get("method"))
    params = {name: _text(value) for name, value in (message.get("params") or {}).items() if value is not None}
    verb, path = METHODS.get(method, ("WS", method))
    signed = {name: value for name, value in params.items() if name != "signature"}
    payload = "&".join(f"{name}={signed[name]}" for name in sorted(signed))
    call = Call(verb, f"/api/v3/{path}", Params(params), ip, params.get("apiKey"), payload, params.get("signature"))
    if call.key is None and session.key is not None:
        call.key, call.session = session.key, True
    return call, ROUTES.get((verb, call.path))


def shown(message: dict[str, Any], reply: Reply) -> dict[str, Any]:
    """A reply in the websocket API's envelope."""
    body = {"result": reply.payload} if reply.status == 200 else {"error": reply.payload}
    return {"id": message.get("id"), "status": reply.status, **body}


def _status(exchange: Exchange, session: Session) -> dict[str, Any]:
    return {
        "apiKey": session.key,
        "authorizedSince": session.since_ms,
        "connectedSince": session.began_ms,
        "returnRateLimits": False,
        "serverTime": exchange.clock.server(),
        "userDataStream": bool(session.accounts),
    }


def _subscribe(session: Session, account: str) -> dict[str, Any]:
    if account in session.accounts.values():
        raise ApiError(-2035, "User Data Stream subscription already active.")
    number = session.next_subscription
    session.next_subscription += 1
    session.accounts[number] = account
    return {"subscriptionId": number}


def _unsubscribe(session: Session, number: str | None) -> dict[str, Any]:
    if number is None:
        session.accounts.clear()
    elif not number.isdigit() or session.accounts.pop(int(number), None) is None:
        raise ApiError(-2036, "User Data Stream subscription not active.")
    return {}


def own(exchange: Exchange, session: Session, call: Call) -> Any:
    """Methods that are about the session itself."""
    method = call.path.removeprefix("/api/v3/")
    now = exchange.clock.server()
    if method == "session.status":
        return _status(exchange, session)
    if method == "session.logon":
        session.key, session.since_ms = authenticate(call, exchange.engine, now).key, now
        return _status(exchange, session)
    if method == "session.logout":
        session.key = session.since_ms = None
        return _status(exchange, session)
    if method == "session.subscriptions":
        return [{"subscriptionId": number} for number in session.accounts]
    if method in (SUBSCRIBE, f"{SUBSCRIBE}.signature"):
        if method == SUBSCRIBE and call.session:
            call.params = Params({"timestamp": str(now)})
        return _subscribe(session, authenticate(call, exchange.engine, now).name)
    if method == "userDataStream.unsubscribe":
        return _unsubscribe(session, call.params.peek("subscriptionId"))
    raise ApiError(-1000, f"Unknown method '{method}'.", 400)


def respond(exchange: Exchange, session: Session, call: Call, route: Route | None) -> Reply:
    """Carry out one request."""
    return answer(exchange, call, route or Route(lambda _, request: own(exchange, session, request), weight=2))


def decode(text: str) -> dict[str, Any]:
    """A message of the client; -1135 for what is none."""
    try:
        message = json.loads(text)
    except ValueError:
        message = None
    if not isinstance(message, dict) or not isinstance(message.get("params", {}), dict | None):
        raise ApiError(-1135, "Invalid JSON Request")
    return message
