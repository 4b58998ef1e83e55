"""The last close, through ccxt, of an exchange that plays candles."""

import time
from decimal import Decimal
from pathlib import Path

from autogrid.exchange.limiter import MemoryLimiter
from autogrid.exchange.open import open_exchange
from tests.loopback_client import Loopback


def test_the_last_finished_minute(tmp_path: Path) -> None:
    minute = time.time_ns() // 60_000_000_000 * 60_000
    rows = ["ts,open,high,low,close,volume"]
    rows += [f"{minute + 60_000 * k},{100 + k},{100 + k},{100 + k},{100 + k},1" for k in range(-5, 60)]
    file = tmp_path / "tape.csv"
    file.write_text("\n".join(rows) + "\n")
    options = ("--candles", str(file), "--start-row", "6", "--no-limits")
    account = {"name": "a", "key": "akey", "secret": "asecret", "balances": {}}
    with Loopback({"markets": [], "accounts": [account]}, *options) as loopback:
        loopback.control("step", prints=1)
        exchange = open_exchange(
            "binance", api_key="akey", secret="asecret", base_url=loopback.url, limiter=MemoryLimiter()
        )
        found = exchange.last_close("BTC/USDT")
        exchange.close()
    # The row of the present minute and the one that begins next are not over; minutes may end while this runs.
    assert found is not None
    assert minute <= found.at_ms <= time.time_ns() // 60_000_000_000 * 60_000
    assert found.at_ms % 60_000 == 0
    assert found.price == Decimal(100 - 1 + (found.at_ms - minute) // 60_000)
