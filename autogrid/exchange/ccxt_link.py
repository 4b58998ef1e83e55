"""One HTTP session of one account through ccxt: every call is budgeted, watched and its errors told apart."""

import decimal
import functools
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter

from autogrid.errors import AutogridError, InvalidInput, Rejected, RetryLater
from autogrid.exchange import outbound
from autogrid.exchange.ccxt_errors import Answer, is_clock, translate
from autogrid.exchange.ccxt_load import exchange_class
from autogrid.exchange.ccxt_table import Profile, profile
from autogrid.exchange.limiter import DATA, PLACE, Budget, Charge, Limiter

#: Seconds between two corrections of our count of used weight by the exchange's: each is a round trip.
TELL_S = 0.5


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Key of one account. `repr` hides it."""

    api_key: str = ""
    secret: str = ""
    #: Third part that some exchanges ask for (okx, kucoin, bitget).
    password: str = ""

    def __repr__(self) -> str:
        return f"Credentials(api_key={self.api_key[:4]}...)"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where and how an account is reached."""

    #: ccxt id: a row of autogrid.exchange.ccxt_table.
    exchange: str
    credentials: Credentials
    #: Compatible server to use instead of the exchange's own, such as http://127.0.0.1:8181.
    base_url: str = ""
    #: Websocket address of the same server; by default the base_url's.
    ws_url: str = ""
    #: Seconds until a request is given up; its outcome is then unknown.
    timeout_s: float = 10.0
    #: Milliseconds for which the exchange may still accept a delayed request (Binance: recvWindow).
    window_ms: int = 5000
    #: Name of the address that requests come from; all that share it share one weight budget.
    egress: str = "default"
    #: Part of the exchange's rate limits that may be used.
    share: float = 1.0


def client_config(connection: Connection) -> dict[str, Any]:
    """What ccxt's constructor needs, for the plain class and for ccxt.pro."""
    row = profile(connection.exchange)
    options = dict(row.options)
    if row.window_option:
        options[row.window_option] = connection.window_ms
    config: dict[str, Any] = {
        "apiKey": connection.credentials.api_key,
        "secret": connection.credentials.secret,
        "password": connection.credentials.password,
        "timeout": int(connection.timeout_s * 1000),
        # The budget is shared by all processes; ccxt's own limiter knows only its own.
        "enableRateLimit": False,
        "options": options,
    }
    if connection.base_url:
        config.update(_compatible_server(connection))
    return config


def open_client(connection: Connection) -> Any:
    """ccxt's client. At an address that a user has chosen it connects only to where users may go."""
    client = exchange_class(connection.exchange)(client_config(connection))
    if connection.base_url:
        for scheme in ("http://", "https://"):
            client.session.mount(scheme, _Guarded())
    return client


class _Guarded(HTTPAdapter):
    """Sends requests; redirects are not followed to where users may not go either."""

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            with outbound.guarded():
                return super().send(request, *args, **kwargs)
        except OSError as error:
            # ccxt would say no more than that it failed.
            if why := outbound.refusal(error):
                raise InvalidInput(f"base_url: {why}") from error
            raise


def _compatible_server(connection: Connection) -> dict[str, Any]:
    """ccxt settings that point at `base_url`."""
    base = connection.base_url.rstrip("/")
    ws = (connection.ws_url or base.replace("http", "ws", 1)).rstrip("/")
    if connection.exchange != "binance":
        return {"urls": {"api": _moved(exchange_class(connection.exchange)().urls["api"], base, ws)}}
    api = {
        **dict.fromkeys(("public", "private"), f"{base}/api/v3"),
        "v1": f"{base}/api/v1",
        "sapi": f"{base}/sapi/v1",
        # ccxt finds the spot stream by "/stream" in its address.
        "ws": {"spot": f"{ws}/stream/ws", "ws-api": {"spot": f"{ws}/ws-api/v3"}},
    }
    return {"urls": {"api": api}, "exceptions": {"exact": _spot_errors()}}


@functools.cache
def _spot_errors() -> dict[str, type[Exception]]:
    """With other addresses ccxt no longer finds the error table of its spot market; this puts it back."""
    found: dict[str, type[Exception]] = exchange_class("binance")().exceptions["spot"]["exact"]
    return found


def _moved(address: Any, base: str, ws: str) -> Any:
    """The addresses of a table, with the paths kept and the hosts replaced."""
    if isinstance(address, dict):
        return {name: _moved(value, base, ws) for name, value in address.items()}
    parts = urlsplit(str(address))
    return (ws if parts.scheme.startswith("ws") else base) + parts.path


