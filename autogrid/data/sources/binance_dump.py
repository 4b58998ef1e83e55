"""Kline files of data.binance.vision: CSV or zip, with or without a header, times in ms or us."""

import hashlib
import zipfile
from pathlib import Path

from autogrid.data.raw import Raw
from autogrid.data.sources.tabular import parse_csv
from autogrid.errors import InvalidInput

_NAMES = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
#: Spot files count microseconds from 2025 on. As milliseconds such a number would be past the year 5000.
_MICROSECONDS = 100_000_000_000_000


def is_dump(path: Path) -> bool:
    """Whether the first line is a Binance header, or a headerless row of its twelve fields."""
    with path.open("rb") as file:
        first = file.readline(4096)
    return first.startswith(b"open_time,") or (first.count(b",") == len(_NAMES) - 1 and first[:1].isdigit())


def read_csv(path: Path) -> Raw:
    """Candles of an unzipped file."""
    return _parse(path.read_bytes(), str(path))


def read_zip(path: Path) -> Raw:
    """Candles of a zip with one CSV in it; a NAME.CHECKSUM file beside it is verified."""
    checksum = path.with_name(path.name + ".CHECKSUM")
    if checksum.is_file():
        expected = checksum.read_text().split()[0]
        actual = hashlib.sha256(path.read_bytes()).hexdigest()
        if actual != expected:
            raise InvalidInput(f"{path}: expected sha256 {expected}, found {actual}. Download the file again.")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith(".csv")]
            if len(names) != 1:
                raise InvalidInput(
                    f"{path}: expected one CSV in the zip, found {len(names)}. Unpack it, import each file."
                )
            data = archive.read(names[0])
    except zipfile.BadZipFile as error:
        raise InvalidInput(f"{path}: expected a zip file; {error}. Download the file again.") from error
    return _parse(data, f"{path}:{names[0]}")


def _parse(data: bytes, source: str) -> Raw:
    if not data.strip():
        raise InvalidInput(f"{source}: expected kline rows, found an empty file. Download the file again.")
    skip = 1 if data.startswith(b"open_time,") else 0
    raw = parse_csv(data, source, _NAMES, skip, ts_name="open_time")
    # A file uses one unit throughout; a mixed file fails the order check with its line.
    if len(raw) and int(raw.ts[0]) >= _MICROSECONDS:
        off = raw.ts % 1000 != 0
        if off.any():
            index = int(off.argmax())
            raise raw.refuse(index, "whole milliseconds", f"{raw.ts[index]} us", "Check the file.")
        return Raw(source, raw.ts // 1000, raw.values, raw.place)
    return raw
