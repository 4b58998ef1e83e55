"""Candles of one market, from the tape's past and from every print since."""

from array import array
from bisect import bisect_left
from datetime import UTC, datetime
from typing import Any

from services.loopback.units import E8, e8_text

_UNITS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
INTERVALS = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M")
#: Weeks begin on Mondays; 1970-01-05 was one.
_MONDAY = 4 * 86_400_000
Bar = list[int]


def bucket(ts: int, interval: str) -> tuple[int, int]:
    """[open, next open) of the candle that holds `ts`, ms."""
    if interval == "1M":
        day = datetime.fromtimestamp(ts / 1000, UTC)
        first = datetime(day.year, day.month, 1, tzinfo=UTC)
        after = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
        return int(first.timestamp()) * 1000, int(after.timestamp()) * 1000
    step = int(interval[:-1]) * _UNITS[interval[-1]]
    anchor = _MONDAY if interval == "1w" else 0
    start = (ts - anchor) // step * step + anchor
    return start, start + step


class Bars:
    """Base candles in columns: ts, open, high, low, close, volume (e8), quote volume (e8), trades, taker buys (e8)."""

    def __init__(self, base_ms: int) -> None:
        self.base_ms = base_ms
        self.columns = [array("q") for _ in range(9)]

    def load(self, columns: list["array[int]"]) -> None:
        """Candles that closed before the tape starts."""
        for own, given in zip(self.columns, columns, strict=True):
            own.extend(given)

    def add(self, ts: int, price: int, qty: int, is_taker_buy: bool) -> None:
        """One print, not before the last one."""
        start = ts // self.base_ms * self.base_ms
        times, _, highs, lows, closes, volumes, quotes, counts, buys = self.columns
        if not times or times[-1] < start:
            for column, value in zip(self.columns, (start, price, price, price, price, 0, 0, 0, 0), strict=True):
                column.append(value)
        highs[-1] = max(highs[-1], price)
        lows[-1] = min(lows[-1], price)
        closes[-1] = price
        volumes[-1] += qty
        quotes[-1] += price * qty // E8
        counts[-1] += 1
        buys[-1] += qty if is_taker_buy else 0

    def since(self, start: int) -> Bar | None:
        """Everything from `start` on as one candle; None where there is nothing."""
        first = bisect_left(self.columns[0], start)
        if first == len(self.columns[0]):
            return None
        _, opens, highs, lows, closes, *sums = (column[first:] for column in self.columns)
        return [start, opens[0], max(highs), min(lows), closes[-1], *map(sum, sums)]

    def between(self, interval: str, start: int | None, end: int | None, limit: int) -> list[Bar]:
        """Candles opening in [start, end]; the latest `limit` where start is None, else the first."""
        times = self.columns[0]
        if not times:
            return []
        if start is None:
            stop = bisect_left(times, bucket(end, interval)[1]) if end is not None else len(times)
            first = stop
            for _ in range(limit):
                if first:
                    first = bisect_left(times, bucket(times[first - 1], interval)[0])
            return self._merge(interval, first, stop, None)
        first = bisect_left(times, start)
        if first < len(times) and bucket(times[first], interval)[0] < start:
            first = bisect_left(times, bucket(times[first], interval)[1])
        stop = len(times) if end is None else bisect_left(times, bucket(end, interval)[1])
        return [bar for bar in self._merge(interval, first, stop, limit) if end is None or bar[0] <= end]

    def _merge(self, interval: str, first: int, stop: int, limit: int | None) -> list[Bar]:
        bars: list[Bar] = []
        end = -1
        for index in range(first, stop):
            ts, open_, high, low, close, *sums = (column[index] for column in self.columns)
            if ts >= end:
                if limit is not None and len(bars) == limit:
                    break
                start, end = bucket(ts, interval)
                bars.append([start, open_, high, low, close, *sums])
                continue
            bar = bars[-1]
            bar[2], bar[3], bar[4] = max(bar[2], high), min(bar[3], low), close
            for place, value in enumerate(sums, start=5):
                bar[place] += value
        return bars


def show(bar: Bar, interval: str) -> list[Any]:
    """A candle as the klines endpoint shows it."""
    start, open_, high, low, close, volume, quote, count, buys = bar
    taker_quote = quote * buys // volume if volume else 0
    return [
        start, e8_text(open_), e8_text(high), e8_text(low), e8_text(close), e8_text(volume),
        bucket(start, interval)[1] - 1, e8_text(quote), count, e8_text(buys), e8_text(taker_quote), "0",
    ]  # fmt: skip
