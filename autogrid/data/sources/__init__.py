"""One reader per file format; the name and, for CSV, the first line decide."""

from pathlib import Path

from autogrid.data.raw import Raw
from autogrid.data.sources import binance_dump, freqtrade, tabular
from autogrid.errors import InvalidInput


def read_raw(path: Path) -> Raw:
    """Unchecked candles of one file; InvalidInput when there is no such file or no reader for it."""
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing"
        raise InvalidInput(f"candle file: expected a file, found {found} at {path}. Check the path.")
    name = path.name.lower()
    if name.endswith(".zip"):
        return binance_dump.read_zip(path)
    if name.endswith(".csv"):
        return binance_dump.read_csv(path) if binance_dump.is_dump(path) else tabular.read_csv(path)
    if name.endswith(".parquet"):
        return tabular.read_parquet(path)
    if name.endswith((".feather", ".arrow")):
        return freqtrade.read_feather(path)
    if name.endswith((".json", ".json.gz")):
        return freqtrade.read_json(path)
    raise InvalidInput(
        f"{path}: expected .parquet, .csv, .zip (data.binance.vision), .feather or .json(.gz) (freqtrade), "
        f"found {path.suffix or 'no suffix'}. Convert the file to one of these."
    )
