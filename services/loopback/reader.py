"""Files as tapes: recorded trades, or candles walked by the contract's path."""

from array import array
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from autogrid.core.path import path_code, points
from autogrid.data.frame import read_candles
from autogrid.errors import InvalidInput
from services.loopback.bars import Bars
from services.loopback.market import Market
from services.loopback.tape import Print, Tape
from services.loopback.units import E8


def _split(ts: NDArray[np.int64], start_ms: int | None, start_row: int) -> int:
    return start_row if start_ms is None else int(np.searchsorted(ts, start_ms))


def _check_some(rows: int, first: int, source: Path) -> None:
    if first >= rows:
        raise InvalidInput(f"{source}: expected rows after the start, found {rows} in all. Start earlier.")


def candle_tape(
    market: Market,
    source: Path,
    start_ms: int | None = None,
    start_row: int = 0,
    path: str = "nearest",
    prints_per_leg: int = 1,
    shift_ms: int = 0,
) -> Tape:
    """A candle file as prints: open, then each leg in `prints_per_leg` steps; a candle's volume is spread evenly.

    `shift_ms` moves all times after the start was chosen.
    """
    frame = read_candles(source)
    ts = frame.index.view("int64")
    step = int(np.diff(ts).min()) if len(ts) > 1 else 60_000
    first = _split(ts, start_ms, start_row)
    _check_some(len(ts), first, source)
    ts = ts + shift_ms
    return Tape(market, step, _history(frame, ts, first), _walk(market, frame, ts, first, step, path, prints_per_leg))


def _history(frame: pd.DataFrame, ts: NDArray[np.int64], stop: int) -> list["array[int]"]:
    columns = [ts[:stop]]
    for name in ("open", "high", "low", "close", "volume"):
        columns.append(np.rint(frame[name].to_numpy()[:stop] * E8).astype(np.int64))
    quote = np.rint(frame["volume"].to_numpy()[:stop] * frame["close"].to_numpy()[:stop] * E8).astype(np.int64)
    columns += [quote, np.ones(stop, dtype=np.int64), columns[5] // 2]
    return [array("q", np.ascontiguousarray(column).tobytes()) for column in columns]


def _walk(
    market: Market, frame: pd.DataFrame, ts: NDArray[np.int64], first: int, step: int, path: str, per_leg: int
) -> Iterator[Print]:
    code, tick = path_code(path), market.tick
    columns = [frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume")]
    count = 1 + 3 * per_leg
    for row in range(first, len(ts)):
        open_, high, low, close = (market.price_e8(column[row]) for column in columns[:4])
        corners = points(open_, max(high, open_, close), min(low, open_, close), close, code)
        prices = [corners[0]]
        for begin, end in pairwise(corners):
            prices += [begin + (end - begin) // tick * place // per_leg * tick for place in range(1, per_leg)] + [end]
        volume = round(float(columns[4][row]) * E8)
        for place, price in enumerate(prices):
            qty = volume // count + (volume % count if place == count - 1 else 0)
            when = int(ts[row]) + min(step * place // (count - 1), step - 1)
            yield Print(when, market.symbol, price, qty, None, place == count - 1)


def trade_tape(
    market: Market, source: Path, start_ms: int | None = None, start_row: int = 0, shift_ms: int = 0
) -> Tape:
    """A file of trades (parquet or CSV: ts in ms UTC, price, amount, side of the taker) as prints."""
    ts, *others = _read_trades(source)
    first = _split(ts, start_ms, start_row)
    _check_some(len(ts), first, source)
    columns = (ts + shift_ms, *others)
    past = Bars(1000)
    for row in range(first):
        item = _trade(market, columns, row)
        past.add(item.ts, item.price, item.qty, item.side == "buy")
    return Tape(market, 1000, past.columns, (_trade(market, columns, row) for row in range(first, len(ts))))


def _trade(market: Market, columns: tuple[Any, ...], row: int) -> Print:
    ts, price, amount, side = (column[row] for column in columns)
    known = str(side).lower() if side else None
    return Print(int(ts), market.symbol, market.price_e8(price), round(float(amount) * E8), known, True)


def _read_trades(source: Path) -> tuple[Any, ...]:
    if not source.is_file():
        raise InvalidInput(f"trade file: expected a file, found nothing at {source}. Check the path.")
    table = pq.read_table(source) if source.suffix == ".parquet" else pacsv.read_csv(source)
    missing = [name for name in ("ts", "price", "amount") if name not in table.column_names]
    if missing:
        raise InvalidInput(f"{source}: expected ts, price, amount and side; missing: {', '.join(missing)}.")
    ts = table.column("ts").to_numpy()
    prices, amounts = (table.column(name).to_numpy().astype(np.float64) for name in ("price", "amount"))
    bad = np.flatnonzero((np.diff(ts, prepend=ts[:1]) < 0) | ~(prices > 0) | ~(amounts >= 0))
    if len(bad):
        raise InvalidInput(
            f"{source}, row {bad[0] + 1}: expected rising times, price > 0, amount >= 0. Sort or correct it."
        )
    sides = table.column("side").to_pylist() if "side" in table.column_names else [None] * len(ts)
    return ts, prices, amounts, sides
