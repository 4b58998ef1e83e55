"""What a worker loads before it forks: pandas only where a bot's strategy decides."""

import os
import subprocess
import sys

import pytest
import sqlalchemy as sa

from autogrid.core.decision import UNDECIDED
from autogrid.settings import settings
from autogrid.store import engine as engines
from services.worker import process
from tests.integration.store.live_rows import new_bot

PROBE = """
import sys
from services.worker import process
process._preload({ticks})
print("pandas" in sys.modules, "autogrid.strategies.decider" in sys.modules)
"""


@pytest.fixture
def url(store: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> str:
    found = engines.libpq_url()
    monkeypatch.setenv("DATABASE_URL", found)
    settings.cache_clear()
    return found


def loaded(ticks: bool) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(ticks=ticks)], capture_output=True, text=True, check=True, env=os.environ
    )
    return done.stdout.split()


def test_pandas_is_loaded_before_the_fork_where_a_strategy_decides(store: sa.Engine, url: str) -> None:
    new_bot(store)
    assert loaded(ticks=True) == ["False", "False"]
    new_bot(store, strategy="recentre", params={"width": "0.1", "cells": 8}, grid=UNDECIDED)
    assert loaded(ticks=True) == ["True", "True"]
    assert loaded(ticks=False) == ["False", "False"]  # a worker of reports


def test_only_bots_that_are_due_one_day_count(store: sa.Engine, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not process._decides()
    bot_id = new_bot(store, strategy="recentre", params={}, grid=UNDECIDED)
    assert process._decides()
    with store.begin() as connection:
        connection.execute(sa.text("UPDATE bot SET next_tick_at = NULL WHERE id = :b"), {"b": bot_id})
    assert not process._decides()


def test_no_connection_is_left_for_children_to_share(
    store: sa.Engine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, connect = [], engines.connect

    def seen(where: str) -> sa.Engine:
        made.append(connect(where))
        return made[-1]

    monkeypatch.setattr(engines, "connect", seen)
    process._decides()
    pools = [each.pool for each in made]
    assert [(pool.checkedin(), pool.checkedout()) for pool in pools] == [(0, 0)]  # type: ignore[attr-defined]


def test_a_database_that_does_not_answer_is_no_reason_not_to_start(
    store: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    settings.cache_clear()
    assert not process._decides()
    monkeypatch.delenv("DATABASE_URL")
    settings.cache_clear()
    assert not process._decides()
