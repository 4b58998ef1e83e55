"""Parquet and CSV with the columns ts (int64 ms UTC), open, high, low, close, volume."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from autogrid.data.raw import COLUMNS, Raw
from autogrid.errors import InvalidInput

NAMES = ("ts", *COLUMNS)


def read_parquet(path: Path) -> Raw:
    """Candles of a parquet file."""
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidInput(f"{path}: expected a parquet file; reading it failed: {error}") from error
    return from_table(table, str(path))


def from_table(table: Any, source: str, ts_name: str = "ts") -> Raw:
    """Candles of an Arrow table; nulls become NaN, which validation refuses with their row."""
    missing = [name for name in (ts_name, *COLUMNS) if name not in table.column_names]
    if missing:
        raise InvalidInput(
            f"{source}: expected the columns {', '.join((ts_name, *COLUMNS))}, found "
            f"{', '.join(table.column_names)}. Rename or add: {', '.join(missing)}."
        )
    kind = table.schema.field(ts_name).type
    column = table.column(ts_name)
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("ms", tz=kind.tz), safe=False).cast(pa.int64())
    elif not pa.types.is_integer(kind):
        raise InvalidInput(f"{source}: expected {ts_name} as int64 ms UTC or timestamps, found {kind}.")
    if column.null_count:
        row = pc.index(pc.is_null(column), True).as_py()
        raise InvalidInput(f"{source}, row {row + 1}: expected a time, found null. Remove the row.")
    return Raw(source, _numpy(column.cast(pa.int64())), tuple(_number(table, name, source) for name in COLUMNS))


def _number(table: Any, name: str, source: str) -> NDArray[Any]:
    kind = table.schema.field(name).type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        raise InvalidInput(f"{source}: expected numbers in {name}, found {kind}.")
    return _numpy(table.column(name).cast(pa.float64(), safe=False))


def _numpy(column: Any) -> NDArray[Any]:
    return np.ascontiguousarray(column.to_numpy())


def read_csv(path: Path) -> Raw:
    """Candles of a CSV file whose first line names the columns."""
    data = path.read_bytes()
    header = next(csv.reader(io.StringIO(_text(data[:4096]))), [])
    missing = [name for name in NAMES if name not in header]
    if missing:
        raise InvalidInput(
            f"{path}, line 1: expected a header with {', '.join(NAMES)}, found {','.join(header)!r}. "
            f"Add the header or the columns: {', '.join(missing)}."
        )
    return parse_csv(data, str(path), header, skip=1, ts_name="ts")


def parse_csv(data: bytes, source: str, names: Sequence[str], skip: int, ts_name: str) -> Raw:
    """Candles of CSV bytes with these column names, `skip` header lines first; errors name the real line."""
    read = pacsv.ReadOptions(column_names=list(names), skip_rows=skip)
    convert = pacsv.ConvertOptions(
        column_types={name: pa.string() for name in names}, include_columns=[ts_name, *COLUMNS]
    )
    try:
        table = pacsv.read_csv(io.BytesIO(data), read_options=read, convert_options=convert)
    except pa.ArrowInvalid as error:
        raise _bad_shape(data, source, len(names), skip, str(error)) from error

    def place(index: int) -> str:
        return f"line {_line(data, index, skip)}"

    columns = [
        _parse(table.column(name), name, source, place, pa.int64() if name == ts_name else pa.float64())
        for name in (ts_name, *COLUMNS)
    ]
    return Raw(source, columns[0], tuple(columns[1:]), place)


def _parse(column: Any, name: str, source: str, place: Any, kind: Any) -> NDArray[Any]:
    try:
        return _numpy(column.cast(kind))
    except pa.ArrowInvalid:
        convert = int if kind == pa.int64() else float
        for index, text in enumerate(column.to_pylist()):
            try:
                convert(text)
            except ValueError:
                what = "a whole number (ms)" if convert is int else "a number"
                raise InvalidInput(
                    f"{source}, {place(index)}: expected {what} in {name}, found {text!r}. "
                    "Correct or remove the row. Nothing of this file was kept."
                ) from None
        raise


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig", errors="replace")


def _line(data: bytes, index: int, skip: int) -> int:
    """The 1-based line of data row `index`; blank lines hold no row."""
    row = -1
    for number, line in enumerate(data.splitlines(), start=1):
        if number <= skip or not line.strip():
            continue
        row += 1
        if row == index:
            return number
    return len(data.splitlines())


def _bad_shape(data: bytes, source: str, width: int, skip: int, detail: str) -> InvalidInput:
    for number, line in enumerate(_text(data).splitlines(), start=1):
        found = line.count(",") + 1
        if number > skip and line.strip() and found != width:
            return InvalidInput(
                f"{source}, line {number}: expected {width} fields, found {found}. "
                "Correct or remove the row. Nothing of this file was kept."
            )
    return InvalidInput(f"{source}: expected CSV rows; {detail}")
