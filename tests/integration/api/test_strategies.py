"""Studies and bots whose strategy decides, as the API shows them: also before there is a grid."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from autogrid.core.bot import Event
from autogrid.core.decision import UNDECIDED, first_view
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.plan import plan
from autogrid.core.position import Position
from autogrid.core.regrid import leave
from autogrid.data.load import load_candles
from autogrid.store import accounts, bots, candles, ticking
from autogrid.store.coverage import Series, when
from autogrid.store.tick_store import PgTickStore
from autogrid.strategies.decider import FrameDecider
from autogrid.strategies.registry import strategy_of
from tests.studies import UNWORKABLE, decides

from .conftest import Make, Person

MARKET = Market("0.01", "0.001", "1", "0.001", "0.001")
STUDY = """
[market]
exchange = "binance"
symbol = "BTC/USDT"
tick = "0.01"
lot = "0.001"
min_notional = "1"
maker_fee = "0.001"
taker_fee = "0.001"
[strategy]
name = "recentre"
[strategy.params]
width = "0.1"
cells = 4
every = "15m"
[simulation]
cash = "1000"
"""
MINUTE = 60_000
#: An hour begins.
START = 1_700_006_400_000


def put(store: sa.Engine, count: int, start: int = START) -> None:
    ts = start + MINUTE * np.arange(count, dtype=np.int64)
    close = 100 + np.arange(count) / 7
    values = (close - 0.1, close + 0.5, close - 0.5, close, np.ones(count))
    batch = candles.Batch(ts, values, start, int(ts[-1]) + MINUTE, "test", f"{start} {count}")
    candles.put(store, Series("binance", "BTC/USDT", 60), batch)


def check(user: Person, text: str = STUDY, **more: Any) -> Any:
    answer = user.post("/v1/studies/check", {"text": text, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_preview_says_that_the_grid_is_decided_later(person: Make, store: sa.Engine) -> None:
    user = person("viewer")
    undecided = {
        "strategy": "recentre", "decided_at": None, "levels": [], "amounts": [], "empty_level": None, "cash": "1000",
        "start_amount": None, "least_profit": None, "most_profit": None, "price": None, "trailing": "none",
    }  # fmt: skip

    def shown(text: str = STUDY, **more: Any) -> dict[str, Any]:
        found = check(user, text, **more)
        return {name: found[name] for name in undecided}

    assert shown() == undecided
    assert shown(STUDY.replace('symbol = "BTC/USDT"', "")) == undecided
    assert shown(price="77")["price"] == "77"
    put(store, 10)
    assert shown() == undecided  # no whole quarter of an hour
    put(store, 40, START + 2 * 3_600_000)
    assert shown(STUDY.replace('"15m"', '"1h"')) == undecided  # a hole
    long = STUDY.replace("recentre", "atr").replace('width = "0.1"', "length = 2000").replace("15m", "1d")
    assert shown(long) == undecided | {"strategy": "atr"}


def test_a_preview_decides_on_what_is_stored(person: Make, store: sa.Engine) -> None:
    user = person("viewer")
    put(store, 40)
    for price in (None, "105.5"):
        found = check(user, **({} if price is None else {"price": price}))
        ticks = MARKET.price_ticks(price or repr(float(100 + 39 / 7)))
        frame = load_candles("binance", "BTC/USDT", "1m")
        decider = FrameDecider(strategy_of("recentre", {"width": "0.1", "cells": 4, "every": "15m"}), frame)
        at = START + 30 * MINUTE
        grid = decider.decide(at, first_view(MARKET, Decimal(1000), ticks))
        assert isinstance(grid, Grid)
        planned = plan(grid, MARKET, ticks, "1000")
        assert [Decimal(x) for x in found["levels"]] == [MARKET.price(level) for level in planned.levels]
        assert (found["strategy"], found["empty_level"], found["cash"]) == ("recentre", planned.empty, "1000.00000")
        assert datetime.fromisoformat(found["decided_at"]) == when(at)
        assert Decimal(found["price"]) == MARKET.price(ticks)
        assert found["least_profit"] is not None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('cash = "1000"', "", "add cash to [simulation]"),
        ('cash = "1000"', 'cash = "-3"', "cash must be above zero"),
        ('cash = "1000"', "cash = [1]", "cash"),
        ('cash = "1000"', 'cash = "3"', "the smallest investment that works"),
        ('"recentre"', '"recenter"', "did you mean 'recentre'"),
        ('"recentre"', '["a"]', "no strategy"),
    ],
)
def test_what_is_wrong_with_a_strategy_is_said(person: Make, store: sa.Engine, old: str, new: str, said: str) -> None:
    user = person("viewer")
    put(store, 40)
    assert old in STUDY
    answer = user.post("/v1/studies/check", {"text": STUDY.replace(old, new)})
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["detail"]


def test_parameters_that_never_work_are_said(person: Make, store: sa.Engine) -> None:
    user = person("viewer")
    for name, key, value, said in UNWORKABLE:  # nothing is stored: it is not the decision that fails
        answer = user.post("/v1/studies/check", {"text": decides(name, key, value)})
        assert answer.status_code == 422, answer.text
        assert answer.json()["detail"].startswith(f"[strategy.params] {said}")
    check(user, decides("recentre"))


def _bot(store: sa.Engine, owner: int, **changes: Any) -> int:
    with store.begin() as connection:
        account = accounts.add(connection, name=f"a{changes}", exchange="paper", owner_id=owner)
        new = {
            "name": "b", "account_id": account, "symbol": "BTC/USDT", "market": MARKET, "grid": UNDECIDED,
            "code_hash": "c" * 64, "exchange": "binance", "owner_id": owner, "cash": Decimal(1000),
            "strategy": "recentre", "params": {"width": "0.1", "cells": 4, "every": "15m"},
        }  # fmt: skip
        return bots.create(connection, bots.NewBot(**new | changes))


def test_a_bot_without_a_grid_yet(person: Make, store: sa.Engine) -> None:
    user = person()
    bot_id = _bot(store, user.id)
    found = user.get(f"/v1/bots/{bot_id}").json()
    assert (found["strategy"], found["decided_at"], found["pnl"]) == ("recentre", None, None)
    assert (found["lower"], found["upper"], found["cells"]) == (None, None, None)
    assert user.get("/v1/bots").json()["items"] == [found]
    cells = user.get(f"/v1/bots/{bot_id}/cells").json()
    assert (cells["strategy"], cells["decided_at"], cells["next_decision_at"]) == ("recentre", None, None)
    assert (cells["cells"], cells["levels"]) == ([], [])
    for part in ("pnl", "orders", "fills", "events", "equity", "twins"):
        assert user.get(f"/v1/bots/{bot_id}/{part}").status_code == 200


def test_a_bot_that_decides_shows_when_and_its_grid_as_it_is_now(person: Make, store: sa.Engine) -> None:
    user = person()
    bot_id = _bot(store, user.id)
    grid, following = (Grid(lower=low, upper=110, cells=4, amount="1") for low in (90, 95))
    ticks = PgTickStore(store)
    with ticks.lock(bot_id):
        bot = ticks.load(bot_id)
        bot.position = Position(plan(grid, MARKET, 10_100, cash="1000"))
        bot.grid, bot.decided_ms, bot.status, bot.last_price = grid, START, "running", 10_100
        leave(bot.position, following)
        ticks.commit(bot, [])
    with store.begin() as connection:
        ticking.add_event(connection, bot_id, Event("info", "grid_changed", {"lower": "90", "cells": 4}))
    found = user.get(f"/v1/bots/{bot_id}").json()
    assert (found["lower"], found["upper"], found["cells"]) == ("90", "110", 4)
    assert datetime.fromisoformat(found["decided_at"]) == when(START)
    cells = user.get(f"/v1/bots/{bot_id}/cells").json()
    assert datetime.fromisoformat(cells["next_decision_at"]) == when(START) + timedelta(minutes=15)
    assert {each["reason"] for each in cells["cells"]} == {
        "its strategy has decided another grid, which starts once no order of this one is left"
    }
    assert user.get(f"/v1/bots/{bot_id}/events").json()["items"][0]["name"] == "grid_changed"
    assert user.post(f"/v1/bots/{bot_id}/pause", {}).status_code == 200
    assert user.get(f"/v1/bots/{bot_id}/cells").json()["next_decision_at"] is None


def test_a_bot_whose_strategy_is_not_installed_here_is_shown_all_the_same(person: Make, store: sa.Engine) -> None:
    user = person()
    bot_id = _bot(store, user.id, strategy="gone")
    with store.begin() as connection:
        connection.execute(sa.text("UPDATE bot SET decided_ms = :at"), {"at": START})
    cells = user.get(f"/v1/bots/{bot_id}/cells").json()
    assert (cells["strategy"], cells["next_decision_at"]) == ("gone", None)
    assert datetime.fromisoformat(cells["decided_at"]) == datetime.fromtimestamp(START / 1000, UTC)
