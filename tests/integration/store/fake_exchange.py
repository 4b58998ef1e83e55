"""An exchange that serves minutes from a formula; run as a script it fetches and kills itself on the way."""

import os
import signal
import sys

T0 = 1_714_521_600_000
MINUTE = 60_000


class FakeExchange:
    """Answers like ccxt: candles from `since` on, at most 10, none for minutes in `holes`."""

    id = "fake"

    def __init__(self, minutes: int = 100, holes: frozenset[int] = frozenset(), windowed: bool = False) -> None:
        self.minutes, self.holes, self.windowed = minutes, holes, windowed
        self.calls: list[int] = []
        self.kill_at: int | None = None
        self.failures: list[Exception] = []

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[list[float]]:
        if self.failures:
            raise self.failures.pop(0)
        if self.kill_at == len(self.calls):
            os.kill(os.getpid(), signal.SIGKILL)
        first = (since - T0) // MINUTE
        self.calls.append(first)
        last = min(first + 10, self.minutes) if self.windowed else self.minutes
        found = [i for i in range(max(first, 0), last) if i not in self.holes][:10]
        return [[T0 + i * MINUTE, 100.0 + i, 101.0 + i, 99.0 + i, 100.5 + i, 1.0] for i in found]


if __name__ == "__main__":
    from autogrid.data.fetch import fetch

    exchange = FakeExchange()
    exchange.kill_at = int(sys.argv[1])
    fetch(exchange, "fake", "BTC/USDT", "1m", T0, T0 + 100 * MINUTE, limit=10)
