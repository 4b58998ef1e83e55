"""Candles through the real server: in, out, gaps, coverage, cache, idempotence, refusal."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from autogrid.data import cache
from autogrid.data.export import write_candles
from autogrid.data.frame import to_frame
from autogrid.data.ingest import import_file
from autogrid.data.load import load_candles
from autogrid.errors import InvalidInput
from autogrid.store import candles, coverage
from autogrid.store.coverage import Gap, Series

T0 = 1_714_521_600_000
MINUTE = 60_000
SERIES = Series("binance", "BTC/USDT", 60)
NAMES = ("binance", "BTC/USDT", "1m")


def frame(minutes: list[int], bump: float = 0.0) -> pd.DataFrame:
    at = np.array(minutes, dtype=np.int64)
    close = 100.0 + at % 7 + bump
    return to_frame(T0 + at * MINUTE, (close, close + 1, close - 1, close, at.astype(float)))


def bring(folder: Path, minutes: list[int], bump: float = 0.0, name: str = "a.parquet") -> tuple[int, int]:
    write_candles(frame(minutes, bump), folder / name)
    done = import_file(folder / name, *NAMES)
    return done.inserted, done.changed


def state(store: sa.Engine) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """(spans, gaps) in minutes since T0."""
    with store.connect() as connection:
        spans = coverage.spans(connection, SERIES)
        gaps = coverage.gaps(connection, SERIES)

    def minutes(x: coverage.Span | Gap) -> tuple[int, int, int]:
        return (x.start - T0) // MINUTE, (x.end - T0) // MINUTE, x.candles

    return [minutes(s) for s in spans], [minutes(g) for g in gaps]


def test_in_and_out_are_equal(store: sa.Engine, tmp_path: Path) -> None:
    minutes = list(range(500))
    assert bring(tmp_path, minutes) == (500, 0)
    pd.testing.assert_frame_equal(load_candles(*NAMES), frame(minutes))
    part = load_candles(*NAMES, start="2024-05-01T00:10", end="2024-05-01T00:20+00:00")
    pd.testing.assert_frame_equal(part, frame(list(range(10, 20))))


def test_gaps_are_recorded_never_filled_and_close(store: sa.Engine, tmp_path: Path) -> None:
    bring(tmp_path, [0, 1, 2, 6, 7, 20])
    assert state(store) == ([(0, 21, 6)], [(3, 6, 3), (8, 20, 12)])
    assert len(load_candles(*NAMES)) == 6
    assert bring(tmp_path, [4, 8, 9, 10]) == (4, 0)
    assert state(store) == ([(0, 21, 10)], [(3, 4, 1), (5, 6, 1), (11, 20, 9)])
    bring(tmp_path, [3, 5, *range(11, 20)])
    assert state(store) == ([(0, 21, 21)], [])


def test_a_repeated_import_changes_nothing(store: sa.Engine, tmp_path: Path) -> None:
    assert bring(tmp_path, [0, 1, 2, 5]) == (4, 0)
    with store.connect() as connection:
        before = coverage.listing(connection)
    assert bring(tmp_path, [0, 1, 2, 5]) == (0, 0)
    with store.connect() as connection:
        assert coverage.listing(connection) == before
        assert connection.scalar(sa.text("SELECT count(*) FROM import_log")) == 1
    assert state(store)[1] == [(3, 5, 2)]


def test_spans_merge_when_they_touch(store: sa.Engine, tmp_path: Path) -> None:
    bring(tmp_path, [0, 1, 2])
    bring(tmp_path, [10, 11])
    assert state(store) == ([(0, 3, 3), (10, 12, 2)], [])
    with pytest.warns(UserWarning, match=r"never imported: 2024-05-01T00:03:00 \.\. 2024-05-01T00:10:00"):
        assert len(load_candles(*NAMES)) == 5
    bring(tmp_path, list(range(3, 10)))
    assert state(store) == ([(0, 12, 12)], [])


def test_the_cache_serves_until_the_data_changes(
    store: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(tmp_path, list(range(50)))
    first = load_candles(*NAMES)
    reads: list[int] = []
    original = candles.read

    def counted(*args: object) -> object:
        reads.append(1)
        return original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(candles, "read", counted)
    pd.testing.assert_frame_equal(load_candles(*NAMES), first)
    assert reads == []
    assert bring(tmp_path, list(range(50)), bump=1.0) == (0, 50)
    pd.testing.assert_frame_equal(load_candles(*NAMES), frame(list(range(50)), 1.0))
    assert reads == [1]


def test_a_damaged_cache_file_is_read_again(store: sa.Engine, tmp_path: Path) -> None:
    bring(tmp_path, list(range(5)))
    load_candles(*NAMES)
    with store.connect() as connection:
        spans = coverage.spans(connection, SERIES)
    path = cache.file_of(SERIES, spans[0].start, spans[0].end, spans)
    assert path.is_file()
    path.write_bytes(b"ARROW1")
    assert len(load_candles(*NAMES)) == 5


def test_a_refused_file_leaves_nothing(store: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    write_candles(frame(list(range(100))), path)
    lines = path.read_text().splitlines()
    lines[90] = lines[89]
    path.write_text("\n".join(lines))
    with pytest.raises(InvalidInput, match=r"bad\.csv, line 91: expected one candle per time"):
        import_file(path, *NAMES)
    with store.connect() as connection:
        assert coverage.listing(connection) == []
        assert connection.scalar(sa.text("SELECT count(*) FROM candle")) == 0


def test_a_write_that_fails_half_way_leaves_nothing(
    store: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(coverage, "extend", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        bring(tmp_path, [0, 1])
    with store.connect() as connection:
        for table in ("market", "candle", "coverage", "gap", "import_log"):
            assert connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) == 0


def test_out_of_order_storage_comes_back_in_order(store: sa.Engine, tmp_path: Path) -> None:
    for minutes in ([10, 11], [0, 1], [5, 6]):
        bring(tmp_path, minutes)
    with pytest.warns(UserWarning, match="never imported"):
        assert load_candles(*NAMES).index.is_monotonic_increasing


def test_series_do_not_mix(store: sa.Engine, tmp_path: Path) -> None:
    write_candles(frame([0, 1]), tmp_path / "a.csv")
    import_file(tmp_path / "a.csv", "binance", "BTC/USDT", "1m")
    import_file(tmp_path / "a.csv", "kraken", "BTC/USDT", "1m")
    import_file(tmp_path / "a.csv", "binance", "ETH/USDT", "30s", "exchange_omits_empty")
    with store.connect() as connection:
        assert len(coverage.listing(connection)) == 3
        gaps = coverage.gaps(connection, Series("binance", "ETH/USDT", 30))
    assert [g.reason for g in gaps] == ["exchange_omits_empty"]
    assert len(load_candles("kraken", "BTC/USDT", "1m")) == 2


def test_nothing_stored_names_what_is_and_what_to_run(store: sa.Engine, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"Stored: nothing. Run: autogrid candles fetch okx"):
        load_candles("okx", "BTC/USDT", "1m")
    bring(tmp_path, [0, 1])
    with pytest.raises(InvalidInput, match="Stored: binance BTC/USDT 1m 2024-05-01"):
        load_candles("okx", "BTC/USDT", "1m")
    with pytest.raises(InvalidInput, match="found none stored there"):
        load_candles(*NAMES, start="2020-01-01", end="2020-02-01")
    with pytest.raises(InvalidInput, match="expected start < end"):
        load_candles(*NAMES, start="2024-06-01", end="2024-05-01")
    for text in ("yesterdayish", ""):
        with pytest.raises(InvalidInput, match="time: expected something like"):
            load_candles(*NAMES, start=text)
    with pytest.raises(InvalidInput, match="exchange: expected a name"):
        load_candles(" ", "BTC/USDT", "1m")


def test_resample_in_plain_sql(store: sa.Engine, tmp_path: Path) -> None:
    bring(tmp_path, list(range(12)))
    with store.connect() as connection:
        rows = candles.resample(connection, SERIES, 300, T0, T0 + 60 * MINUTE)
    source = frame(list(range(12)))
    assert len(rows) == 3
    assert rows[0] == (
        T0,
        source["open"].iloc[0],
        source["high"].iloc[:5].max(),
        source["low"].iloc[:5].min(),
        source["close"].iloc[4],
        source["volume"].iloc[:5].sum(),
    )
    assert rows[2][0] == T0 + 10 * MINUTE
