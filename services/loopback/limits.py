"""Request weight per address and order counts per account, with Binance's answers."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from services.loopback.errors import ApiError

MINUTE_MS, TEN_S_MS, DAY_MS = 60_000, 10_000, 86_400_000


@dataclass
class Limits:
    """Counters in windows aligned to the clock. Times in ms of the machine's clock."""

    enabled: bool = True
    weight_per_minute: int = 6000
    orders_per_10s: int = 100
    orders_per_day: int = 200_000
    #: So many requests answered 429 within a minute bring a ban, whose length doubles each time.
    ban_after: int = 10
    ban_s: int = 120
    _weight: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    _ignored: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    _banned_until: dict[str, int] = field(default_factory=dict)
    _bans: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    #: (account, window length, window) -> unfilled orders.
    _orders: dict[tuple[str, int, int], int] = field(default_factory=lambda: defaultdict(int))

    def ban(self, ip: str, seconds: float, now_ms: int) -> None:
        """Ban an address."""
        self._banned_until[ip] = now_ms + int(seconds * 1000)

    def lift(self) -> None:
        """Forget bans and counts."""
        for store in (self._weight, self._ignored, self._banned_until, self._bans, self._orders):
            store.clear()

    def take(self, ip: str, weight: int, now_ms: int) -> None:
        """Count a request; 418 while banned, 429 above the limit."""
        until = self._banned_until.get(ip, 0)
        if until > now_ms:
            raise ApiError(
                -1003,
                f"Way too much request weight used; IP banned until {until}. "
                "Please use WebSocket Streams for live updates to avoid bans.",
                418,
                -(-(until - now_ms) // 1000),
            )
        window = (ip, now_ms // MINUTE_MS)
        self._forget(now_ms)
        self._weight[window] += weight
        if not self.enabled or self._weight[window] <= self.weight_per_minute:
            return
        self._ignored[window] += 1
        if self._ignored[window] > self.ban_after:
            self.ban(ip, self.ban_s * 2 ** self._bans[ip], now_ms)
            self._bans[ip] += 1
        raise ApiError(
            -1003,
            f"Too much request weight used; current limit is {self.weight_per_minute} request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API.",
            429,
            -(-(MINUTE_MS - now_ms % MINUTE_MS) // 1000),
        )

    def _forget(self, now_ms: int) -> None:
        if len(self._weight) > 100:
            minute = now_ms // MINUTE_MS
            for store in (self._weight, self._ignored):
                for key in [key for key in store if key[1] < minute]:
                    del store[key]
        if len(self._orders) > 10_000:
            for place in [place for place in self._orders if (place[2] + 1) * place[1] < now_ms]:
                del self._orders[place]

    def used(self, ip: str, now_ms: int) -> int:
        """Weight used in this minute."""
        return self._weight.get((ip, now_ms // MINUTE_MS), 0)

    def check_order(self, account: str, now_ms: int) -> None:
        """-1015 where one more order is too many."""
        for length, limit, name in (
            (TEN_S_MS, self.orders_per_10s, "10 SECOND"),
            (DAY_MS, self.orders_per_day, "1 DAY"),
        ):
            if self.enabled and self._orders.get((account, length, now_ms // length), 0) >= limit:
                wait_s = -(-(length - now_ms % length) // 1000)
                message = f"Too many new orders; current limit is {limit} orders per {name}."
                raise ApiError(-1015, message, 429, wait_s)

    def count_order(self, account: str, now_ms: int, by: int = 1) -> None:
        """An order was accepted, or with -1 has filled for the first time."""
        for length in (TEN_S_MS, DAY_MS):
            key = (account, length, now_ms // length)
            self._orders[key] = max(0, self._orders[key] + by)

    def order_counts(self, account: str, now_ms: int) -> dict[str, int]:
        """Headers of a placed order: unfilled orders per interval."""
        return {
            name: self._orders.get((account, length, now_ms // length), 0)
            for name, length in (("10S", TEN_S_MS), ("1D", DAY_MS))
        }

    def describe(self) -> list[dict[str, Any]]:
        """The rateLimits list of exchangeInfo."""
        rows = (
            ("REQUEST_WEIGHT", "MINUTE", 1, self.weight_per_minute),
            ("ORDERS", "SECOND", 10, self.orders_per_10s),
            ("ORDERS", "DAY", 1, self.orders_per_day),
        )
        return [
            {"rateLimitType": kind, "interval": unit, "intervalNum": count, "limit": limit}
            for kind, unit, count, limit in rows
        ]
