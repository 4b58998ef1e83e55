"""GET /v1/bots among 1,000 bots and 1,000,000 fills, against a bare FastAPI hello on the same uvicorn settings.

Prints one JSON line: p50, p99 and requests per second of both, and their ratios.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import sqlalchemy as sa

HELLO = """
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def hello() -> dict[str, str]:
    return {"hello": "world"}
"""
PASSWORD = "correct horse battery"
GRID = '{"lower": "90", "upper": "110", "cells": 4, "amount": "1", "spacing": "arithmetic", "stop_action": "sell"}'
MARKET = '{"tick": "0.01", "lot": "0.001", "min_notional": "1", "maker_fee": "0.001", "taker_fee": "0.001"}'
BOTS = """
INSERT INTO bot (owner_id, account_id, name, tag, exchange, symbol, market, grid, slippage_ticks, code_hash, limits,
                 wish, status, last_price, plan, position)
SELECT :owner, :account, 'bot ' || n, 'aa', 'binance', 'BTC/USDT', cast(:market AS jsonb), cast(:grid AS jsonb), 0, 'c',
       '{}', 'run', 'running', 10100, '{"cash": 100000000, "start_fill": 10100}',
       '{"books": {"cash": 50000000, "base_micro": 5000000000, "fees": 1000, "realised": 23000, "fills": 1000,
         "round_trips": 400}}'
FROM generate_series(1, :bots) AS n
"""
FILLS = """
INSERT INTO bot_fill (bot_id, exchange_id, trade_id, client_id, ts, kind, cell, cycle, side, price, lots, fee,
                      fee_asset)
SELECT bot.id, n::text, n::text, 'c', now() - n * interval '1 minute', 1, 0, n, 1, 10000, 1000, 0.1, 'USDT'
FROM bot, generate_series(1, :each) AS n
"""


def fill(bots: int, fills: int) -> None:
    """A store with one user, and so many bots and fills."""
    from autogrid.store import accounts, engine, passwords, users

    with engine.engine().begin() as connection:
        owner = users.add(connection, "bench@example.org", passwords.hash_of(PASSWORD), "trader")["id"]
        account = accounts.add(connection, name="a", exchange="paper", owner_id=owner)
        given = {"owner": owner, "account": account, "market": MARKET, "grid": GRID, "bots": bots}
        connection.execute(sa.text(BOTS), given)
        connection.execute(sa.text(FILLS), {"each": fills // bots})
    with engine.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))


def serve(app: str, port: int, folder: str) -> subprocess.Popen[bytes]:
    """uvicorn, the same for both."""
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-access-log", "--log-level", "error"]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": folder, "LOG_LEVEL": "ERROR"})


def measure(url: str, headers: dict[str, str], count: int) -> dict[str, float]:
    """One client, one request after the other."""
    with httpx.Client(headers=headers, timeout=30) as client:
        for _ in range(20):
            client.get(url).raise_for_status()
        took = []
        for _ in range(count):
            began = time.perf_counter()
            client.get(url).raise_for_status()
            took.append(time.perf_counter() - began)
    took.sort()
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    return {"p50_ms": p50 * 1000, "p99_ms": p99 * 1000, "per_s": len(took) / sum(took)}


def wait_for(url: str) -> None:
    """Until it answers."""
    for _ in range(600):
        try:
            httpx.get(url).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


def main() -> None:
    """Measure both and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bots", type=int, default=1_000)
    parser.add_argument("--fills", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=500)
    chosen = parser.parse_args()
    home = tempfile.mkdtemp(prefix="ag")
    Path(home).chmod(0o755)
    Path(home, "hello_app.py").write_text(HELLO)
    os.environ["AUTOGRID_HOME"] = home
    fill(chosen.bots, chosen.fills)
    servers = [serve("services.api.app:app", 8131, os.getcwd()), serve("hello_app:app", 8132, home)]
    try:
        api, hello = "http://127.0.0.1:8131", "http://127.0.0.1:8132"
        wait_for(f"{api}/healthz")
        wait_for(hello)
        who = {"email": "bench@example.org", "password": PASSWORD}
        token = httpx.post(f"{api}/v1/auth/login", json=who, timeout=30).json()["access_token"]
        ours = measure(f"{api}/v1/bots?limit=50", {"Authorization": f"Bearer {token}"}, chosen.requests)
        bare = measure(hello, {}, chosen.requests)
    finally:
        for server in servers:
            server.terminate()
            server.wait()
    ratio = {"p99_ratio": ours["p99_ms"] / bare["p99_ms"], "per_s_ratio": ours["per_s"] / bare["per_s"]}
    line = {"bench": "api", "bots": chosen.bots, "fills": chosen.fills, "get_bots": ours, "hello": bare, **ratio}
    print(json.dumps(line, default=lambda x: round(x, 3)))


if __name__ == "__main__":
    main()
