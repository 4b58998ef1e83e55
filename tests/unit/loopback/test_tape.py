"""The tape walks candles by the contract; klines are what the prints made; the player keeps time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogrid.errors import InvalidInput
from services.loopback.bars import Bars, bucket
from services.loopback.clock import Clock
from services.loopback.engine import Engine
from services.loopback.market import Market
from services.loopback.player import Player
from services.loopback.reader import candle_tape, trade_tape
from services.loopback.tape import Tape
from services.loopback.units import E8, e8

MINUTE = 60_000
T0 = 1_714_521_600_000  # 2024-05-01, a Wednesday


def candles(tmp_path: Path, rows: list[tuple[float, ...]], name: str = "c.csv", step: int = MINUTE) -> Path:
    path = tmp_path / name
    frame = pd.DataFrame(rows, columns=["open", "high", "low", "close", "volume"])
    frame.insert(0, "ts", T0 + np.arange(len(rows)) * step)
    frame.to_csv(path, index=False)
    return path


def drain(tape: Tape) -> list[tuple[int, int, int]]:
    found = []
    while tape.next is not None:
        item = tape.pop()
        found.append((item.ts, item.price, item.qty))
    return found


def test_a_candle_is_walked_open_nearer_extreme_other_close(tmp_path: Path) -> None:
    market = Market("BTC", "USDT", tick=e8("0.01"))
    rows = [(101, 106, 100, 104, 4), (104, 104, 95, 95, 2), (94.99, 96, 94.9, 95.5, 1), (95.5, 111, 95.5, 110, 0)]
    tape = candle_tape(market, candles(tmp_path, rows))
    prints = drain(tape)
    expected = [101, 100, 106, 104, 104, 104, 95, 95, 94.99, 94.9, 96, 95.5, 95.5, 95.5, 111, 110]
    assert [price for _, price, _ in prints] == [round(price * E8) for price in expected]
    assert [ts - T0 for ts, _, _ in prints[:5]] == [0, 20_000, 40_000, 59_999, 60_000]
    assert [sum(qty for _, _, qty in prints[4 * i : 4 * i + 4]) for i in range(4)] == [4 * E8, 2 * E8, E8, 0]


def test_legs_in_steps_stay_on_the_tick_grid(tmp_path: Path) -> None:
    market = Market("BTC", "USDT", tick=e8("0.05"))
    prints = drain(candle_tape(market, candles(tmp_path, [(100, 101, 99.5, 100.2, 1)]), prints_per_leg=4))
    prices = [price for _, price, _ in prints]
    assert len(prints) == 13
    assert all(price % market.tick == 0 for price in prices)
    assert (prices[0], prices[4], prices[8], prices[12]) == (e8("100"), e8("99.5"), e8("101"), e8("100.2"))
    assert prices[:5] == sorted(prices[:5], reverse=True)
    assert prices[4:9] == sorted(prices[4:9])
    assert [ts for ts, _, _ in prints] == sorted(ts for ts, _, _ in prints)


def test_rows_before_the_start_are_history(tmp_path: Path) -> None:
    market = Market("BTC", "USDT")
    path = candles(tmp_path, [(100 + i, 101 + i, 99 + i, 100.5 + i, 3) for i in range(10)])
    for tape in (candle_tape(market, path, start_ms=T0 + 4 * MINUTE), candle_tape(market, path, start_row=4)):
        assert tape.next is not None
        assert tape.next.ts == T0 + 4 * MINUTE
        bars = tape.bars.between("1m", None, None, 500)
        assert [bar[0] for bar in bars] == [T0 + i * MINUTE for i in range(4)]
        assert bars[3][1:6] == [e8("103"), e8("104"), e8("102"), e8("103.5"), e8("3")]
    with pytest.raises(InvalidInput, match="after the start"):
        candle_tape(market, path, start_row=10)


def test_klines_from_prints_equal_the_candles_played(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    close = np.round(100 + np.cumsum(rng.normal(size=60)), 2)
    open_ = np.round(close + rng.normal(size=60), 2)
    high, low = np.maximum(open_, close) + 0.5, np.minimum(open_, close) - 0.5
    rows = list(zip(open_, high, low, close, np.full(60, 8.0), strict=True))
    market = Market("BTC", "USDT", tick=e8("0.01"))
    engine = Engine(Clock())
    engine.add_market(market)
    player = Player(engine, Clock(), [candle_tape(market, candles(tmp_path, rows), start_row=13)])
    player.step(candles=30)
    bars = player.tapes["BTCUSDT"].bars
    for interval, size in (("1m", 1), ("5m", 5), ("15m", 15)):
        made = bars.between(interval, T0, None, 1000)
        for place, bar in enumerate(made):
            part = rows[place * size : min((place + 1) * size, 43)]
            assert bar[0] == T0 + place * size * MINUTE
            assert bar[1] == round(part[0][0] * E8)
            assert bar[2] == round(max(row[1] for row in part) * E8)
            assert bar[3] == round(min(row[2] for row in part) * E8)
            assert bar[4] == round(part[-1][3] * E8)
            assert bar[5] == 8 * E8 * len(part)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=120, unique=True),
    st.sampled_from(["1m", "3m", "15m", "1h", "1d", "1w", "1M"]),
    st.one_of(st.none(), st.integers(-10, 410)),
    st.one_of(st.none(), st.integers(-10, 410)),
    st.integers(1, 20),
)
def test_pages_of_candles(minutes: list[int], interval: str, start: int | None, end: int | None, limit: int) -> None:
    """Against the obvious way: aggregate everything, then cut."""
    bars = Bars(MINUTE)
    base = T0 - 200 * MINUTE
    for minute in sorted(minutes):
        bars.add(base + minute * MINUTE + 7, e8(str(100 + minute)), minute * 1000, minute % 2 == 0)
    start_ms = None if start is None else base + start * MINUTE
    end_ms = None if end is None else base + end * MINUTE
    whole: dict[int, list[int]] = {}
    for minute in sorted(minutes):
        whole.setdefault(bucket(base + minute * MINUTE, interval)[0], []).append(minute)
    wanted = [
        [opens, e8(str(100 + part[0])), e8(str(100 + part[-1])), sum(part) * 1000, len(part)]
        for opens, part in whole.items()
        if (start_ms is None or opens >= start_ms) and (end_ms is None or opens <= end_ms)
    ]
    wanted = wanted[-limit:] if start is None else wanted[:limit]
    found = bars.between(interval, start_ms, end_ms, limit)
    assert [[bar[0], bar[1], bar[4], bar[5], bar[7]] for bar in found] == wanted


def test_buckets_of_weeks_and_months() -> None:
    monday, sunday = 1_714_348_800_000, 1_714_953_599_999  # 2024-04-29 .. 2024-05-05
    assert bucket(T0, "1w") == (monday, sunday + 1)
    assert bucket(T0 + 40 * 86_400_000, "1M") == (1_717_200_000_000, 1_719_792_000_000)
    assert bucket(1_703_500_000_000, "1M")[1] == 1_704_067_200_000


def test_tapes_of_two_markets_play_in_one_order_of_time(tmp_path: Path) -> None:
    engine, clock = Engine(Clock()), Clock()
    tapes = []
    for base, step in (("BTC", MINUTE), ("ETH", 3 * MINUTE)):
        market = Market(base, "USDT")
        engine.add_market(market)
        path = candles(tmp_path, [(100, 101, 99, 100, 1)] * 6, f"{base}.csv", step)
        tapes.append(candle_tape(market, path))
    player = Player(engine, clock, tapes)
    seen: list[tuple[int, str]] = []
    player.on_print = lambda number, item: seen.append((item.ts, item.symbol))
    player.step(until=T0 + 2 * MINUTE)
    assert clock.tape() <= T0 + 2 * MINUTE
    player.step(prints=10_000)
    assert player.done
    assert len(seen) == 48
    assert [ts for ts, _ in seen] == sorted(ts for ts, _ in seen)
    assert {symbol for _, symbol in seen} == {"BTCUSDT", "ETHUSDT"}


def test_trades_keep_side_and_amount_and_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    path.write_text(f"ts,price,amount,side\n{T0},100.01,0.5,buy\n{T0},100,0.25,sell\n{T0 + 5},99.99,1,buy\n")
    tape = trade_tape(Market("BTC", "USDT"), path, start_row=1)
    assert len(tape.bars.between("1s", None, None, 10)) == 1
    item = tape.pop()
    assert (item.price, item.qty, item.side) == (e8("100"), e8("0.25"), "sell")
    path.write_text(f"ts,price,amount\n{T0},1,1\n{T0 - 1},1,1\n")
    with pytest.raises(InvalidInput, match="row 2: expected rising times"):
        trade_tape(Market("BTC", "USDT"), path)
    with pytest.raises(InvalidInput, match="found nothing"):
        trade_tape(Market("BTC", "USDT"), tmp_path / "none.csv")
    path.write_text("ts,price\n1,1\n")
    with pytest.raises(InvalidInput, match="missing: amount"):
        trade_tape(Market("BTC", "USDT"), path)
