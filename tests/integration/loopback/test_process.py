"""The exchange as a process, with unmodified ccxt: the life of an order, and the books at the end."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from services.loopback import server
from services.loopback.config import Config
from tests.loopback_client import Loopback, ccxt_options, control

SYMBOL = "BTC/USDT"
ACCOUNT = {
    "name": "a",
    "key": "akey",
    "secret": "asecret",
    "balances": {"USDT": "10000", "BTC": "1"},
    "fee_asset": "quote",
}


@pytest.fixture(scope="module")
def running() -> Iterator[Loopback]:
    with Loopback({"markets": [{"symbol": SYMBOL}], "accounts": [ACCOUNT]}) as loopback:
        yield loopback


@pytest.fixture
def exchange(running: Loopback) -> Iterator[ccxt.binance]:
    client = ccxt.binance(ccxt_options(running.url, "akey", "asecret"))
    yield client
    client.close()


def test_an_order_lives_and_dies(running: Loopback, exchange: ccxt.binance) -> None:
    running.control("print", price="100")
    bought = exchange.create_order(SYMBOL, "market", "buy", 1)
    assert (bought["status"], bought["average"], bought["filled"]) == ("closed", 100.0, 1.0)
    rests = exchange.create_order(SYMBOL, "limit", "buy", 2, 99, {"newClientOrderId": "one"})
    assert rests["status"] == "open"
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        exchange.create_order(SYMBOL, "limit", "buy", 2, 98, {"newClientOrderId": "one"})
    assert running.control("print", price="99")["fills"] == []
    filled = running.control("print", price="98.99")["fills"]
    assert [(f["price"], f["qty"], f["clientOrderId"]) for f in filled] == [("99.00000000", "2.00000000", "one")]
    found = exchange.fetch_order(None, SYMBOL, {"origClientOrderId": "one"})
    assert found["status"] == "closed"
    other = exchange.create_order(SYMBOL, "limit", "sell", 0.5, 110)
    assert exchange.cancel_order(other["id"], SYMBOL)["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        exchange.cancel_order(other["id"], SYMBOL)
    state = running.control("state")
    assert state["problems"] == []
    fees = Decimal("0.1") + Decimal("0.198")
    assert Decimal(state["accounts"]["a"]["balances"]["USDT"]["total"]) == 10000 - 100 - 198 - fees
    assert Decimal(state["accounts"]["a"]["balances"]["BTC"]["total"]) == 4


def test_the_command_plays_a_file_from_now_and_ends_cleanly(tmp_path: Path) -> None:
    """`autogrid loopback`: options, one line of JSON, 127.0.0.1 only, SIGTERM."""
    path = tmp_path / "candles.csv"
    rows = [f"{1_714_521_600_000 + i * 60_000},{100 + i},{101 + i},{99 + i},{100.5 + i},8" for i in range(50)]
    path.write_text("ts,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    options = ["--candles", str(path), "--symbol", "ETH/USDT", "--start-row", "20", "--from-now", "--speed", "6000"]
    program = [str(Path(sys.executable).with_name("autogrid")), "loopback"]
    loopback = Loopback(None, *options, "--account", "a:akey:asecret:USDT=10,ETH=1:quote", "--tick", "0.5")
    loopback.command[:3] = program
    began_ms = time.time() * 1000
    with loopback:
        started_ms = time.time() * 1000
        client = ccxt.binance(ccxt_options(loopback.url, "akey", "asecret"))
        deadline = time.monotonic() + 60
        while not loopback.control("tape")["done"]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        candles = client.fetch_ohlcv("ETH/USDT", "1m")
        assert len(candles) == 50
        assert began_ms - 60_000 <= candles[20][0] <= started_ms
        assert candles[-1][1:5] == [149.0, 150.0, 148.0, 149.5]
        assert client.fetch_balance()["ETH"]["free"] == 1
        assert client.market("ETH/USDT")["precision"]["price"] == 0.5
        port = int(loopback.url.rpartition(":")[2])
        sockets = Path("/proc/net/tcp").read_text().split("\n")
        listening = [line.split()[1] for line in sockets if f":{port:04X} " in line and " 0A " in line]
        assert listening == [f"0100007F:{port:04X}"]
        client.close()
    assert loopback.process is not None
    assert loopback.process.returncode == 0
    wrong = [sys.executable, "-m", "services.loopback", "--candles", "nowhere.csv"]
    refused = subprocess.run(wrong, capture_output=True, text=True, timeout=60)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("error: candle file: expected a file, found nothing at nowhere.csv")


def test_the_same_seed_gives_the_same_books() -> None:
    """Two runs of one script, faults drawn at random included."""

    def play(seed: int) -> tuple[list[Any], list[int]]:
        running = server.start(Config(markets=[{"symbol": SYMBOL}], accounts=[ACCOUNT], seed=seed))
        client = ccxt.binance(ccxt_options(running.url, "akey", "asecret"))
        control(running.url, "print", price="100")
        for stage in ("before", "after"):
            control(running.url, "fault", action="status", status=502, method="POST", stage=stage, probability=0.3)
        control(running.url, "fault", action="short", path="openOrders", probability=0.5)
        short = []
        client.load_markets()
        for number in range(30):
            with contextlib.suppress(ccxt.ExchangeNotAvailable):
                client.create_order(SYMBOL, "limit", "buy", 0.1, 99 - number, {"newClientOrderId": f"c{number}"})
            short.append(len(client.fetch_open_orders(SYMBOL)))
        control(running.url, "print", price="90.5")
        state = control(running.url, "state")["accounts"]["a"]
        running.close()
        client.close()
        rows = [(row["orderId"], row["clientOrderId"], row["status"]) for row in state["orders"]]
        return [rows, state["balances"], [(t["id"], t["price"], t["qty"]) for t in state["trades"]]], short

    assert play(3) == play(3)
    assert play(3) != play(4)