def weight_budget(exchange: str, base_url: str, egress: str, share: float = 1.0) -> Budget:
    """The request weight that everyone behind the address `egress` shares at an exchange; we may use `share` of it."""
    limit, period_s = profile(exchange).weight
    return Budget(f"weight:{exchange}:{base_url or 'live'}:{egress}", limit * share, period_s)


class Link:
    """Calls one ccxt client. Not thread-safe. Keeps its HTTP connection open between calls."""

    def __init__(self, connection: Connection, limiter: Limiter) -> None:
        self.exchange = connection.exchange
        self.profile: Profile = profile(connection.exchange)
        self.client = open_client(connection)
        # Money must never be a float: numbers stay the strings that the exchange sent.
        self.client.number = str
        self.client.on_json_response = _exact_json
        self.client.session.max_redirects = 0
        self._limiter = limiter
        self.weight = weight_budget(connection.exchange, connection.base_url, connection.egress, connection.share)
        limit, period_s = self.profile.orders
        # The key's hash: budgets are named in messages and metrics.
        whose = hashlib.sha256(connection.credentials.api_key.encode()).hexdigest()[:12]
        self.orders = Budget(
            f"orders:{connection.exchange}:{connection.base_url or 'live'}:{whose}", limit * connection.share, period_s
        )
        self._answer: Answer | None = None
        self._sent = False
        self._told_at = -TELL_S
        self._watch()

    def call(
        self, name: str, work: Callable[[], Any], *, writes: bool = False, order: bool = False, share: float = PLACE
    ) -> Any:
        """Run `work`, which makes one HTTP request, and return its result.

        `name` looks up the weight, `share` is the priority, `order` charges the account's order budget too.
        Raises as the `Exchange` protocol says; Rejected("unknown_order") also for reads.
        """
        charges = [Charge(self.weight, self.profile.weights.get(name, 1))]
        if order:
            charges.append(Charge(self.orders))
        self._limiter.take(charges, share)
        self._answer, self._sent = None, False
        try:
            # ccxt changes the rounding and the traps of the thread's decimal context.
            with decimal.localcontext():
                return self._checked(name, work())
        except Exception as error:
            raise self._translated(error, writes) from error

    def left(self) -> float:
        """Request weight left now."""
        return self._limiter.left(self.weight)

    def close(self) -> None:
        """Close the HTTP connections."""
        self.client.session.close()

    def _checked(self, name: str, result: Any) -> Any:
        if name in self.profile.arrays and not (self._answer and self._answer.body.lstrip().startswith("[")):
            raise ValueError("expected a JSON array, found something else")
        return result

    def _translated(self, error: Exception, writes: bool) -> AutogridError:
        answer = self._answer
        now_ms = int(time.time() * 1000)
        found = translate(self.exchange, error, answer, sent=self._sent, writes=writes, now_ms=now_ms)
        if isinstance(found, RetryLater):
            if found.banned:
                self._limiter.ban(self.weight.key, found.after_s)
            elif answer is not None and answer.status < 500 and found.after_s > 0 and writes:
                self._limiter.ban(self.orders.key, found.after_s)
            if is_clock(self.exchange, error, answer):
                self._resync()
        return found

    def _resync(self) -> None:
        """Measure how far our clock is from the exchange's. Failing is harmless: the next refusal tries again."""
        try:
            self.call("fetch_time", self.client.load_time_difference, share=DATA)
        except (AutogridError, Rejected):
            return

    def _watch(self) -> None:
        """Note for every request that it left and what came back; ccxt's errors carry neither."""
        fetch: Callable[..., Any] = self.client.fetch

        def watched(*args: Any, **kwargs: Any) -> Any:
            self._sent, self._answer = True, None
            answer = fetch(*args, **kwargs)
            if not isinstance(answer, (dict, list)):
                # ccxt would go on with a text, or an empty one, and find no orders in it.
                raise ValueError("expected JSON, found something else")
            return answer

        def seen(
            code: int, reason: str, url: str, method: str, headers: Mapping[str, str], body: str, *rest: Any
        ) -> str:
            lower = {name.lower(): value for name, value in headers.items()}
            self._answer = Answer(code, lower, body or "")
            used = lower.get(self.profile.used_header, "")
            if used.isdigit() and time.monotonic() > self._told_at + TELL_S:
                self._told_at = time.monotonic()
                self._limiter.observe(self.weight, int(used))
            return body.strip()

        self.client.fetch = watched
        self.client.on_rest_response = seen


def _exact_json(text: str) -> Any:
    """JSON whose fractions stay the strings that were sent."""
    return json.loads(text, parse_float=str)
