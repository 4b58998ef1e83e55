"""Exchanges by name: what a worker keeps open between its tasks."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from autogrid.exchange import outbound
from autogrid.exchange.limiter import Limiter, MemoryLimiter
from autogrid.exchange.user_stream import UserStream
from autogrid.settings import settings

if TYPE_CHECKING:
    from redis import Redis

    from autogrid.exchange.ccxt_adapter import CcxtExchange
    from autogrid.exchange.ccxt_link import Connection
    from autogrid.exchange.ccxt_stream import Sockets


class Closable(Protocol):
    """What can be kept in a Pool."""

    def close(self) -> None:
        """Let go of connections."""


Kept = TypeVar("Kept", bound=Closable)


def open_limiter(redis: "Redis | str | None") -> Limiter:
    """The budgets of this machine: shared through Redis, or of this process alone where there is none (None).

    Given a URL, the server is asked with short timeouts and no retries: no request to an exchange waits for it.
    """
    if redis is None:
        return MemoryLimiter()
    from autogrid.exchange.limiter_redis import RedisLimiter

    return RedisLimiter(_client(redis) if isinstance(redis, str) else redis)


def _client(url: str) -> "Redis":
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))


def open_exchange(
    exchange: str,
    *,
    api_key: str = "",
    secret: str = "",
    password: str = "",
    base_url: str = "",
    ws_url: str = "",
    limiter: Limiter,
    maker_fee: Decimal | None = None,
    taker_fee: Decimal | None = None,
    buy_fee_asset: str | None = None,
) -> "CcxtExchange":
    """One account at an exchange that ccxt knows; `base_url` points at a compatible server instead.

    Nothing is sent yet. Timeout, receive window and egress name come from the settings. InvalidInput for an exchange
    whose order ids nobody has checked.
    """
    from autogrid.exchange.ccxt_adapter import CcxtExchange

    connection = connection_to(exchange, api_key, secret, password, base_url, ws_url)
    return CcxtExchange(connection, limiter, maker_fee=maker_fee, taker_fee=taker_fee, buy_fee_asset=buy_fee_asset)


def open_user_stream(connection: "Connection", sockets: "Sockets", *, quiet_s: float = 1800.0) -> UserStream:
    """Wakes of one account. Nothing is sent before `wakes` is iterated."""
    from autogrid.exchange.ccxt_stream import CcxtOrderEvents

    return UserStream(lambda: CcxtOrderEvents(connection, sockets), quiet_s=quiet_s)


def connection_to(
    exchange: str, api_key: str = "", secret: str = "", password: str = "", base_url: str = "", ws_url: str = ""
) -> "Connection":
    """Where and how an account is reached, by the settings of this process.

    InvalidInput for another server than the exchange's own that users may not reach (autogrid.exchange.outbound).
    """
    from autogrid.exchange.ccxt_link import Connection, Credentials

    for url in (base_url, ws_url):
        if url:
            outbound.check_url(url, "base_url")
    chosen = settings()
    return Connection(
        exchange=exchange,
        credentials=Credentials(api_key, secret, password),
        base_url=base_url,
        ws_url=ws_url,
        timeout_s=chosen.http_timeout_s,
        window_ms=chosen.recv_window_ms,
        egress=chosen.egress_name,
        share=chosen.rate_limit_share,
    )


class Pool(Generic[Kept]):
    """The most recently used adapters of one process. Not thread-safe. An adapter that falls out is closed."""

    def __init__(self, size: int = 64) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """The adapter of `key`, made when there is none. Put the version of the credentials into the key."""
        if key in self._kept:
            self._kept.move_to_end(key)
        else:
            self._kept[key] = make()
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)[1].close()
        return self._kept[key]

    def drop(self, key: Hashable) -> None:
        """Close and forget one adapter, if it is there."""
        found = self._kept.pop(key, None)
        if found is not None:
            found.close()

    def close(self) -> None:
        """Close all of them."""
        while self._kept:
            self._kept.popitem()[1].close()
