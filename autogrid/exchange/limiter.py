"""Budgets that every process behind one address shares, so that no exchange ever bans us.

Exchanges count request weight per address and orders per account in fixed windows (Binance: 6000 a minute, 100
orders in 10 s). A budget here is a sliding window: what the last window used fades out while the present one fills
up. A lower priority may use only part of a budget, so that cancels still go out when data requests have eaten
theirs. Nobody sleeps: a budget that is used up raises RetryLater and the task ends.

`MemoryLimiter` serves one process, `autogrid.exchange.limiter_redis.RedisLimiter` all of them; both decide alike.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from autogrid.errors import RetryLater

#: Share of a budget that a priority may use; cancel > protect > place > data.
CANCEL, PROTECT, PLACE, DATA = 1.0, 0.95, 0.85, 0.70


@dataclass(frozen=True, slots=True)
class Budget:
    """So much may be used in any window of `period_s` seconds."""

    #: Shared by all that use the same exchange and address, or the same account.
    key: str
    limit: float
    period_s: float


@dataclass(frozen=True, slots=True)
class Charge:
    """What one request takes from one budget."""

    budget: Budget
    cost: float = 1


class Limiter(Protocol):
    """Budgets and bans by key."""

    def take(self, charges: Sequence[Charge], share: float) -> None:
        """Take all charges or none; RetryLater when a key is banned or more than `share` of a budget would be used."""

    def ban(self, key: str, seconds: float) -> None:
        """Refuse the key to everyone for so long. A longer ban stays."""

    def observe(self, budget: Budget, used: float) -> None:
        """The exchange says that so much of the present window is used; ours is raised to it."""

    def left(self, budget: Budget) -> float:
        """What is left now, 0 while banned. For metrics."""


@dataclass(slots=True)
class Window:
    """Use of one budget: in the window of index `index`, in the one before, and the end of a ban (ms)."""

    index: int = 0
    used: float = 0.0
    before: float = 0.0
    banned_until: float = 0.0

    def roll(self, now_ms: float, period_ms: float) -> None:
        """Go to the window of `now_ms`."""
        index = math.floor(now_ms / period_ms)
        if index != self.index:
            self.before = self.used if index == self.index + 1 else 0.0
            self.used, self.index = 0.0, index

    def estimate(self, now_ms: float, period_ms: float) -> float:
        """Use within the sliding window that ends now."""
        return self.before * (1 - (now_ms / period_ms - self.index)) + self.used

    def wait_ms(self, now_ms: float, period_ms: float, cost: float, cap: float) -> float:
        """Milliseconds until `cost` more stays within `cap`; 0 if it does now."""
        over = self.estimate(now_ms, period_ms) + cost - cap
        if over <= 0:
            return 0.0
        if self.used + cost <= cap:
            return over * period_ms / self.before
        rest = (self.index + 1) * period_ms - now_ms
        fade = 1 - max(cap - cost, 0) / self.used if self.used > 0 else 1.0
        return rest + max(fade, 0.0) * period_ms


class MemoryLimiter:
    """The limiter of a single process. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[str, Window] = {}

    def take(self, charges: Sequence[Charge], share: float) -> None:
        with self._lock:
            now = self._clock() * 1000
            banned = wait = 0.0
            for charge in charges:
                window, period = self._window(charge.budget, now)
                banned = max(banned, window.banned_until - now)
                wait = max(wait, window.wait_ms(now, period, charge.cost, charge.budget.limit * share))
            if banned <= 0 and wait <= 0:
                for charge in charges:
                    self._windows[charge.budget.key].used += charge.cost
                return
        raise refusal(charges, banned, wait)

    def ban(self, key: str, seconds: float) -> None:
        with self._lock:
            window = self._windows.setdefault(key, Window())
            window.banned_until = max(window.banned_until, (self._clock() + seconds) * 1000)

    def observe(self, budget: Budget, used: float) -> None:
        with self._lock:
            window, _ = self._window(budget, self._clock() * 1000)
            window.used = max(window.used, used)

    def left(self, budget: Budget) -> float:
        with self._lock:
            now = self._clock() * 1000
            window, period = self._window(budget, now)
            return remaining(window, now, period, budget.limit)

    def _window(self, budget: Budget, now_ms: float) -> tuple[Window, float]:
        window = self._windows.setdefault(budget.key, Window())
        period_ms = budget.period_s * 1000
        window.roll(now_ms, period_ms)
        return window, period_ms


def remaining(window: Window, now_ms: float, period_ms: float, limit: float) -> float:
    """What a rolled window leaves of `limit`."""
    if window.banned_until > now_ms:
        return 0.0
    return max(0.0, limit - window.estimate(now_ms, period_ms))


def refusal(charges: Sequence[Charge], banned_ms: float, wait_ms: float) -> RetryLater:
    """The error for a refused charge."""
    keys = ", ".join(charge.budget.key for charge in charges)
    # A millisecond more than the arithmetic says, so that rounding never asks too early.
    wait_s = (max(banned_ms, wait_ms) + 1) / 1000
    if banned_ms > 0:
        return RetryLater(f"{keys}: the exchange has asked us to pause for another {wait_s:.1f} s", wait_s, banned=True)
    return RetryLater(f"{keys}: budget used up, expected room in {wait_s:.1f} s", wait_s)
