"""The limiter that all workers share, one script call in Redis or Valkey for each request."""

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from autogrid.exchange.limiter import Budget, Charge, Limiter, MemoryLimiter, Window, refusal, remaining

if TYPE_CHECKING:
    from redis import Redis

T = TypeVar("T")
#: Seconds for which a server that failed is not asked again.
PAUSE_S = 5.0

#: `Window` and `MemoryLimiter.take` once more, atomic in the server. KEYS: one hash for each budget. ARGV: now in ms
#: ("" = the server's clock), then for each key limit*share, period in ms and cost. Returns {banned_ms, wait_ms}.
TAKE = """
local now = tonumber(ARGV[1])
if not now then local t = redis.call('TIME'); now = t[1] * 1000 + t[2] / 1000 end
local banned, wait, rows = 0, 0, {}
for i, key in ipairs(KEYS) do
  local cap, period, cost = tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i]), tonumber(ARGV[3*i+1])
  local row = redis.call('HMGET', key, 'index', 'used', 'before', 'banned')
  local index, used, before = tonumber(row[1]) or 0, tonumber(row[2]) or 0, tonumber(row[3]) or 0
  local here = math.floor(now / period)
  if here ~= index then
    before = (here == index + 1) and used or 0
    used = 0
  end
  banned = math.max(banned, (tonumber(row[4]) or 0) - now)
  local over = before * (1 - (now / period - here)) + used + cost - cap
  if over > 0 then
    if used + cost <= cap then
      wait = math.max(wait, over * period / before)
    else
      local fade = 1
      if used > 0 then fade = 1 - math.max(cap - cost, 0) / used end
      wait = math.max(wait, (here + 1) * period - now + math.max(fade, 0) * period)
    end
  end
  rows[i] = {here, used + cost, before, math.ceil(2 * period)}
end
if banned > 0 or wait > 0 then return {math.ceil(banned), math.ceil(wait)} end
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, 'index', rows[i][1], 'used', tostring(rows[i][2]), 'before', tostring(rows[i][3]))
  if redis.call('PTTL', key) < rows[i][4] then redis.call('PEXPIRE', key, rows[i][4]) end
end
return {0, 0}
"""

#: KEYS[1] hash; ARGV: now in ms or "", milliseconds of the ban.
BAN = """
local now = tonumber(ARGV[1])
if not now then local t = redis.call('TIME'); now = t[1] * 1000 + t[2] / 1000 end
local till = now + tonumber(ARGV[2])
if (tonumber(redis.call('HGET', KEYS[1], 'banned')) or 0) < till then
  redis.call('HSET', KEYS[1], 'banned', string.format('%.0f', till))
  if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[2]) + 1000) end
end
return 0
"""

#: KEYS[1] hash; ARGV: now in ms or "", period in ms, used.
OBSERVE = """
local now = tonumber(ARGV[1])
if not now then local t = redis.call('TIME'); now = t[1] * 1000 + t[2] / 1000 end
local period, seen = tonumber(ARGV[2]), tonumber(ARGV[3])
local row = redis.call('HMGET', KEYS[1], 'index', 'used')
local index, used = tonumber(row[1]) or 0, tonumber(row[2]) or 0
local here = math.floor(now / period)
if here ~= index then
  redis.call('HSET', KEYS[1], 'index', here, 'before', tostring((here == index + 1) and used or 0))
  used = 0
end
redis.call('HSET', KEYS[1], 'used', tostring(math.max(used, seen)))
if redis.call('PTTL', KEYS[1]) < 2 * period then redis.call('PEXPIRE', KEYS[1], math.ceil(2 * period)) end
return 0
"""


class RedisLimiter:
    """Budgets in Redis. When the server is away, this process goes on with its own count rather than without one."""

    def __init__(
        self, client: "Redis", clock: Callable[[], float] | None = None, prefix: str = "autogrid:limit:"
    ) -> None:
        self._client = client
        self._clock = clock
        self._prefix = prefix
        #: Until when the server is left alone after it failed, on this process's clock.
        self._away_until = 0.0
        self._alone: Limiter = MemoryLimiter(clock or time.time)
        self._scripts = {source: client.register_script(source) for source in (TAKE, BAN, OBSERVE)}

    def take(self, charges: Sequence[Charge], share: float) -> None:
        numbers = [n for c in charges for n in (c.budget.limit * share, c.budget.period_s * 1000, c.cost)]
        answer = self._run(TAKE, [charge.budget.key for charge in charges], *numbers)
        if answer is None:
            self._alone.take(charges, share)
        elif answer[0] > 0 or answer[1] > 0:
            raise refusal(charges, answer[0], answer[1])

    def ban(self, key: str, seconds: float) -> None:
        self._alone.ban(key, seconds)
        self._run(BAN, [key], math.ceil(seconds * 1000))

    def observe(self, budget: Budget, used: float) -> None:
        self._run(OBSERVE, [budget.key], budget.period_s * 1000, used)

    def left(self, budget: Budget) -> float:
        found = self._guarded(lambda: self._window(budget))
        if found is None:
            return self._alone.left(budget)
        window, now_ms = found
        period_ms = budget.period_s * 1000
        window.roll(now_ms, period_ms)
        return remaining(window, now_ms, period_ms, budget.limit)

    def _window(self, budget: Budget) -> tuple[Window, float]:
        raw: Any = self._client.hmget(self._prefix + budget.key, ["index", "used", "before", "banned"])
        index, used, before, banned = (float(value or 0) for value in raw)
        now_s: float = self._clock() if self._clock else _server_time(self._client)
        return Window(int(index), used, before, banned), now_s * 1000

    def _run(self, source: str, keys: list[str], *arguments: float) -> Any:
        """The script's answer, or None when the server is away."""
        now = "" if self._clock is None else repr(self._clock() * 1000)
        names = [self._prefix + key for key in keys]
        return self._guarded(lambda: self._scripts[source](keys=names, args=[now, *map(repr, arguments)]))

    def _guarded(self, work: Callable[[], T]) -> T | None:
        """The result, or None when the server is away; then it is left alone for a while."""
        from redis.exceptions import RedisError

        if time.monotonic() < self._away_until:
            return None
        try:
            return work()
        except RedisError as error:
            self._away_until = time.monotonic() + PAUSE_S
            structlog.get_logger().warning("limiter_alone", error=str(error))
            return None


def _server_time(client: "Redis") -> float:
    answer: Any = client.time()
    return float(answer[0]) + float(answer[1]) / 1e6
