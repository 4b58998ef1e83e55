"""The live half of the demo: promote, trade through real processes, lose one of them, compare with the replay."""

import math
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from autogrid.cli import demo_stage, supervise
from autogrid.errors import Unavailable

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from sqlalchemy.engine import Engine

    from autogrid.promotion.promote import Promotion

#: Candles that the bot trades, and those before them that it is proven on.
TRADED, PROVEN = 400, 14_400
SYMBOL, CELLS, WIDTH = "BTC/USDT", 8, 0.012
FEE = "0.001"
STUDY = """# Written by autogrid demo.
[market]
exchange = "binance"
symbol = "{symbol}"
tick = "{tick}"
lot = "{lot}"
min_notional = "{min_notional}"
maker_fee = "{maker_fee}"
taker_fee = "{taker_fee}"
buy_fee_asset = "base"
[candles]
timeframe = "{timeframe}"
start = "{start}"
end = "{end}"
[strategy.params]
lower = "{lower}"
upper = "{upper}"
cells = {cells}
spacing = "geometric"
investment = "10000"
"""
PATIENCE_S = 20.0


@dataclass
class Trading:
    """The bot at work."""

    engine: "Engine"
    exchange: demo_stage.Exchange
    bot_id: int
    cells: int
    fills: int = 0

    def quiet(self) -> bool:
        """Every fill is booked and every cell has its order."""
        from autogrid.store.tick_store import PgTickStore

        store = PgTickStore(self.engine)
        bot, orders = store.load(self.bot_id), store.live_orders(self.bot_id)
        if bot.position is None or bot.position.books.fills != self.fills:
            return False
        return len(orders) == self.cells and all(order.status == "open" for order in orders)

    def wait(self) -> None:
        """Until it is quiet."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.quiet():
            if time.monotonic() > deadline:
                raise Unavailable(f"bot {self.bot_id} did not come to rest within {PATIENCE_S:.0f} s: {self.why()}")
            time.sleep(0.02)

    def why(self) -> str:
        """What is not as it should be."""
        from autogrid.live.explain import explain, summary
        from autogrid.store.tick_store import PgTickStore

        store = PgTickStore(self.engine)
        bot = store.load(self.bot_id)
        lines = [f"{line.name}: {line.reason}" for line in explain(bot, store.live_orders(bot.id)) if line.reason]
        booked = 0 if bot.position is None else bot.position.books.fills
        return "; ".join([summary(bot), f"{booked} of {self.fills} fills booked", *lines])

    def step(self) -> bool:
        """One trade of the tape, and until the bot is quiet again; False at the tape's end."""
        answer = self.exchange.control("step", prints=1)
        if answer["fills"]:
            self.fills += len(answer["fills"])
            self.wait()
        return not answer["tape"]["done"]


def study_text(frame: "pd.DataFrame", timeframe: str) -> str:
    """A grid around the price at which trading begins, proven on the candles before."""
    seen, traded = split(frame)
    price = float(traded["open"].iloc[0])
    return STUDY.format(
        symbol=SYMBOL,
        **rules(price),
        timeframe=timeframe,
        start=seen.index[0].isoformat(),
        end=traded.index[0].isoformat(),
        lower=f"{price * (1 - WIDTH):.8f}",
        upper=f"{price * (1 + WIDTH):.8f}",
        cells=CELLS,
    )


def rules(price: float) -> dict[str, str]:
    """Rules of a market at about this price: a tick times a lot is what the exchange rounds fees to."""
    digits = min(8, max(3, 7 - math.floor(math.log10(price))))
    tick = Decimal(1).scaleb(-digits)
    lot = Decimal(1).scaleb(digits - 8)
    return {"tick": f"{tick:f}", "lot": f"{lot:f}", "min_notional": "5", "maker_fee": FEE, "taker_fee": FEE}


