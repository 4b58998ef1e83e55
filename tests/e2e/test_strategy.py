"""A bot whose strategy decides, through Celery on the loopback exchange, its workers killed while its grid changes."""

import time
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from autogrid.core.decision import UNDECIDED
from autogrid.core.ledger import MICRO
from autogrid.live import twin_run
from autogrid.live.code import code_hash
from autogrid.store import bot_history
from autogrid.store.tick_store import PgTickStore
from tests.e2e.books import compare
from tests.e2e.stack import MARKET, Stack

SYMBOL = "AAA/USDT"
PARAMS = {"width": "0.04", "cells": 8, "every": "1m", "spacing": "arithmetic"}
MINUTE_MS = 60_000


def ends(stack: Stack, bot: int) -> tuple[Decimal, Decimal]:
    grid = stack.row(bot).grid
    return Decimal(grid["lower"]), Decimal(grid["upper"])


def test_killed_while_its_grid_changes() -> None:
    with Stack([SYMBOL], workers=2, beats=1, streams=True) as stack:
        stack.price(SYMBOL, "101")
        account = stack.account("decides")
        stack.closes(SYMBOL, 101, minutes_ago=5)
        bot = stack.bot(account, SYMBOL, UNDECIDED, strategy="recentre", params=PARAMS, code_hash=code_hash("recentre"))

        def agree() -> bool:
            state = stack.loopback.control("state", account="decides")
            return compare(stack.engine, bot, state["accounts"]["decides"], state["problems"]).quiet

        stack.until(lambda: len(stack.open_orders("decides")) == 8 and agree(), "the first grid")
        assert ends(stack, bot) == (Decimal("96.96"), Decimal("105.04"))
        stack.price(SYMBOL, "103.5")
        stack.until(agree, "the fills")
        slow = {"action": "delay", "path": "/order$", "seconds": 0.15, "times": 40}
        stack.loopback.control("fault", **slow)
        # However long that took: from the next boundary on the price has left the grid.
        boundary = stack.closes(SYMBOL, 108, minutes_ago=0)
        while time.time() * 1000 < boundary:
            time.sleep(0.02)
        for which in range(6):
            stack.kill_worker(which)
            time.sleep(0.5)
        changed = "SELECT count(*) FROM bot_event WHERE bot_id = :b AND name = 'grid_changed'"
        stack.until(lambda: stack.scalar(changed, b=bot) > 0, "another grid")
        stack.until(lambda: len(stack.open_orders("decides")) == 8 and agree(), "all of its orders")
        assert ends(stack, bot) == (Decimal("99.36"), Decimal("107.64"))
        assert stack.row(bot).status == "running"
        # It was one change per boundary, whoever was killed.
        passed = (time.time() * 1000 - boundary) // MINUTE_MS + 1
        assert stack.scalar(changed, b=bot) <= passed
        stack.price(SYMBOL, "102")
        stack.until(agree, "fills of the new grid")
        kinds = "SELECT array_agg(DISTINCT kind ORDER BY kind) FROM bot_fill WHERE bot_id = :b"
        assert stack.scalar(kinds, b=bot) == [0, 1, 3]
        # Its twin works the same grids; what the killed workers and prices beside the candles made of it has its parts.
        now = datetime.now(UTC)
        found = twin_run.period(stack.engine, bot, now)
        candles_of_it = twin_run.stored(stack.engine, found)
        done = twin_run.twin(stack.engine, found, candles_of_it)
        position = PgTickStore(stack.engine).load(bot).position
        assert position is not None
        assert len(found.stages) == stack.scalar(changed, b=bot) + 1
        assert done.residual == 0
        assert any(done.parts.values())
        close = MARKET.price_ticks(repr(candles_of_it[-1][4]))
        equity = position.books.cash + Fraction(position.books.base_micro) * close / MICRO
        assert done.actual == equity - position.plan.cash
        row = twin_run.daily(stack.engine, bot, now)
        with stack.engine.connect() as connection:
            assert bot_history.twins(connection, bot) == [row]
