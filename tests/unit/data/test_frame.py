"""Validation and the readers: what is taken, what is refused, and that the place is named."""

import gzip
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from autogrid.data.export import write_candles
from autogrid.data.frame import read_candles, validate
from autogrid.data.raw import Raw
from autogrid.data.sources import read_raw
from autogrid.errors import InvalidInput

T0 = 1_714_521_600_000  # 2024-05-01
MINUTE = 60_000
ROWS = [[T0 + i * MINUTE, 100.0 + i, 102.0 + i, 99.0 + i, 101.0 + i, 5.0] for i in range(4)]


def csv_text(rows: list[list[float]], header: str = "ts,open,high,low,close,volume") -> str:
    return "\n".join([header, *(",".join(str(x) for x in row) for row in rows)]) + "\n"


def changed(row: int, column: int, value: float) -> list[list[float]]:
    rows = [list(r) for r in ROWS]
    rows[row][column] = value
    return rows


def check(frame: pd.DataFrame) -> None:
    assert frame.index.dtype == "datetime64[ms, UTC]"
    assert frame.index.name == "ts"
    assert list(frame.columns) == ["open", "high", "low", "close", "volume"]
    assert frame.index[0] == pd.Timestamp("2024-05-01", tz="UTC")
    assert frame.to_numpy().tolist() == [row[1:] for row in ROWS]


def test_csv_and_parquet_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(csv_text(ROWS))
    frame = read_candles(path, "1m")
    check(frame)
    for name in ("out.csv", "out.parquet"):
        write_candles(frame, tmp_path / name)
        check(read_candles(tmp_path / name))


