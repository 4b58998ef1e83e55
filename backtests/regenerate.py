"""Golden results: what every study here gives, to the last unit. `python -m backtests.regenerate` writes them anew.

A test compares them. A difference is a change of behaviour: explain it in CHANGELOG.md or mend it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from autogrid.core.study import parse_study
from autogrid.data.frame import read_candles
from autogrid.research.backtest import backtest
from autogrid.research.synthetic import synthetic_candles
from autogrid.strategies.registry import worked

HERE = Path(__file__).parent
#: Real candles, which are not part of the project; studies on them are left out where they are absent.
DATA = HERE.parents[1] / "shared" / "data"
FILES = {"bitmex": "bitmex_XBTUSD_1m_2018-2019.parquet", "binance": "binance_BTCUSDT_1h_2017-2019.parquet"}
DEMO_DAYS = 60


def golden_file(name: str) -> Path:
    """Where a study's golden result is kept."""
    return HERE / "golden" / f"{name}.json"


def studies() -> list[str]:
    """The names of all studies."""
    return sorted(path.stem for path in HERE.glob("*.toml"))


def candles_of(name: str) -> pd.DataFrame | None:
    """The candles of a study within its range, None where its file is absent."""
    study = parse_study((HERE / f"{name}.toml").read_text())
    if study.exchange == "synthetic":
        frame = synthetic_candles(days=DEMO_DAYS)
    else:
        path = DATA / FILES[str(study.exchange)]
        if not path.is_file():
            return None
        frame = read_candles(path)
    inside = frame.index == frame.index
    if study.start is not None:
        inside &= frame.index >= study.start
    if study.end is not None:
        inside &= frame.index < study.end
    return frame[inside]


def result_of(name: str, candles: pd.DataFrame) -> dict[str, Any]:
    """The study's result as `--json` writes it, and the fingerprint of all its fills."""
    study = parse_study((HERE / f"{name}.toml").read_text())
    result = backtest(
        worked(study),
        candles,
        study.market,
        cash=study.cash,
        path=study.path,
        penetration_ticks=study.penetration_ticks,
        slippage_ticks=study.slippage_ticks,
    )
    return {**result.to_json(), "fills_sha256": result.sha256()}


def main(say: Callable[[str], None] = print) -> None:
    """Write every golden result whose candles are here."""
    for name in studies():
        candles = candles_of(name)
        if candles is None:
            say(f"{name}: no candles, left as it is")
            continue
        golden_file(name).write_text(json.dumps(result_of(name, candles), indent=1) + "\n")
        say(f"{name}: {golden_file(name)}")


if __name__ == "__main__":
    main()
