"""A grid kept on the exchange by hand, print by print, trades what the backtest says, to the last unit of money."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import autogrid as ag
from services.loopback.audit import problems
from services.loopback.config import Config, build
from services.loopback.engine import Engine, NewOrder
from services.loopback.order import Order, Trade
from services.loopback.reader import trade_tape
from services.loopback.units import E8, e8, units_text

DATA = Path(__file__).parents[4] / "shared" / "data"
SYMBOL = "BTCUSDT"
RULES = {"tick": "0.01", "lot": "0.00001", "min_notional": "1", "maker_fee": "0.0007", "taker_fee": "0.001"}


class Hand:
    """The grid of a plan, kept on an engine: after every print, what should rest rests."""

    def __init__(self, engine: Engine, plan: object) -> None:
        self.engine, self.plan = engine, plan
        self.account = engine.accounts["a"]
        self.j = plan.empty
        self.orders: dict[int, Order] = {}
        self.count = 0

    def place(self, is_buy: bool, kind: str, ticks: int, lots: int) -> Order:
        self.count += 1
        price = ticks * e8(RULES["tick"])
        new = NewOrder(SYMBOL, is_buy, kind, "GTC", lots * e8(RULES["lot"]), price, f"c{self.count}")
        return self.engine.place(self.account, new)

    def start(self) -> None:
        if self.plan.start_lots:
            self.place(True, "MARKET", 0, self.plan.start_lots)
        self.arrange()

    def arrange(self) -> None:
        """One order per cell, on the side that the state says; a cell whose order filled has turned."""
        for cell in range(self.plan.n):
            if cell not in self.orders or not self.orders[cell].is_open:
                is_buy = cell < self.j
                level = self.plan.levels[cell if is_buy else cell + 1]
                lots = self.plan.gross[cell] if is_buy else self.plan.lots[cell]
                self.orders[cell] = self.place(is_buy, "LIMIT_MAKER", level, lots)

    def hear(self, fills: list[Trade]) -> None:
        for fill in fills:
            self.j += -1 if fill.is_buy else 1
        if fills:
            self.arrange()


def walk(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(scale=0.004, size=rows)))
    open_ = np.concatenate([[100.0], close[:-1] * np.exp(rng.normal(scale=0.001, size=rows - 1))])
    spread = np.abs(rng.normal(scale=0.003, size=(2, rows)))
    high, low = np.maximum(open_, close) * (1 + spread[0]), np.minimum(open_, close) * (1 - spread[1])
    index = pd.date_range("2024-01-01", periods=rows, freq="1min", tz="UTC", name="ts")
    frame = pd.DataFrame({"open": open_, "high": high, "low": low, "close": close}, index=index).round(3)
    return frame.assign(volume=10.0)


def compare(candles: pd.DataFrame, path: Path, fee_asset: str, slippage: int) -> int:
    start = float(candles["open"].iloc[0])
    frame = candles.copy()
    frame.insert(0, "ts", candles.index.as_unit("ms").asi8)
    frame.to_parquet(path, index=False)
    market = ag.Market(**RULES, buy_fee_asset="base" if fee_asset == "received" else "quote")
    low, high = (str(round(start * share, 2)) for share in (0.96, 1.05))
    grid = ag.Grid(lower=low, upper=high, cells=30, spacing="geometric", investment="10000")
    result = ag.backtest(grid, candles, market, slippage_ticks=slippage)
    plan = result.run.plan
    config = {"symbol": "BTC/USDT", **RULES, "slippage_ticks": slippage, "candles": str(path)}
    # The contract's atom, so that fees are rounded alike.
    config["commission_decimals"] = 7 if fee_asset == "quote" else 11
    account = {"name": "a", "balances": {"USDT": str(market.money(plan.cash))}, "fee_asset": fee_asset}
    exchange = build(Config(markets=[config], accounts=[account]))
    hand = Hand(exchange.engine, plan)
    exchange.player.step(prints=1)
    hand.start()
    while not exchange.player.done:
        hand.hear(exchange.player.step(prints=1))
    trades = exchange.engine.trades["a", SYMBOL]
    made = [(t.is_buy, Decimal(t.price) / E8, Decimal(t.qty) / E8, t.tape_time // 60_000) for t in trades]
    wanted = [(row[3] == "buy", Decimal(row[4]), Decimal(row[5]), int(row[0]) // 60_000) for row in result.fill_rows()]
    assert made == wanted
    assert problems(exchange.engine) == []
    if fee_asset == "quote":
        assert Decimal(units_text(hand.account.total["USDT"])) == result.ledger.cash
        assert Decimal(units_text(hand.account.total.get("BTC", 0))) == result.ledger.base
    return len(trades)


@pytest.mark.parametrize(("fee_asset", "slippage"), [("quote", 0), ("quote", 3), ("received", 0)])
def test_random_candles(tmp_path: Path, fee_asset: str, slippage: int) -> None:
    assert sum(compare(walk(400, seed), tmp_path / f"{seed}.parquet", fee_asset, slippage) for seed in range(3)) > 300


def test_real_candles(tmp_path: Path) -> None:
    source = DATA / "binanceum_BTCUSDT_1m_202505.parquet"
    if not source.exists():
        pytest.skip("no shared market data next to this checkout")
    assert compare(ag.read_candles(source).iloc[5000:8000], tmp_path / "real.parquet", "quote", 0) > 50


def test_real_trades_fill_by_their_volume() -> None:
    """Tape liquidity on recorded trades: an order gets what was sold at its price or below, no more."""
    source = DATA / "binance_BTCUSDT_trades_20240808.parquet"
    if not source.exists():
        pytest.skip("no shared market data next to this checkout")
    config = {"symbol": "BTC/USDT", "trades": str(source), "liquidity": "tape", "lot": "0.00001"}
    exchange = build(Config(markets=[config], accounts=[{"name": "a", "balances": {"USDT": "9000000"}}]))
    engine, market = exchange.engine, exchange.engine.markets[SYMBOL]
    exchange.player.step(prints=100)
    prints = []
    tape = trade_tape(market, source, start_row=100)
    while tape.next is not None:
        prints.append(tape.pop())
    level = sorted(item.price for item in prints)[len(prints) // 3]
    market.max_qty = e8("9000")
    order = engine.place(engine.accounts["a"], NewOrder(SYMBOL, True, "LIMIT", "GTC", e8("100"), level, "big"))
    assert order.trades == []
    exchange.player.step(prints=len(prints))
    sold = sum(
        item.qty // market.lot * market.lot
        for item in prints
        if item.price < level or (item.price == level and item.side == "sell")
    )
    assert order.filled == min(sold, e8("100"))
    assert order.filled > 0
    assert all(trade.price == level and trade.is_maker for trade in order.trades)
    assert problems(engine) == []
