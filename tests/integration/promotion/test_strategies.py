"""Studies whose strategy decides: promoted as they are, and traded on paper as they were proven."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from autogrid.cli.app import app
from autogrid.core.decision import UNDECIDED
from autogrid.core.market import Market
from autogrid.core.orders import REGRID
from autogrid.core.study import parse_study
from autogrid.data.export import write_candles
from autogrid.data.ingest import import_file
from autogrid.data.rules import study_market
from autogrid.errors import InvalidInput, NotFound
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.live import daily, twin_run
from autogrid.live.code import code_hash
from autogrid.live.enrol import Enrolment, enrol
from autogrid.live.replay import replay
from autogrid.live.run import Exchanges, Runner, rules
from autogrid.promotion import gates, verify
from autogrid.promotion.parity import rows
from autogrid.promotion.passport import canonical
from autogrid.promotion.promote import Wanted, promote, prove
from autogrid.research.study import backtest_study
from autogrid.research.synthetic import synthetic_candles
from autogrid.store import accounts, bot_history, bots, budget, passports
from autogrid.store.tick_store import PgTickStore
from autogrid.strategies.registry import worked
from tests.loopback_client import Loopback
from tests.studies import UNWORKABLE, decides

STUDY = """
[market]
exchange = "binance"
symbol = "BTC/USDT"
tick = "0.01"
lot = "0.00001"
min_notional = "5"
maker_fee = "0.001"
taker_fee = "0.001"
buy_fee_asset = "base"
[candles]
timeframe = "1m"
[strategy]
name = "recentre"
[strategy.params]
width = 0.015
cells = 6
every = "1h"
[simulation]
cash = "1000"
slippage_ticks = 2
"""


@pytest.fixture(scope="module")
def candles() -> pd.DataFrame:
    return synthetic_candles(days=3)


def put(candles: pd.DataFrame, folder: Path) -> None:
    write_candles(candles, folder / "c.parquet")
    import_file(folder / "c.parquet", "binance", "BTC/USDT", "1m")


@pytest.fixture
def first(store: sa.Engine, candles: pd.DataFrame, tmp_path: Path) -> pd.DataFrame:
    """The store has the first two days."""
    found = candles.iloc[: 2 * 1440]
    put(found, tmp_path)
    return found


def test_what_a_paper_bot_trades_is_what_a_replay_of_its_candles_trades(
    store: sa.Engine, candles: pd.DataFrame, first: pd.DataFrame, tmp_path: Path
) -> None:
    done = promote(store, Wanted(study=STUDY, to="paper", name="wanders"))
    runner = Runner(store, Exchanges(store, MemoryLimiter()), rules())
    runner.run(done.bot_id)  # it begins with the candle after the newest
    rest = candles.iloc[len(first) :]
    for at in range(0, len(rest), 400):
        put(rest.iloc[at : at + 400], tmp_path)
        runner.run(done.bot_id)
    study = parse_study(STUDY)
    market = study_market(study)
    ticks = backtest_study(study, candles).run.ticks
    expected = replay(
        worked(study), market, rows(ticks)[len(first) :], cash="1000", slippage_ticks=2, candles=candles
    )  # fmt: skip
    query = sa.text("SELECT ts, kind, cell, side, price, lots FROM bot_fill WHERE bot_id = :b ORDER BY id")
    with store.connect() as connection:
        found = [(int(row[0].timestamp() * 1000), *row[1:]) for row in connection.execute(query, {"b": done.bot_id})]
        names = [row[0] for row in connection.execute(sa.text("SELECT name FROM bot_event ORDER BY id"))]
    assert found == [(f.ts_ms, f.key.kind, f.key.cell, f.side, f.price, f.lots) for f in expected.fills]
    assert sum(row[1] == REGRID for row in found) > 1
    assert names.count("grid_changed") == [event.name for event in expected.events].count("grid_changed")
    bot = PgTickStore(store).load(done.bot_id)
    assert bot.position == expected.position
    assert bot.position is not None
    assert bot.grid == bot.position.plan.grid
    assert bot.decided_ms == int(candles.index[-1].timestamp() // 3600 * 3_600_000)

    said = CliRunner().invoke(app, ["bots", "show", str(done.bot_id)], env={"COLUMNS": "200"}).output
    assert "recentre (cells 6, every 1h, width 0.015)" in said
    assert f"the last one on the candle that closed {candles.index[-1].floor('1h'):%Y-%m-%d %H:%M} UTC" in said
    assert "grid_changed" in said
    assert "wanders recentre" in CliRunner().invoke(app, ["bots", "list"], env={"COLUMNS": "200"}).output
    explained = CliRunner().invoke(app, ["bots", "explain", str(done.bot_id)], env={"COLUMNS": "200"}).output
    assert "strategy recentre, decisions: the last one on" in explained

    # Its twin works the same grids, and differs in nothing.
    now = candles.index[-1].to_pydatetime() + timedelta(minutes=1)
    assert done.bot_id in daily.trading(store, now)[0]
    row = daily.daily(store, done.bot_id, now)
    assert row is not None
    assert row.divergence_bps == 0
    assert set(row.parts.values()) <= {0, f"{market.money(0):f}"}
    with store.connect() as connection:
        assert bot_history.twins(connection, done.bot_id) == [row]
    shown = CliRunner().invoke(app, ["twin", str(done.bot_id)], env={"COLUMNS": "200"}).output
    assert "0.00 bps of the budget; 0 fills lacking, 0 extra" in shown
    # A bot of before decisions were kept in full.
    with store.begin() as connection:
        connection.execute(sa.text("UPDATE bot_event SET data = data - 'decided' WHERE name = 'bot_started'"))
    with pytest.raises(NotFound, match=r"some of its own are older than that; promote its study again"):
        twin_run.period(store, done.bot_id, now)
    assert daily.daily(store, done.bot_id, now) is None


def test_the_bot_has_the_strategy_and_no_grid_yet_and_its_passport_holds(store: sa.Engine, first: pd.DataFrame) -> None:
    done = promote(store, Wanted(study=STUDY, to="paper", name="wanders"))
    bot = PgTickStore(store).load(done.bot_id)
    assert (bot.strategy, bot.grid, bot.decided_ms) == ("recentre", UNDECIDED, 0)
    for command in ("show", "explain"):
        said = CliRunner().invoke(app, ["bots", command, str(done.bot_id)], env={"COLUMNS": "200"}).output
        assert "none yet: it waits until all 1m candles of its lookback are stored" in said
        assert "lower 1" not in said
    assert bot.params == {"cells": 6, "every": "1h", "width": "0.015"}
    assert (bot.cash, bot.code_hash) == (Decimal(1000), code_hash("recentre"))
    assert worked(replace(parse_study(STUDY), params=bot.params)).params == worked(parse_study(STUDY)).params
    with store.connect() as connection:
        kept = passports.get(connection, done.passport.id)
        account = accounts.get(connection, "paper")
        assert budget.reserved(connection, account.id) == {"USDT": Decimal(1000)}
    assert 'name = "recentre"' in kept.study
    assert [each for each in verify.verify(kept, study_text=STUDY) if not each.holds] == []
    other = STUDY.replace("width = 0.015", "width = 0.02")
    assert [each.name for each in verify.verify(kept, study_text=other) if not each.holds] == ["study"]
    statuses = {row["gate"]: row["status"] for row in kept.gates}
    assert statuses["parity"] == statuses["ledger"] == statuses["traded"] == statuses["order sizes"] == "pass"

    second = PgTickStore(store).load(enrol(store, kept, Enrolment(account=account, name="again"), MemoryLimiter()))
    assert (second.strategy, second.params, second.grid, second.cash) == (bot.strategy, bot.params, bot.grid, bot.cash)
    with store.connect() as connection:
        assert budget.reserved(connection, account.id) == {"USDT": Decimal(2000)}


def test_a_live_bot_needs_its_cash_and_no_plan_at_today_s_price(store: sa.Engine, first: pd.DataFrame) -> None:
    config = {
        "markets": [{"symbol": "BTC/USDT", "tick": "0.01", "lot": "0.00001", "min_notional": "5"}],
        "accounts": [{"name": "main", "key": "k3y1", "secret": "s3cret", "balances": {"USDT": "2500"}}],
    }
    with Loopback(config) as exchange:
        exchange.control("print", price=f"{first['close'].iloc[-1] * 3:.2f}")
        with store.begin() as connection:
            accounts.add(
                connection, name="main", exchange="binance", base_url=exchange.url,
                credentials=accounts.Credentials("k3y1", "s3cret"),
            )  # fmt: skip
        wanted = Wanted(study=STUDY, to="live", account="main", name="wanders", start=False)
        done = promote(store, wanted)
        with store.connect() as connection:
            row = bots.get(connection, done.bot_id)
            account = accounts.get(connection, "main")
        assert (row.strategy, row.reserved_quote, row.wish) == ("recentre", Decimal(1000), "pause")
        enrol(store, done.passport, Enrolment(account=account, name="second", start=False), MemoryLimiter())
        with pytest.raises(InvalidInput, match=r"must have 1000\S* USDT that no other bot uses, was 500"):
            promote(store, wanted)


def test_cash_must_be_said(store: sa.Engine, first: pd.DataFrame) -> None:
    with pytest.raises(InvalidInput, match=r"add cash to \[simulation\]"):
        promote(store, Wanted(study=STUDY.replace('cash = "1000"\n', ""), to="paper", name="a"))
    with store.connect() as connection:
        assert bots.listing(connection) == []


def test_parameters_that_never_work_are_refused(store: sa.Engine) -> None:
    for name, key, value, said in UNWORKABLE[::5]:  # no candles are stored, and none are looked for
        with pytest.raises(InvalidInput) as told:
            promote(store, Wanted(study=decides(name, key, value), to="paper", name="a"))
        assert str(told.value).startswith(f"[strategy.params] {said}")
    with store.connect() as connection:
        assert bots.listing(connection) == []


def _gates(store: sa.Engine, candles: pd.DataFrame, study: str = STUDY, **changes: Any) -> dict[str, dict[str, Any]]:
    _, evidence = prove(parse_study(study), Wanted(study=study, to="paper", name="a", candles=candles), None)
    return {row["gate"]: row for row in gates.run_gates(replace(evidence, **changes))}


def test_gates_say_what_was_decided(store: sa.Engine, candles: pd.DataFrame) -> None:
    found = _gates(store, candles)["traded"]
    assert found["status"] == "pass"
    assert found["actual"].endswith(" fills, 0 decisions refused")
    assert not found["actual"].startswith("0 grids")
    never = _gates(store, candles.iloc[:30], STUDY.replace('"1h"', '"4h"'))
    assert (never["traded"]["status"], never["traded"]["actual"][:15]) == ("warn", "0 grids decided")
    assert "without gaps over its lookback" in never["traded"]["remedy"]
    assert never["band"]["status"] == never["order sizes"]["status"] == never["market orders"]["status"] == "pass"
    poor = _gates(store, candles, STUDY.replace('cash = "1000"', 'cash = "20"'))["traded"]
    assert poor["status"] == "warn"
    assert "keeps the grid it has" in poor["remedy"]
    assert "the smallest investment that works" in poor["remedy"]


def test_orders_of_every_grid_must_fit_the_exchange(store: sa.Engine, candles: pd.DataFrame) -> None:
    _, evidence = prove(parse_study(STUDY), Wanted(study=STUDY, to="paper", name="a", candles=candles), None)
    plans = [each.plan for each in evidence.backtest.decisions if each.plan is not None]
    largest = [max(plan.gross) for plan in plans]
    assert len(plans) > 3
    assert len(set(largest)) > 1
    at = largest.index(max(largest))
    assert at != len(plans) - 1  # not that of the last grid, which alone is `run.plan`
    tight = replace_market(evidence.backtest.run.market, max(largest) - 1)
    verdict = gates.order_sizes(replace(evidence, rules=tight))
    assert verdict.status == "fail"
    assert f"{tight.amount(max(largest)):f}" in verdict.actual
    assert gates.order_sizes(replace(evidence, rules=replace_market(tight, max(largest)))).status == "pass"


def replace_market(market: Market, most: int) -> Market:
    return Market(**{**vars(market), "max_amount": market.amount(most)})


def test_parameters_of_every_kind_are_written_into_the_passport(store: sa.Engine) -> None:
    text = STUDY.replace(
        "cells = 6",
        'cells = 6\nsome = [1, 2.50, "a"]\nnested = { "b c" = 1.5, d = [true, {e = 2024-01-02}] }\nat = 12:30:00',
    )
    study = parse_study(text)
    written = canonical(study, study_market(study))
    again = parse_study(written)
    assert again.params["some"] == [1, "2.50", "a"]
    assert again.params["nested"] == {"b c": "1.5", "d": [True, {"e": "2024-01-02"}]}
    assert again.params["at"] == "12:30:00"
    assert canonical(again, study_market(again)) == written
