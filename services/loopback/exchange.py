"""Everything one loopback exchange consists of, and the way a request takes through it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from services.loopback.auth import authenticate, by_key, check_time
from services.loopback.clock import Clock
from services.loopback.engine import Engine
from services.loopback.errors import ApiError
from services.loopback.faults import ENGINE, Faults, Rule, facts_of
from services.loopback.limits import Limits
from services.loopback.order import Order
from services.loopback.params import Call
from services.loopback.player import Player

#: Kinds of security.
NONE, READ, TRADE = "NONE", "USER_DATA", "TRADE"


@dataclass
class Exchange:
    """One exchange."""

    engine: Engine
    clock: Clock
    player: Player
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)
    #: Requests answered, by "METHOD path" and by HTTP status.
    requests: dict[str, int] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)

    #: Called before a market's book is shown: depth streams must be level with it.
    before_depth: Callable[[str], None] = lambda symbol: None
    #: Cuts or mutes websockets: (action, kind, account, seconds) -> how many.
    disturb: Callable[[str, str, str | None, float], int] = lambda action, target, account, seconds: 0

    def __post_init__(self) -> None:
        self.engine.on_first_fill = self._filled

    def count(self, place: str) -> None:
        """Count a request."""
        self.requests[place] = self.requests.get(place, 0) + 1

    def _filled(self, order: Order) -> None:
        self.limits.count_order(order.account, self.clock.wall(), -1)

    def facts(self, call: Call) -> dict[str, str]:
        """What fault rules see of a request; an order id is translated to its client id."""
        account = by_key(self.engine, call.key)
        client = call.params.peek("newClientOrderId") if call.method == "POST" else None
        client = client or call.params.peek("origClientOrderId")
        number = call.params.peek("orderId")
        if client is None and number is not None and number.isdigit():
            order = self.engine.orders.get(int(number))
            client = order.client_id if order else None
        return facts_of(call, account.name if account else "", client or "")


@dataclass(frozen=True)
class Route:
    """An endpoint: what answers, who may ask, what it weighs."""

    handler: Callable[[Exchange, Call], Any]
    security: str = NONE
    weight: int | Callable[[Call], int] = 1


@dataclass
class Reply:
    """An answer: status, JSON payload and headers."""

    status: int
    payload: Any
    headers: dict[str, str] = field(default_factory=dict)


def answer(exchange: Exchange, call: Call, route: Route) -> Reply:
    """Carry a request out: weight, key, time, signature, endpoint. The reply may be a refusal."""
    now = exchange.clock.wall()
    headers: dict[str, str] = {}
    try:
        weight = route.weight if isinstance(route.weight, int) else route.weight(call)
        exchange.limits.take(call.ip, weight, now)
        if route.security != NONE:
            call.account = authenticate(call, exchange.engine, exchange.clock.server())
        for rule in exchange.faults.fire(exchange.facts(call), ENGINE) if exchange.faults.rules else []:
            call.effects[rule.action] = rule
        reply = Reply(200, route.handler(exchange, call))
    except ApiError as error:
        if error.retry_after_s is not None:
            headers["Retry-After"] = str(error.retry_after_s)
        reply = Reply(error.status, error.payload)
    headers["X-MBX-USED-WEIGHT"] = headers["X-MBX-USED-WEIGHT-1M"] = str(exchange.limits.used(call.ip, now))
    if call.account is not None and call.path.endswith("/order") and call.method == "POST":
        for name, count in exchange.limits.order_counts(call.account.name, now).items():
            headers[f"X-MBX-ORDER-COUNT-{name}"] = str(count)
    reply.headers = headers
    return reply


def effect(call: Call, action: str) -> Rule | None:
    """The rule of an engine fault that hit this request."""
    rule = call.effects.get(action)
    return rule if isinstance(rule, Rule) else None


__all__ = ["NONE", "READ", "TRADE", "Exchange", "Reply", "Route", "answer", "check_time", "effect"]
