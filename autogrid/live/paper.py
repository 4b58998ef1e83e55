"""Paper bots: the same tick on a simulated exchange, fed by stored candles as they arrive.

The simulated account is kept in the bot's row: it is saved whenever it has filled, accepted or cancelled something,
before anybody hears of it, together with how far the candles were walked. So a paper bot killed at any point goes on
from there, and fills what a replay of the same candles fills. Account and rows are in one log, so that not even a crash
of the server can part them, and no commit waits for the disk.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from sqlalchemy.engine import Engine

from autogrid.core.bot import Bot
from autogrid.core.market import Market
from autogrid.core.plan import plan
from autogrid.errors import InvalidInput
from autogrid.exchange.port import Balance, Close, ExchangeOrder, Execution, NewOrder, Page, Permissions
from autogrid.exchange.simulated import Simulated
from autogrid.exchange.simulated_state import from_json, to_json
from autogrid.live.decide import FINAL
from autogrid.live.drive import Drive, Row
from autogrid.live.replay import consistent
from autogrid.live.tick import Report, TickRules, tick
from autogrid.store import bots, ticking
from autogrid.store.coverage import to_ms, when
from autogrid.store.tick_store import PgTickStore
from autogrid.store.ticking import Target

#: Candles walked in one turn; the next turn goes on.
MOST = 1_000
#: Legs walked of a candle that has been walked to its end.
DONE = 4


class NestedStore(PgTickStore):
    """A store whose lock may be taken again by the tick inside a turn that holds it."""

    @contextmanager
    def lock(self, bot_id: int, durable: bool = True) -> Iterator[bool]:
        if bot_id in self._sessions:
            yield True
            return
        with super().lock(bot_id, durable) as held:
            yield held


@dataclass
class PaperExchange:
    """The simulated account as a port that saves before it answers."""

    account: Simulated
    save: Callable[[], None]
    rules: Callable[..., Market] = field(init=False)
    price: Callable[[str], Decimal] = field(init=False)
    last_close: Callable[[str], Close | None] = field(init=False)
    balances: Callable[[], dict[str, Balance]] = field(init=False)
    permissions: Callable[[], Permissions] = field(init=False)
    open_orders: Callable[[str], list[ExchangeOrder]] = field(init=False)
    find: Callable[[str, str, str | None], ExchangeOrder | None] = field(init=False)
    executions_since: Callable[[str, str], Page] = field(init=False)
    executions_of: Callable[[str, str], list[Execution]] = field(init=False)

    def __post_init__(self) -> None:
        reads = ("rules", "price", "last_close", "balances", "permissions", "open_orders", "find", "executions_since")
        for name in (*reads, "executions_of"):
            setattr(self, name, getattr(self.account, name))

    def place(self, order: NewOrder) -> ExchangeOrder:
        accepted = self.account.place(order)
        self.save()
        return accepted

    def cancel(self, symbol: str, client_id: str, exchange_id: str | None) -> None:
        self.account.cancel(symbol, client_id, exchange_id)
        self.save()


class Paper:
    """One turn of one paper bot."""

    def __init__(self, engine: Engine, store: NestedStore, rules: TickRules, target: Target, report: Report) -> None:
        self.engine, self.store = engine, store
        # Nothing is under way while the lock is held: what the account does not know never arrived.
        self.deciding = replace(rules, t_safe_ms=-1)
        self.rules = replace(self.deciding, brain=None)
        self.target, self.report = target, report
        #: Open time of the candle that is being or was walked last, ms.
        self.ts = 0
        self.walking = False

    def run(self) -> None:
        """Walk the candles that have come, tick where something may happen, obey wishes."""
        with self.store.lock(self.target.bot_id, durable=False) as held:
            if not held:
                self.report.skipped = "locked"
                return
            bot = self.store.load(self.target.bot_id)
            state = bots.paper_state(self.engine, bot.id)
            if state is None and (state := self._first(bot)) is None:
                self.report.skipped = "no candles"
                return
            self._walk(bot, state)

    def _first(self, bot: Bot) -> dict[str, Any] | None:
        """The bot begins with the candle after the newest one there is."""
        newest = ticking.candles_after(self.engine, self.target.exchange, self.target.symbol, None, 1)
        if not newest:
            return None
        last = bot.market.price_ticks(repr(float(newest[0][4])))
        state = {"ts": to_ms(newest[0][0]), "leg": DONE, "close": None, "last": last}
        bots.keep_paper_state(self.engine, bot.id, state)
        return state

    def _walk(self, bot: Bot, state: dict[str, Any]) -> None:
        self.ts, leg = state["ts"], state["leg"]
        # A candle that was begun is walked to its end first.
        rows = self._rows(bot.market, self.ts if leg == DONE else self.ts - 1)
        account = self._account(bot, state, rows)
        self.drive = drive = Drive(account, self._react, bot, close=state["close"], leg=0 if leg == DONE else leg)
        drive.brain = self.deciding.brain
        self.exchange = PaperExchange(account, self._save)
        self.walking = leg != DONE
        if self.walking:
            drive.bot = self._react()  # what the tick had not done yet when it was killed
        if bot.status not in FINAL:
            for row in rows:
                self._candle(drive, row)
                if drive.finished:
                    break
        if account.last > 0 and (drive.bot.position is not None or drive.bot.wish != "run"):
            self._react()  # nothing may have happened: the price, and what a person wishes, are looked at
        elif rows:
            self._save()

    def _candle(self, drive: Drive, row: Row) -> None:
        self.ts = row[0]
        if drive.leg == 0 and drive.passes(row):
            drive.exchange.now_ms, drive.close = row[0], row[4]
            drive.exchange.arrive(row[4])
            return
        self.walking = True
        drive.candle(row)
        self.walking = False

    def _account(self, bot: Bot, state: dict[str, Any], rows: list[Row]) -> Simulated:
        if "account" in state:
            return from_json(state["account"], bot.market.unlimited())
        if not rows:
            return Simulated(bot.symbol, bot.market.unlimited(), last=state["last"])
        cash = self._cash(bot, rows)
        return Simulated(bot.symbol, bot.market.unlimited(), quote=cash, slippage=bot.slippage_ticks)

    def _cash(self, bot: Bot, rows: list[Row]) -> int:
        """Atoms that the bot begins with."""
        if bot.strategy is not None:
            assert bot.cash is not None  # a bot with a strategy is made with cash
            return bot.market.atoms(bot.cash)
        start = rows[0][1] if bot.grid.trigger is None else bot.market.price_ticks(bot.grid.trigger)
        try:
            return plan(bot.grid, bot.market, start, cash=bot.cash, slippage_ticks=bot.slippage_ticks).cash
        except InvalidInput:
            return 0  # the tick halts the bot with the reason

    def _rows(self, market: Market, after_ms: int) -> list[Row]:
        found = ticking.candles_after(self.engine, self.target.exchange, self.target.symbol, when(after_ms), MOST)
        ticks = [(to_ms(ts), *(market.price_ticks(repr(float(price))) for price in prices)) for ts, *prices in found]
        return consistent(ticks)  # type: ignore[arg-type]

    def _react(self) -> Bot:
        self._save()
        now = self.drive.exchange.now_ms
        rules = self.deciding if self.drive.deciding else self.rules
        tick(self.target.bot_id, self.store, self.exchange, lambda: now, rules, self.report)
        return self.store.load(self.target.bot_id)

    def _save(self) -> None:
        drive = self.drive
        kept = {
            "ts": self.ts,
            "leg": drive.leg if self.walking else DONE,
            "close": drive.close,
            "account": to_json(drive.exchange, keep=max(50, 2 * drive.bot.grid.cells)),
        }
        bots.keep_paper_state(self.engine, self.target.bot_id, kept)
