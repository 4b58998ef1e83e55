"""Candles from an exchange into the store, page by page. Each page is committed with its coverage, so a
killed fetch goes on where it stopped."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autogrid.data import spans
from autogrid.data.frame import validate
from autogrid.data.ingest import GapReason
from autogrid.data.ingest import series as series_of
from autogrid.data.raw import Raw
from autogrid.data.sources.ccxt_source import Client, fetch_page
from autogrid.data.timeframe import anchor_ms
from autogrid.errors import InvalidInput
from autogrid.store import candles, coverage
from autogrid.store.engine import engine

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Fetched:
    """What a fetch brought."""

    pages: int
    inserted: int


@dataclass(frozen=True)
class _Job:
    client: Client
    series: coverage.Series
    timeframe: str
    reason: GapReason
    limit: int
    progress: Progress

    @property
    def step(self) -> int:
        return self.series.timeframe_s * 1000

    def page(self, since: int, stop: int) -> Raw:
        """The checked candles of one page with since <= ts < stop."""
        raw = fetch_page(self.client, self.series.symbol, self.timeframe, since, self.limit)
        inside = (raw.ts >= since) & (raw.ts < stop)
        cut = Raw(raw.source, raw.ts[inside], tuple(v[inside] for v in raw.values))
        return validate(cut, self.timeframe)[0] if len(cut) else cut

    def store(self, page: Raw, start: int, end: int) -> int:
        """Commit a page that tells all there is in [start, end)."""
        digest = hashlib.sha256(page.ts.tobytes())
        for values in page.values:
            digest.update(values.tobytes())
        batch = candles.Batch(page.ts, page.values, start, end, page.source, digest.hexdigest(), self.reason)
        return candles.put(engine(), self.series, batch).inserted


def fetch(
    client: Client,
    exchange: str,
    symbol: str,
    timeframe: str,
    since: int,
    until: int | None = None,
    *,
    gap_reason: GapReason = "missing",
    limit: int = 1000,
    progress: Progress = lambda at, stop: None,
) -> Fetched:
    """Store what is missing of [since, until) ms; `until` defaults to now. Only closed candles are taken.

    `progress(at, stop)` is called after each page with the time reached and the end of the stretch.
    """
    job = _Job(client, series_of(exchange, symbol, timeframe), timeframe, gap_reason, limit, progress)
    now = time.time_ns() // 1_000_000
    anchor = anchor_ms(job.series.timeframe_s)
    # Up to the open time of the first candle that is not closed yet; from the first open time in range.
    stop = anchor + (min(now, until if until is not None else now) - anchor) // job.step * job.step
    first = anchor - (anchor - since) // job.step * job.step
    if first >= stop:
        raise InvalidInput(f"fetch: expected --since before the last closed candle, found {coverage.when(since)}.")
    with engine().connect() as connection:
        stored = [(s.start, s.end) for s in coverage.spans(connection, job.series)]
    pages = inserted = 0
    for hole in spans.missing((first, stop), stored):
        follows = any(end == hole[0] for _, end in stored)
        done = _fill(job, hole, follows, closes=hole[1] < stop)
        pages, inserted = pages + done.pages, inserted + done.inserted
    return Fetched(pages, inserted)


def _fill(job: _Job, hole: spans.Stretch, follows: bool, closes: bool) -> Fetched:
    """Fetch one uncovered stretch. `follows`: stored candles end where it begins; `closes`: more follow it.

    What lies before the first candle ever seen is no gap: the market may not have existed.
    """
    at, stop = hole
    covered = at
    pages = inserted = 0
    while at < stop:
        page = job.page(at, stop)
        pages += 1
        if len(page) == 0:
            at += job.limit * job.step  # some exchanges answer by window: the next one may have candles
        else:
            start = covered if follows else int(page.ts[0])
            at = covered = int(page.ts[-1]) + job.step
            inserted += job.store(page, start, covered)
            follows = True
        job.progress(min(at, stop), stop)
    if closes and follows and covered < stop:
        empty = np.empty(0)
        job.store(Raw("fetch", np.empty(0, dtype=np.int64), (empty,) * 5), covered, stop)
    return Fetched(pages, inserted)
