"""The 30 faults an engine must survive, ready to be switched on: rules, and control commands where no rule is needed.

Numbers are those of the fault catalogue; `name` says what happens. Every field of a rule can be overridden.
"""

from dataclasses import dataclass, field
from typing import Any

from services.loopback.errors import DUPLICATE, MATCHES

Json = dict[str, Any]
POST, CANCEL = {"method": "POST", "path": "/order$"}, {"method": "DELETE", "path": "/order$"}
UNKNOWN = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
BUSY = "Server is currently overloaded with other requests. Please try again in a few minutes."
MANY = (
    "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
    "Please use WebSocket Streams for live updates to avoid polling the API."
)


@dataclass(frozen=True)
class Row:
    """One fault: what it is called, its rules, the commands that bring it about and those that end it."""

    name: str
    rules: tuple[Json, ...] = ()
    commands: tuple[tuple[str, Json], ...] = ()
    undo: tuple[tuple[str, Json], ...] = field(default=())


def _once(place: Json, **values: Any) -> tuple[Json, ...]:
    return ({**place, "times": 1, **values},)


ROWS: dict[int, Row] = {
    1: Row("timeout, order accepted", _once(POST, action="hang", seconds=30)),
    2: Row("timeout, order never arrived", _once(POST, action="hang", stage="before", seconds=30)),
    3: Row("request arrives late", _once(POST, action="late", seconds=8, reply="hang")),
    4: Row("connection reset after the order was accepted", _once(POST, action="reset")),
    5: Row("502 with a page of HTML, order accepted", _once(POST, action="status", status=502)),
    6: Row(
        "-1007, status unknown, order accepted", _once(POST, action="error", status=504, code=-1007, message=UNKNOWN)
    ),
    7: Row("200 with a body that is no JSON, order accepted", _once(POST, action="garbage")),
    8: Row("duplicate order sent", _once(POST, action="error", code=-2010, message=DUPLICATE)),
    9: Row("one id accepted twice", _once(POST, action="duplicate")),
    10: Row(
        "lookups do not know a fresh order", ({"method": "GET", "path": "/order$", "action": "lag", "seconds": 5},)
    ),
    11: Row("list of open orders too short", _once({"method": "GET", "path": "/openOrders$"}, action="short")),
    12: Row("fill races cancel", _once(CANCEL, action="fill_first", fill="1")),
    13: Row("partial fill, then cancelled", _once(POST, action="kill", fill="0.5", final="CANCELED")),
    14: Row("cancel timed out, carried out", _once(CANCEL, action="hang", seconds=30)),
    15: Row("the exchange expires an order", _once(POST, action="kill", final="EXPIRED")),
    16: Row("fee taken from base", (), (("fee", {"fee_asset": "received"}),), (("fee", {"fee_asset": "quote"}),)),
    17: Row(
        "fee in a third coin from now on",
        (),
        (("fee", {"fee_asset": "BNB"}), ("deposit", {"asset": "BNB", "amount": "10"})),
        (("fee", {"fee_asset": "quote"}),),
    ),
    18: Row("all but dust fills, then cancelled", _once(POST, action="kill", fill="0.97", final="CANCELED")),
    19: Row("tick and lot size change", (), (("market", {"tick": "0.1", "lot": "0.0001"}),)),
    20: Row("post-only would cross", _once(POST, action="error", stage="before", code=-2010, message=MATCHES)),
    21: Row("clocks drift apart", (), (("clock", {"offset_ms": 20_000}),), (("clock", {"offset_ms": 0}),)),
    22: Row(
        "429, too many requests",
        _once({}, action="error", stage="before", status=429, code=-1003, message=MANY, retry_after=2),
    ),
    23: Row("418, address banned", (), (("ban", {"seconds": 3}),), (("limits", {"lift": True}),)),
    24: Row("overload", _once({}, action="error", stage="before", status=503, code=-1008, message=BUSY)),
    25: Row("403 from the firewall", _once({}, action="status", stage="before", status=403)),
    26: Row("key revoked", (), (("key", {"revoked": True}),), (("key", {"revoked": False}),)),
    27: Row("market halted", (), (("market", {"status": "HALT"}),), (("market", {"status": "TRADING"}),)),
    28: Row("trade pages skip fills", _once({"method": "GET", "path": "/myTrades$"}, action="skip_trades", drop=2)),
    29: Row("user stream cut", (), (("stream", {"action": "cut", "target": "user"}),)),
    30: Row("balance drained by another bot", (), (("drain", {"asset": "USDT"}),)),
}
#: Which of a request's where and what a command takes from the caller.
WHERE = {
    "fee": ("account",), "deposit": ("account",), "drain": ("account", "asset", "keep"), "key": ("account",),
    "market": ("symbol",), "stream": ("account",), "clock": ("offset_ms",), "ban": ("seconds",),
}  # fmt: skip


def rules_of(number: int, overrides: Json) -> list[Json]:
    """The rules of a row, named "row N"."""
    return [{**rule, **overrides, "name": f"row {number}"} for rule in ROWS[number].rules]


def commands_of(number: int, overrides: Json, undo: bool) -> list[tuple[str, Json]]:
    """The commands that bring a row about, or end it."""
    row = ROWS[number]
    return [
        (name, {**body, **{key: overrides[key] for key in WHERE.get(name, ()) if key in overrides}})
        for name, body in (row.undo if undo else row.commands)
    ]
