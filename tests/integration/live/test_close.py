"""The last close, through ccxt, of an exchange that plays candles."""

import time
from decimal import Decimal
from pathlib import Path

import pytest

from autogrid.exchange.limiter import MemoryLimiter
from autogrid.exchange.open import open_exchange
from autogrid.exchange.port import Close
from tests.loopback_client import Loopback

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("away_ms", "newest", "why"),
    [
        (-HOUR_MS, 1, "all that was played is over"),
        # Neither of the two newest candles is over by our clock; the last one is still open by any.
        (HOUR_MS, 0, "an exchange whose clock is ahead of ours"),
    ],
)
def test_the_last_finished_minute(tmp_path: Path, away_ms: int, newest: int, why: str) -> None:
    minute = (time.time_ns() // 1_000_000 + away_ms) // 60_000 * 60_000
    rows = ["ts,open,high,low,close,volume"]
    rows += [f"{minute + 60_000 * k},{100 + k},{100 + k},{100 + k},{100 + k},1" for k in range(-5, 60)]
    file = tmp_path / "tape.csv"
    file.write_text("\n".join(rows) + "\n")
    options = ("--candles", str(file), "--start-row", "6", "--no-limits")
    account = {"name": "a", "key": "akey", "secret": "asecret", "balances": {}}
    with Loopback({"markets": [], "accounts": [account]}, *options) as loopback:
        loopback.control("step", prints=1)  # of the candle k = 1
        exchange = open_exchange(
            "binance", api_key="akey", secret="asecret", base_url=loopback.url, limiter=MemoryLimiter()
        )
        found = exchange.last_close("BTC/USDT")
        exchange.close()
    assert found == Close(Decimal(100 + newest), minute + 60_000 * (newest + 1)), why
