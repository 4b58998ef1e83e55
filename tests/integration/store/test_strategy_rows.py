"""Rows of bots whose strategy decides their grids: what a tick writes of them, and what lists show."""

from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autogrid.core.decision import UNDECIDED
from autogrid.core.grid import Grid
from autogrid.core.plan import plan
from autogrid.core.position import REGRIDDING, Position
from autogrid.core.regrid import Change, leave, regridded, successor
from autogrid.store import bot_summaries, bots
from autogrid.store.coverage import when
from autogrid.store.live_tables import bot
from autogrid.store.tick_store import PgTickStore
from tests.integration.store.live_rows import GRID_110, MARKET, new_bot

PARAMS = {"width": "0.1", "cells": 8, "every": "1h", "nested": {"a": [1, "ä", None, True]}}
AT = 1_700_006_400_000


def decider(store: sa.Engine, **changes: Any) -> int:
    return new_bot(store, **{"strategy": "recentre", "params": PARAMS, "grid": UNDECIDED, **changes})


def summary(store: sa.Engine, bot_id: int) -> bot_summaries.BotSummary:
    with store.connect() as connection:
        return bot_summaries.get(connection, bot_id, None)


def test_a_new_bot_has_no_grid_to_show(store: sa.Engine) -> None:
    bot_id = decider(store)
    found = PgTickStore(store).load(bot_id)
    assert (found.strategy, found.params, found.grid, found.decided_ms) == ("recentre", PARAMS, UNDECIDED, 0)
    shown = summary(store, bot_id)
    assert (shown.strategy, shown.decided_at) == ("recentre", None)
    assert (shown.lower, shown.upper, shown.cells) == (None, None, None)
    with store.connect() as connection:
        row = bots.get(connection, bot_id)
    assert (row.strategy, row.params, row.decided_ms) == ("recentre", PARAMS, 0)
    plain = PgTickStore(store).load(new_bot(store))
    assert (plain.strategy, plain.params, plain.decided_ms, plain.grid) == (None, {}, 0, GRID_110)


def test_a_decision_is_kept_with_the_grid_that_is_worked(store: sa.Engine) -> None:
    bot_id = decider(store)
    ticks = PgTickStore(store)
    following = Grid(lower="91.5", upper="101.5", cells=5, amount="1", spacing="geometric")
    with ticks.lock(bot_id):
        mine = ticks.load(bot_id)
        mine.grid, mine.decided_ms, mine.last_price = GRID_110, AT, 10_100
        mine.position = Position(plan(GRID_110, MARKET, 10_100, cash="1000", slippage_ticks=2))
        ticks.commit(mine, [])
        shown = summary(store, bot_id)
        assert (shown.decided_at, str(shown.lower), str(shown.upper), shown.cells) == (when(AT), "90", "110", 4)
        leave(mine.position, following)
        ticks.commit(mine, [])
        # Until its orders have gone the bot works the grid that it has.
        before = ticks.load(bot_id)
        assert (before.grid, before.position.phase, before.position.next_grid) == (GRID_110, REGRIDDING, following)
        mine = before
        mine.position = successor(mine.position, regridded(mine.position.books, Change(following, 9_700, 2)))
        mine.grid, mine.decided_ms = following, AT + 3_600_000
        ticks.commit(mine, [])
    again = ticks.load(bot_id)
    assert again == mine
    assert again.position.plan.grid == again.grid == following
    assert str(summary(store, bot_id).lower) == "91.5"


def test_only_what_changed_is_written_and_never_the_grid_of_a_bot_that_has_one(store: sa.Engine) -> None:
    ticks = PgTickStore(store)
    for bot_id, kept in ((decider(store), GRID_110), (new_bot(store), Grid(lower="1", upper="2", cells=1, amount="1"))):
        with ticks.lock(bot_id):
            mine = ticks.load(bot_id)
            before = mine.grid
            mine.grid, mine.decided_ms = kept, 5
            ticks.commit(mine, [])
            loaded = ticks.load(bot_id)
            assert loaded.grid == (kept if mine.strategy else before)
            assert loaded.decided_ms == (5 if mine.strategy else 0)
            with store.begin() as connection:  # somebody else's hand in the column: a quiet tick leaves it alone
                connection.execute(sa.update(bot).where(bot.c.id == bot_id).values(decided_ms=77))
            loaded.cursor = "on"
            ticks.commit(loaded, [])
        assert ticks.load(bot_id).decided_ms == 77


@st.composite
def grids(draw: Any) -> Grid:
    digits = st.decimals(1, 10**6, allow_nan=False, places=draw(st.integers(0, 12)))
    lower, width = draw(digits), draw(digits)
    sizes = [{"amount": draw(digits)}, {"quote": draw(digits)}, {"investment": draw(digits)}]
    return Grid(
        lower=lower,
        upper=lower + width,
        cells=draw(st.integers(1, 500)),
        spacing=draw(st.sampled_from(["arithmetic", "geometric"])),
        stop_action=draw(st.sampled_from(["sell", "keep"])),
        stop_loss=draw(st.sampled_from([None, lower, lower / 3])),
        stop_fixed=draw(st.booleans()),
        **draw(st.sampled_from(sizes)),
    )


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(grids(), grids(), st.integers(0, 2**62), st.dictionaries(TEXT, VALUES, max_size=4))
def test_any_grid_and_parameters_come_back(
    store: sa.Engine, first: Grid, then: Grid, decided_ms: int, params: dict[str, Any]
) -> None:
    bot_id = decider(store, grid=first, params=params)
    ticks = PgTickStore(store)
    with ticks.lock(bot_id):
        mine = ticks.load(bot_id)
        assert (mine.grid, mine.params) == (first, params)
        mine.grid, mine.decided_ms = then, decided_ms
        ticks.commit(mine, [])
        assert ticks.load(bot_id) == mine
        mine.cursor = "x"
        ticks.commit(mine, [])
    assert ticks.load(bot_id) == mine
