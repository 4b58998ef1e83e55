"""schemathesis against the running API: no 5xx, nothing undocumented. `make fuzz` asks more, and follows links."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from autogrid.store import candles
from autogrid.store.coverage import Series
from services.api import tokens
from tests import histories

from .conftest import Make, Server
from .seed import everything

CONFIG = Path(__file__).parents[2] / "schemathesis.toml"
#: Examples per operation; FUZZ=n of `make fuzz` also turns on all phases.
EXAMPLES = os.environ.get("FUZZ")


def test_every_answer_is_documented(
    server: Server, person: Make, store: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The long run must not end in thousands of 401.
    monkeypatch.setattr(tokens, "ACCESS", timedelta(days=1))
    admin = person("admin")
    with store.begin() as connection:
        things = everything(connection, admin.id)
        histories.fill(connection, int(things["spare_account_id"]), admin.id, count=2, fills=20, minutes=20)
    _candles(store, 300)
    command = [str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(CONFIG), "run"]
    command += [f"{server.url}/openapi.json", "-H", f"Authorization: Bearer {admin.tokens['access_token']}"]
    command += ["--checks", "all", "--no-color", "--continue-on-failure", "--max-examples", EXAMPLES or "1"]
    if EXAMPLES is None:
        # The same requests on every machine; `make fuzz` looks for new ones.
        command += ["--phases", "examples,stateful", "--generation-deterministic"]
    done = subprocess.run(command, capture_output=True, text=True)
    sys.stdout.write(done.stdout[-20_000:])
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Stateful (disabled)" not in done.stdout
    assert " passed" in done.stdout
    assert admin.get("/v1/users/me").status_code == 200, "signed out on the way: what came after was not asked"


def _candles(store: sa.Engine, count: int) -> None:
    """Of the market and time frame that the API's examples name."""
    ts = np.arange(count) * 60_000 + 1_767_225_600_000
    prices = tuple(np.full(count, price) for price in (60_000.0, 60_100.0, 59_900.0, 60_050.0, 1.5))
    batch = candles.Batch(ts, prices, int(ts[0]), int(ts[-1]) + 60_000, "test", "0" * 64)
    candles.put(store, Series("binance", "BTC/USDT", 60), batch)
