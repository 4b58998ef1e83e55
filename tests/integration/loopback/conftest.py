"""One exchange in this process, with two accounts, and unmodified ccxt pointed at it."""

from collections.abc import Callable, Iterator
from typing import Any

import ccxt
import pytest

from services.loopback import server
from services.loopback.config import Config
from tests.loopback_client import ccxt_options, control

SYMBOL = "BTC/USDT"
Control = Callable[..., dict[str, Any]]


def accounts() -> list[dict[str, Any]]:
    balances = {"USDT": "10000", "BTC": "10"}
    return [
        {"name": name, "key": f"{name}key", "secret": f"{name}secret", "balances": balances, "fee_asset": "quote"}
        for name in ("a", "b")
    ]


@pytest.fixture
def running() -> Iterator[server.Running]:
    """BTC/USDT at 100, 0.1 % fees."""
    market = {"symbol": SYMBOL, "lot": "0.001", "min_notional": "5"}
    made = server.start(Config(markets=[market], accounts=accounts()))
    control(made.url, "print", price="100")
    yield made
    made.close()


@pytest.fixture
def move(running: server.Running) -> Control:
    """Control commands."""
    return lambda command, **body: control(running.url, command, **body)


@pytest.fixture
def client(running: server.Running) -> Iterator[ccxt.binance]:
    """Account a's ccxt, markets loaded."""
    made = ccxt.binance(ccxt_options(running.url, "akey", "asecret") | {"timeout": 60_000})
    made.load_markets()
    yield made
    made.close()