def test_a_file_cut_in_the_middle_of_a_line_is_named_in_few_words(tmp_path: Path) -> None:
    path, whole = tmp_path / "c.csv", csv_text(ROWS).rstrip()
    for end in range(whole.rindex("\n") + 2, len(whole) - len(whole.rpartition(",")[2]) + 1):
        path.write_text(whole[:end])
        with pytest.raises(InvalidInput, match=r"c\.csv.*line 5") as refused:
            read_candles(path, "1m")
        assert len(str(refused.value)) < 400
    write_candles(read_candles(_whole(tmp_path, whole), "1m"), tmp_path / "c.parquet")
    data = (tmp_path / "c.parquet").read_bytes()
    (tmp_path / "c.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(InvalidInput, match=r"c\.parquet") as refused:
        read_candles(tmp_path / "c.parquet")
    assert len(str(refused.value)) < 400


def _whole(folder: Path, text: str) -> Path:
    path = folder / "whole.csv"
    path.write_text(text)
    return path


def test_blank_lines_and_extra_columns_do_not_shift_lines(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    rows = [[*row, 9] for row in changed(2, 2, 1.0)]
    text = csv_text(rows, "ts,open,high,low,close,volume,trades").splitlines()
    path.write_text("\n".join([*text[:2], "", *text[2:]]))
    with pytest.raises(InvalidInput, match=r"c\.csv, line 5: expected high >= low"):
        read_candles(path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (changed(2, 0, T0), "line 4: expected a time after 1714521660000"),
        (changed(2, 0, T0 + MINUTE), "line 4: expected one candle per time, found a duplicate"),
        (changed(2, 0, T0 + 2 * MINUTE + 1), "line 4: expected a time that is a multiple of 60 s"),
        (changed(1, 0, T0 // 1000), "line 3: expected a time in ms UTC"),
        (changed(2, 2, 98.0), "line 4: expected high >= low"),
        (changed(3, 4, 0.0), "line 5: expected a finite, positive close, found 0.0"),
        (changed(3, 1, -1.0), "line 5: expected a finite, positive open"),
        (changed(0, 3, float("nan")), "line 2: expected a finite, positive low, found nan"),
        (changed(0, 2, float("inf")), "line 2: expected a finite, positive high"),
        (changed(1, 5, -2.0), "line 3: expected a finite volume, zero or more"),
        (changed(1, 1, "x"), "line 3: expected a number in open, found 'x'"),
        (changed(1, 0, "2024-05-01"), r"line 3: expected a whole number \(ms\) in ts"),
        ([*ROWS[:2], ROWS[2][:4]], "line 4: expected 6 fields, found 4"),
        ([], "expected candles, found no rows"),
    ],
)
def test_a_bad_row_names_file_and_line(tmp_path: Path, rows: list[list[float]], message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(csv_text(rows))
    with pytest.raises(InvalidInput, match=rf"bad\.csv(:|, ){message}|bad\.csv: {message}"):
        read_candles(path, "1m")


def test_open_outside_the_range_is_real_and_taken(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(csv_text(changed(1, 1, 50.0)))
    assert read_candles(path, "1m")["open"].iloc[1] == 50.0


def test_the_open_last_candle_is_dropped_with_a_note() -> None:
    columns = np.array(ROWS).T
    raw = Raw("f", columns[0].astype(np.int64), tuple(np.ascontiguousarray(c) for c in columns[1:]))
    kept, notes = validate(raw, "1m", now_ms=T0 + 4 * MINUTE - 1)
    assert len(kept) == 3
    assert re.search(r"dropped 1 candle.*2024-05-01T00:03.*not closed", notes[0])
    assert validate(raw, "1m", now_ms=T0 + 4 * MINUTE) == (raw, ())
    with pytest.raises(InvalidInput, match="in the future"):
        validate(raw, "1m", now_ms=T0 + MINUTE)


def test_weeks_begin_on_monday() -> None:
    monday = 1_714_348_800_000
    one = tuple(np.array([1.0]) for _ in range(5))
    assert len(validate(Raw("f", np.array([monday]), one), "1w")[0]) == 1
    with pytest.raises(InvalidInput, match="multiple of 604800 s"):
        validate(Raw("f", np.array([monday + 86_400_000]), one), "1w")


def binance(factor: int, header: bool) -> str:
    names = "open_time,open,high,low,close,volume,close_time,quote_volume,count,tbv,tbq,ignore"
    lines = [
        ",".join(str(x) for x in [row[0] * factor, *row[1:], row[0] * factor + 59_999, 1.5, 3, 1, 2, 0]) for row in ROWS
    ]
    return "\n".join(([names] if header else []) + lines) + "\n"


@pytest.mark.parametrize("factor", [1, 1000])
@pytest.mark.parametrize("header", [True, False])
def test_binance_dumps(tmp_path: Path, factor: int, header: bool) -> None:
    text = binance(factor, header)
    (tmp_path / "BTCUSDT-1m.csv").write_text(text)
    check(read_candles(tmp_path / "BTCUSDT-1m.csv", "1m"))
    with zipfile.ZipFile(tmp_path / "BTCUSDT-1m.zip", "w") as archive:
        archive.writestr("BTCUSDT-1m.csv", text)
    check(read_candles(tmp_path / "BTCUSDT-1m.zip", "1m"))


def test_binance_zip_refusals(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"no zip")
    with pytest.raises(InvalidInput, match="expected a zip file"):
        read_candles(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", binance(1, False).replace("99.0", "999.0", 1))
    with pytest.raises(InvalidInput, match=r"a\.zip:a\.csv, line 1: expected high >= low"):
        read_candles(path)
    (tmp_path / "a.zip.CHECKSUM").write_text("00  a.zip\n")
    with pytest.raises(InvalidInput, match="expected sha256 00"):
        read_candles(path)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("a.txt", "")
    with pytest.raises(InvalidInput, match="expected one CSV"):
        read_candles(tmp_path / "b.zip")
    (tmp_path / "us.csv").write_text(binance(1000, False).replace(str(T0 * 1000), str(T0 * 1000 + 7), 1))
    with pytest.raises(InvalidInput, match="whole milliseconds"):
        read_candles(tmp_path / "us.csv")


def test_freqtrade_files(tmp_path: Path) -> None:
    columns = np.array(ROWS).T
    dates = pd.to_datetime(columns[0].astype(np.int64), unit="ms", utc=True)
    names = ["open", "high", "low", "close", "volume"]
    frame = pd.DataFrame({"date": dates, **dict(zip(names, columns[1:], strict=True))})
    feather.write_feather(pa.Table.from_pandas(frame), str(tmp_path / "BTC_USDT-1m.feather"))
    (tmp_path / "BTC_USDT-1m.json").write_text(json.dumps(ROWS))
    (tmp_path / "BTC_USDT-1m.json.gz").write_bytes(gzip.compress(json.dumps(ROWS).encode()))
    for path in tmp_path.iterdir():
        check(read_candles(path, "1m"))
    (tmp_path / "bad.json").write_text(json.dumps([*ROWS[:2], [1, None]]))
    with pytest.raises(InvalidInput, match=r"bad\.json, row 3: expected 6 numbers"):
        read_candles(tmp_path / "bad.json")


def test_files_that_are_no_candles(tmp_path: Path) -> None:
    for name in ("x.parquet", "x.feather", "x.json", "x.json.gz"):
        (tmp_path / name).write_bytes(b"{nothing")
        with pytest.raises(InvalidInput, match="reading it failed"):
            read_candles(tmp_path / name)
    (tmp_path / "x.json").write_text('{"a": 1}')
    with pytest.raises(InvalidInput, match="expected a list"):
        read_candles(tmp_path / "x.json")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InvalidInput, match="line 1: expected a header with ts"):
        read_candles(tmp_path / "x.csv")
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(InvalidInput, match=r"expected .parquet"):
        read_candles(tmp_path / "x.txt")
    with pytest.raises(InvalidInput, match="found nothing at"):
        read_candles(tmp_path / "absent.csv")
    table = pa.table({"ts": [1.5], **{n: [1.0] for n in ("open", "high", "low", "close", "volume")}})
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(InvalidInput, match="expected ts as int64 ms"):
        read_raw(tmp_path / "x.parquet")
    pq.write_table(table.set_column(0, "ts", pa.array([None], pa.int64())), tmp_path / "x.parquet")
    with pytest.raises(InvalidInput, match="row 1: expected a time, found null"):
        read_raw(tmp_path / "x.parquet")
    pq.write_table(table.drop_columns(["low"]), tmp_path / "x.parquet")
    with pytest.raises(InvalidInput, match="Rename or add: low"):
        read_raw(tmp_path / "x.parquet")


def test_export_refuses_other_formats(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"expected a .parquet or .csv"):
        write_candles(pd.DataFrame(), tmp_path / "a.xlsx")
    with pytest.raises(InvalidInput, match="expected a folder"):
        write_candles(pd.DataFrame(), tmp_path / "no" / "a.csv")