def split(frame: "pd.DataFrame") -> "tuple[pd.DataFrame, pd.DataFrame]":
    """The candles to prove the grid on, and the later ones that the bot trades."""
    count = min(TRADED, len(frame) // 2)
    return frame.iloc[-PROVEN - count : -count], frame.iloc[-count:]


def show(
    frame: "pd.DataFrame", timeframe: str, home: Path, study: Path, running: supervise.Supervisor, console: "Console",
    after: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Sections 4 to 6 of the demo; then `after`, while the exchange still runs."""
    from autogrid.data.export import write_candles
    from autogrid.store.engine import engine

    _, traded = split(frame)
    study.parent.mkdir(parents=True, exist_ok=True)
    study.write_text(study_text(frame, timeframe), encoding="utf-8")
    write_candles(traded, home / "tape.parquet")
    given = rules(float(traded["open"].iloc[0])).items()
    options = [f"--{name.replace('_', '-')}={value}" for name, value in given]
    options += ["--candles", str(home / "tape.parquet"), "--symbol", SYMBOL, "--stamps", "tape", "--no-limits"]
    with ExitStack() as stack:
        venue = stack.enter_context(
            demo_stage.exchange(home / "exchange.log", *options, "--account", "demo:demokey:demosecret:USDT=20000")
        )
        console.rule("[bold]4  The same grid, promoted")
        # Coins that cost little come in large amounts.
        venue.control("market", max_qty="90000000", max_market_qty="90000000")
        venue.control("step", prints=1)
        promoted = _promote(engine(), study, venue, console)
        console.rule("[bold]5  Trading: ccxt, Celery workers, an exchange that speaks Binance")
        trading = Trading(engine(), venue, promoted.bot_id, CELLS, fills=1)
        trading.wait()
        _trade(trading, len(traded), running, console)
        console.rule("[bold]6  Live equals replay")
        _compare(trading, promoted, traded, study, console)
        after()


def _promote(engine: "Engine", study: Path, venue: demo_stage.Exchange, console: "Console") -> "Promotion":
    from autogrid.promotion.promote import Wanted, promote
    from autogrid.store import accounts

    with engine.begin() as connection:
        keys = accounts.Credentials("demokey", "demosecret")
        accounts.add(connection, name="demo", exchange="binance", credentials=keys, base_url=venue.url)
    text = study.read_text(encoding="utf-8")
    done = promote(engine, Wanted(study=text, to="live", account="demo", name=study.stem))
    counts = [row["status"] for row in done.passport.gates]
    gates = ", ".join(f"{counts.count(s)} {s}" for s in ("pass", "warn") if s in counts)
    console.print(
        f"{len(counts)} gates: {gates}. The live engine made the backtest's {done.result.ledger.fills} fills."
    )
    for row in done.passport.gates:
        if row["status"] == "warn":
            console.print(f"[yellow]warning:[/] {row['gate']}: {row['expected']}, found {row['actual']}", style="dim")
    console.print(f"passport [bold]{done.passport.id[:12]}[/], bot [bold]{done.bot_id}[/], 10,000 USDT reserved for it")
    return done


def _trade(trading: Trading, candles: int, running: supervise.Supervisor, console: "Console") -> None:
    killed, began, prints = "", time.monotonic(), 1
    with console.status("trading") as status:
        going = True
        while going:
            going = trading.step()
            prints += 1
            status.update(f"candle {prints // 4 + 1} of {candles}, {trading.fills} fills{killed}")
            if not killed and prints >= candles * 2 and trading.fills >= 4:
                victim = running.members[0]
                victim.signal(signal.SIGKILL, group=True)
                killed = f", {victim.name} is dead"
                pid = 0 if victim.process is None else victim.process.pid
                console.print(f"{trading.fills} fills; now [red]kill -9[/] {victim.name} (pid {pid}) and its child")
    seconds = time.monotonic() - began
    console.print(
        f"{trading.fills} fills in {candles} candles and {seconds:.0f} s; {running.members[1].name} went on alone"
    )


def _compare(trading: Trading, promoted: "Promotion", traded: "pd.DataFrame", study: Path, console: "Console") -> None:
    from autogrid.core.study import parse_study
    from autogrid.live.explain import explain
    from autogrid.promotion.parity import lived, replay_like
    from autogrid.research.study import backtest_study
    from autogrid.store import bot_history
    from autogrid.store.tick_store import PgTickStore

    store, parsed = PgTickStore(trading.engine), parse_study(study.read_text(encoding="utf-8"))
    bot, orders = store.load(trading.bot_id), store.live_orders(trading.bot_id)
    with trading.engine.connect() as connection:
        fills = [row for _, row in bot_history.fills(connection, trading.bot_id)]
    expected = backtest_study(parsed, traded)
    hashes = {
        "backtest": expected.sha256(),
        "replay": replay_like(expected, parsed).sha256(),
        "live": lived(expected, fills, SYMBOL).sha256(),
    }
    for name, digest in hashes.items():
        console.print(f"{name:>9}  [bold]{digest}[/]", soft_wrap=True)
    assert bot.position is not None  # it has traded
    equity = bot.position.books.ledger(int(expected.run.ticks.close[-1])).equity
    if len(set(hashes.values())) != 1 or equity != expected.ledger.equity:
        raise Unavailable("live and replay differ: please report it with the study that the demo wrote")
    problems = trading.exchange.control("state")["problems"]
    missing = sum(line.missing for line in explain(bot, orders))
    console.print(
        f"[green]The same {len(fills)} fills, fees included[/]; equity {equity:,.2f} USDT in both; "
        f"{missing} orders missing, {len(problems)} problems in the exchange's books"
    )
