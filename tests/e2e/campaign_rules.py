"""The fault catalogue as rules of the loopback exchange, for campaigns and for the tests of single rows."""

from typing import Any

POST = {"method": "POST", "path": "/order$"}
DELETE = {"method": "DELETE", "path": "/order$"}
FIND = {"method": "GET", "path": "/order$"}
OPEN = {"method": "GET", "path": "/openOrders$"}
TRADES = {"method": "GET", "path": "/myTrades$"}
#: Catalogue row -> rules; "stage" is drawn where it is missing and matters. Times are those of tests.e2e.stack.FAST.
RULES: dict[int, list[dict[str, Any]]] = {
    1: [{**POST, "action": "hang", "seconds": 1, "stage": "after"}],
    2: [{**POST, "action": "hang", "seconds": 1, "stage": "before"}],
    3: [
        {**POST, "action": "late", "seconds": 0.3, "reply": "close"},
        {**POST, "action": "late", "seconds": 0.9, "reply": "hang"},
    ],
    4: [{**POST, "action": "reset", "stage": "after"}, {**POST, "action": "close", "stage": "after"}],
    5: [
        {**POST, "action": "status", "status": 502, "stage": "after"},
        {**POST, "action": "status", "status": 504, "body": "empty", "stage": "before"},
    ],
    6: [
        {**POST, "action": "error", "status": 504, "code": -1007, "stage": "after"},
        {**POST, "action": "error", "status": 500, "code": -1006, "stage": "before"},
    ],
    7: [{**POST, "action": "garbage", "stage": "after"}, {**POST, "action": "empty", "stage": "before"}],
    8: [{**POST, "action": "error", "code": -2010, "message": "Duplicate order sent.", "stage": "after"}],
    9: [{**POST, "action": "duplicate"}],
    10: [{**FIND, "action": "lag", "seconds": 0.5}, {**OPEN, "action": "lag", "seconds": 0.5}],
    11: [{**OPEN, "action": "short", "drop": 2}],
    12: [{**DELETE, "action": "fill_first", "fill": "1"}, {**DELETE, "action": "fill_first", "fill": "0.5"}],
    13: [{**POST, "action": "kill", "fill": "0.5", "final": "CANCELED"}],
    14: [
        {**DELETE, "action": "hang", "seconds": 1, "stage": "after"},
        {**DELETE, "action": "reset", "stage": "before"},
    ],
    15: [{**POST, "action": "kill", "fill": "0", "final": "EXPIRED"}],
    18: [{**POST, "action": "kill", "fill": "0.999", "final": "EXPIRED"}],
    20: [
        {
            **POST, "action": "error", "code": -2010, "stage": "before",
            "message": "Order would immediately match and take.",
        }
    ],
    22: [{"action": "status", "status": 429, "retry_after": 1, "stage": "before"}],
    23: [{"action": "status", "status": 418, "retry_after": 1, "stage": "before"}],
    24: [{"action": "error", "status": 503, "code": -1008, "stage": "before"}],
    28: [{**TRADES, "action": "skip_trades", "drop": 2}],
}  # fmt: skip
#: Reads that go wrong in every way of the transport.
READS: list[dict[str, Any]] = [
    {"method": "GET", "action": action, "seconds": 0.8} for action in ("hang", "reset", "close", "garbage", "empty")
]
