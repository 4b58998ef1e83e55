"""The live engine on rows in PostgreSQL and on real markets: fills and books of the backtest, to the last unit."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from autogrid.cli.app import app
from autogrid.core.bot import Bot, FillRow
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.study import parse_study
from autogrid.data.export import write_candles
from autogrid.data.frame import read_candles
from autogrid.data.ingest import import_file
from autogrid.errors import NotFound
from autogrid.exchange.simulated import Simulated
from autogrid.live import twin_run
from autogrid.live.daily import daily, trading
from autogrid.live.drive import Drive
from autogrid.live.replay import replay
from autogrid.live.tick import TickRules, tick
from autogrid.promotion.parity import replay_study, rows
from autogrid.research.study import backtest_study
from autogrid.research.synthetic import synthetic_candles
from autogrid.research.ticks import candle_ticks
from autogrid.store import accounts, bot_history
from autogrid.store.tick_store import PgTickStore
from tests.integration.store.live_rows import new_bot

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
MARKET = '[market]\ntick = "{tick}"\nlot = "{lot}"\nmaker_fee = "0.001"\ntaker_fee = "0.001"\nbuy_fee_asset = "{fee}"\n'
PARAMS = (
    '[strategy.params]\nlower = "{lower}"\nupper = "{upper}"\ncells = {cells}\n'
    'spacing = "{spacing}"\ninvestment = "10000"\n'
)
#: file, tick, lot, what fees of buys are taken from, lower, upper, cells, spacing, more. A year and a half with a stop
#: in it; a month; a year and a half of hours with gaps, through a trigger and a take-profit.
REAL = [
    ("bitmex_XBTUSD_1m_2018-2019", "0.5", "0.00001", "base", 5000, 12000, 60, "geometric", 'stop_loss = "4000"\n'),
    ("binanceum_ETHUSDT_1m_202505", "0.01", "0.0001", "quote", 1700, 2900, 120, "arithmetic", ""),
    ("binance_BTCUSDT_1h_2017-2019", "0.01", "0.000001", "base", 3000, 9000, 40, "geometric",
     'trigger = "7000"\ntake_profit = "9500"\nstop_action = "keep"\n'),
]  # fmt: skip


@pytest.mark.parametrize("case", REAL, ids=[case[0] for case in REAL])
def test_three_long_real_files(case: tuple[str, str, str, str, int, int, int, str, str]) -> None:
    name, tick_, lot, fee, lower, upper, cells, spacing, more = case
    path = DATA / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"real market data is not here: {path.name}")
    params = PARAMS.format(lower=lower, upper=upper, cells=cells, spacing=spacing)
    study = parse_study(MARKET.format(tick=tick_, lot=lot, fee=fee) + params + more)
    candles = read_candles(path)
    expected, got = backtest_study(study, candles), replay_study(study, candles)
    assert got.ledger.fills > 100
    assert got.csv() == expected.csv()
    assert got.ledger == expected.ledger
    assert got.to_json() == expected.to_json()
    if more:
        assert got.run.stopped in more


@pytest.mark.parametrize("fee", ["quote", "base"])
def test_rows_in_postgresql(store: sa.Engine, fee: str) -> None:
    market = Market(
        tick="0.01", lot="0.00001", min_notional="5", maker_fee="0.001", taker_fee="0.001", buy_fee_asset=fee
    )
    candles = synthetic_candles(days=2)
    price = float(candles["open"].iloc[0])
    grid = Grid(
        lower=f"{price * 0.98:.2f}",
        upper=f"{price * 1.02:.2f}",
        cells=10,
        investment="5000",
        stop_loss=f"{price * 0.96:.2f}",
    )
    ticks = rows(candle_ticks(candles, market))
    expected = replay(grid, market, ticks)
    bot, fills = drive(store, grid, market, ticks)
    assert len(fills) > 10
    assert [row[1:] for row in map(plain, fills)] == [row[1:] for row in map(plain, expected.fills)]
    assert bot.position is not None
    assert bot.position.books == expected.position.books
    assert bot.position.stopped == expected.stopped


def drive(
    engine: sa.Engine, grid: Grid, market: Market, ticks: list[tuple[int, int, int, int, int]], **more: object
) -> tuple[Bot, list[FillRow]]:
    """The same ticks, but every state between them is a row."""
    values = {"symbol": "BASE/QUOTE", "grid": grid, "market": market, "cash": None, "slippage_ticks": 0}
    bot_id = new_bot(engine, code_hash="", **values, **more)
    exchange = Simulated("BASE/QUOTE", market, quote=market.atoms("5000"), penetration=1)
    rows_, rules = PgTickStore(engine), TickRules(code_hash="")

    def react() -> Bot:
        tick(bot_id, rows_, exchange, lambda: exchange.now_ms, rules)
        return rows_.load(bot_id)

    Drive(exchange, react, rows_.load(bot_id)).run(ticks)
    with engine.connect() as connection:
        return rows_.load(bot_id), [row for _, row in bot_history.fills(connection, bot_id)]


def plain(row: FillRow) -> tuple[object, ...]:
    return row.trade_id, row.ts_ms, row.key, row.side, row.price, row.lots, Decimal(row.fee), row.fee_asset


def test_the_twin_of_a_stored_bot(store: sa.Engine, tmp_path: Path) -> None:
    market = Market(tick="0.01", lot="0.00001", maker_fee="0.001", taker_fee="0.001")
    candles = synthetic_candles(days=1)
    # Its period is now, as a live bot's.
    candles.index = pd.date_range(end=pd.Timestamp.now(UTC).floor("min"), periods=len(candles), freq="min").as_unit(
        "ms"
    )
    price = float(candles["open"].iloc[0])
    grid = Grid(lower=f"{price * 0.98:.2f}", upper=f"{price * 1.02:.2f}", cells=10, investment="1000")
    bot, _ = drive(store, grid, market, rows(candle_ticks(candles, market)))
    candles.rename_axis("ts").reset_index().assign(ts=candles.index.as_unit("ms").asi8).to_csv(
        tmp_path / "c.csv", index=False
    )

    def run() -> str:
        return (
            CliRunner()
            .invoke(app, ["twin", str(bot.id), "--candles", str(tmp_path / "c.csv")], catch_exceptions=False)
            .output
        )

    out = run()
    assert "0.00 bps of the budget; 0 fills lacking, 0 extra" in out
    with store.begin() as connection:
        connection.execute(sa.text("DELETE FROM bot_fill WHERE id = (SELECT max(id) FROM bot_fill)"))
    assert "1 fills lacking, 0 extra" in run()
    with store.connect() as connection:
        (day,) = bot_history.twins(connection, bot.id)
    assert day.day == candles.index[-1].date()
    assert day.parts["lacking"] == 1
    assert day.divergence_bps != 0


def test_the_twins_of_a_day(store: sa.Engine, tmp_path: Path) -> None:
    market = Market(tick="0.01", lot="0.00001", maker_fee="0.001", taker_fee="0.001")
    candles = synthetic_candles(days=1).iloc[-300:]
    candles.index = pd.date_range(
        end=pd.Timestamp.now(UTC).floor("min"), periods=len(candles), freq="min", name="ts"
    ).as_unit("ms")
    write_candles(candles, tmp_path / "c.parquet")
    import_file(tmp_path / "c.parquet", "binance", "BASE/QUOTE", "1m")
    price = float(candles["open"].iloc[0])
    grid = Grid(lower=f"{price * 0.99:.2f}", upper=f"{price * 1.01:.2f}", cells=5, investment="1000")
    with store.begin() as connection:
        paper = accounts.add(connection, name="paper", exchange="paper")
    bot, _ = drive(store, grid, market, rows(candle_ticks(candles, market)), account_id=paper)
    now = datetime.now(UTC)
    assert trading(store, now) == ([bot.id], {})
    assert daily(store, bot.id, now).divergence_bps == 0
    with store.begin() as connection:
        connection.execute(sa.text("UPDATE bot_fill SET price = price + 100 WHERE kind = 0"))
    row = daily(store, bot.id, now)
    assert Decimal(row.parts["start price"]) == Decimal(row.parts["difference"]) < 0
    assert trading(store, now) == ([bot.id], {"paper": pytest.approx(-float(row.divergence_bps))})
    # Its owner had it paused when its last fills were due.
    with store.begin() as connection:
        connection.execute(sa.text("DELETE FROM bot_fill WHERE id = (SELECT max(id) FROM bot_fill WHERE kind = 1)"))
        for status, minutes in (("paused", 301), ("running", 0)):
            event = {"b": bot.id, "at": now - timedelta(minutes=minutes), "data": json.dumps({"status": status})}
            text = "INSERT INTO bot_event (bot_id, ts, level, name, data) VALUES (:b, :at, 'info', 'bot_status', :data)"
            connection.execute(sa.text(text), event)
    paused = daily(store, bot.id, now)
    assert (paused.parts["lacking"], Decimal(paused.parts["missed"]), Decimal(paused.parts["path"])) == (1, 0, 0)
    assert Decimal(paused.parts["paused"]) == Decimal(paused.parts["difference"]) - Decimal(row.parts["difference"])
    waits = new_bot(store, paper)
    assert daily(store, waits, now) is None
    with pytest.raises(NotFound, match="has not begun"):
        twin_run.period(store, waits, now)
