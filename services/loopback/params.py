"""A request and its parameters, read strictly: what is malformed, doubled or unknown is refused as Binance does."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from services.loopback.account import Account
from services.loopback.errors import ApiError, missing
from services.loopback.units import E8, parse

#: Parameters of signing, read by `auth`.
SIGNING = frozenset(("timestamp", "recvWindow", "signature", "apiKey", "returnRateLimits"))
_LONG, _DECIMAL = r"^[0-9]{1,20}$", r"^([0-9]{1,20})(\.[0-9]{1,20})?$"


class Params:
    """Parameters by name; remembers which were read."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values
        self._read: set[str] = set()

    @classmethod
    def of(cls, query: str, body: str) -> "Params":
        """Of a query string and a form body; the query wins, a name twice in one of them is refused."""
        values: dict[str, str] = {}
        for text in (body, query):
            pairs = parse_qsl(text, keep_blank_values=True)
            if len({name for name, _ in pairs}) != len(pairs):
                raise ApiError(-1101, "Duplicate values for a parameter detected.")
            values.update(pairs)
        return cls(values)

    def peek(self, name: str) -> str | None:
        """The raw value, without counting it as read."""
        return self._values.get(name) or None

    def text(self, name: str, pattern: str | None = None) -> str | None:
        """A value, None when absent; refused where it is empty or does not match."""
        self._read.add(name)
        value = self._values.get(name)
        if value == "":
            raise ApiError(-1105, f"Parameter '{name}' was empty.")
        if value is not None and pattern is not None and not re.fullmatch(pattern, value):
            raise ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")
        return value

    def must(self, name: str) -> str:
        """A mandatory value."""
        value = self._values.get(name)
        self._read.add(name)
        if not value:
            raise missing(name)
        return value

    def integer(self, name: str) -> int | None:
        """A whole number."""
        value = self.text(name, _LONG)
        return None if value is None else int(value)

    def limit(self, default: int, greatest: int) -> int:
        """How many items to answer with."""
        value = self.integer("limit")
        return default if not value else min(value, greatest)

    def amount(self, name: str) -> int | None:
        """A price or amount in e8."""
        value = self.text(name, _DECIMAL)
        if value is None:
            return None
        scaled = parse(Decimal(value), E8)
        if scaled is None:
            raise ApiError(-1111, f"Parameter '{name}' has too much precision.")
        return scaled

    def done(self) -> None:
        """Refuse parameters nobody asked for."""
        given = {name for name in self._values if name not in SIGNING}
        if given - self._read:
            read = len(given & self._read)
            raise ApiError(
                -1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{len(given)}'."
            )

    def without_signature(self) -> dict[str, str]:
        """All but the signature, for the websocket API's payload."""
        return {name: value for name, value in self._values.items() if name != "signature"}


@dataclass
class Call:
    """One request, by REST or websocket."""

    method: str
    path: str
    params: Params
    ip: str
    #: X-MBX-APIKEY.
    key: str | None = None
    #: What the signature was made over.
    payload: str = ""
    signature: str | None = None
    #: Filled in by `auth` for signed requests.
    account: Account | None = None
    #: A websocket session that has logged on needs no signature.
    session: bool = False
    #: Engine faults that hold for this request: action -> rule.
    effects: dict[str, Any] = field(default_factory=dict)

    @property
    def owner(self) -> Account:
        """The account of a signed request."""
        assert self.account is not None
        return self.account


def rest_call(method: str, path: str, query: str, body: str, key: str | None, ip: str) -> Call:
    """A REST request; the signed payload is query and body as sent, without the signature."""
    parts = [part for part in query.split("&") if part and not part.startswith("signature=")]
    payload = "&".join(parts) + "&".join(p for p in body.split("&") if p and not p.startswith("signature="))
    params = Params.of(query, body)
    return Call(method, path, params, ip, key, payload, params.peek("signature"))
