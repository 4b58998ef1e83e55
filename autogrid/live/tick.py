"""One bot, one pass. There is no separate recovery: after a crash the next tick, anywhere, goes on from the rows.

observe (open orders, then executions) -> settle -> reduce -> decide -> diff -> risk -> one commit -> send.
Each order is committed as sent before its request leaves, so no outcome is ever assumed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from autogrid.core.bot import OPEN, Bot, Event, Order
from autogrid.core.orders import BUY
from autogrid.core.position import REGRIDDING
from autogrid.core.trailing import DEFAULT, Trailing
from autogrid.errors import Halted, InvalidInput
from autogrid.exchange.port import Exchange
from autogrid.live import decide
from autogrid.live.act import CLOSE_AGE_MS, Acting
from autogrid.live.ports import Brain, TickStore
from autogrid.live.regrid import strategise
from autogrid.live.settle import DUPLICATE, Settled, Settling
from autogrid.live.units import trade

#: A stop takes three: cancel, sell, book. More means that something moves without end; the next tick goes on.
MAX_PASSES = 6


@dataclass(frozen=True)
class TickRules:
    """What all bots of a process share."""

    #: sha256 of the code this process runs; a bot promoted with other code is refused.
    code_hash: str
    #: After this long a request that was never seen cannot arrive any more: recvWindow + 10 s + margin.
    t_safe_ms: int = 20_000
    #: Oldest last close that the price of a market order is compared with.
    close_age_ms: int = CLOSE_AGE_MS
    #: The same code with other strategies than `static`.
    other_hashes: frozenset[str] = frozenset()
    #: How trailing grids move.
    trailing: Trailing = DEFAULT
    #: What decides for bots whose strategy does.
    brain: Brain | None = None


@dataclass
class Report:
    """What one tick did; the caller turns it into metrics."""

    bot_id: int
    #: Why nothing was done: "locked", "refused", or a final status.
    skipped: str | None = None
    status: str = ""
    bought: int = 0
    sold: int = 0
    placed: int = 0
    canceled: int = 0
    rejected: int = 0
    #: Orders that should rest but do not, and orders whose outcome is unknown.
    missing: int = 0
    unknown: int = 0
    #: Executions whose owner is not known yet: everything is to be read again soon.
    unclear: bool = False
    events: list[Event] = field(default_factory=list)

    @property
    def fills(self) -> int:
        """Executions booked."""
        return self.bought + self.sold


def tick(
    bot_id: int,
    store: TickStore,
    exchange: Exchange,
    clock: Callable[[], int],
    rules: TickRules,
    report: Report | None = None,
    full: bool = True,
) -> Report:
    """Bring one bot's orders to where its grid wants them. Safe to run twice, anywhere, at any time.

    clock: milliseconds UTC. Raises RetryLater, Unavailable or AccountBlocked where the exchange does not listen;
    all that had happened is committed then, and said in `report` if the caller gave one. `full` compares everything;
    without it a bot whose orders all rest as they should asks no further.
    """
    report = Report(bot_id) if report is None else report
    with store.lock(bot_id) as held:
        if not held:
            report.skipped = "locked"
            return report
        bot = store.load(bot_id)
        if _refused(bot, store, rules, report):
            return report
        one = _Pass(bot, store, exchange, clock, rules, report, full)
        try:
            for _ in range(MAX_PASSES):
                if not one.run():
                    break
        except (Halted, InvalidInput) as error:
            # InvalidInput: the exchange does not know the market any more.
            # The rows may be ahead of this object: read them again before writing the reason down.
            bot = store.load(bot_id)
            report.events += (events := decide.halt(bot, str(error)))
            store.commit(bot, (), events=events)
        report.status = bot.status
    return report


def _refused(bot: Bot, store: TickStore, rules: TickRules, report: Report) -> bool:
    # Killing only cancels: any code may do it, and nothing may stand in its way.
    known = bot.code_hash == rules.code_hash or bot.code_hash in rules.other_hashes
    if not known and bot.wish != "kill":
        if bot.status != "refused":
            bot.status = "refused"
            bot.reason = (
                f"promoted with code {bot.code_hash[:12]}, this worker runs {rules.code_hash[:12]}: "
                "promote the study again (autogrid promote STUDY.toml), or run the version it was promoted with"
            )
            report.events.append(event := Event("critical", "bot_refused", {"reason": bot.reason}))
            store.commit(bot, (), events=[event])
        report.skipped = report.status = "refused"
        return True
    if bot.status == "refused":
        bot.status, bot.reason = "running" if bot.position else "waiting", None
    final = bot.status in decide.FINAL and bot.wish != "kill"
    if final or (bot.wish == "kill" and bot.status == "halted" and not store.live_orders(bot.id)):
        report.skipped = report.status = bot.status
        return True
    return False


class _Pass:
    """One look and what follows from it; run again while it changes what the next look would see."""

    def __init__(
        self,
        bot: Bot,
        store: TickStore,
        exchange: Exchange,
        clock: Callable[[], int],
        rules: TickRules,
        report: Report,
        full: bool,
    ) -> None:
        self.full = full
        self.bot, self.store, self.exchange = bot, store, exchange
        self.clock, self.rules, self.report = clock, rules, report

    def run(self) -> bool:
        """True if another look is worth it."""
        bot, report = self.bot, self.report
        settled = Settling(bot, self.store, self.exchange, self.clock, self.rules.t_safe_ms, self.full).run()
        price = bot.market.price_ticks(self.exchange.price(bot.symbol))
        before = self._memory()
        bot.cursor, bot.last_price = settled.cursor, price
        events = settled.events + self._reduce(settled)
        events += decide.begin(bot, price) + decide.obey(bot)
        # A grid moves before its stops are looked at: they move with it.
        events += decide.trail(bot, price, self.rules.trailing) + decide.check_stops(bot, price)
        events += decide.check_loss(bot, price, self.clock())
        rules = self.rules
        events += strategise(bot, price, self.clock(), settled.live, rules.brain, rules.trailing.market)
        acting = Acting(bot, self.store, self.exchange, self.clock, self.rules.close_age_ms)
        extra = [order for order in settled.live if DUPLICATE in order.client_id]
        normal = [order for order in settled.live if DUPLICATE not in order.client_id]
        intents = decide.wanted(bot, price, settled.live)
        changes = acting.plan(intents, normal, price)
        events += acting.events
        changes.cancel += [order for order in extra if order.status == OPEN]
        touched: dict[int, Order] = settled.changed | {id(o): o for o in acting.new + changes.drop}
        if touched or settled.fills or events or acting.carried or before != self._memory():
            self.store.commit(bot, touched.values(), settled.fills, events)
        report.events += events
        report.bought += sum(fill.side == BUY for fill in settled.fills)
        report.sold += sum(fill.side != BUY for fill in settled.fills)
        again = acting.act(changes)
        report.placed, report.canceled = report.placed + acting.placed, report.canceled + acting.canceled
        report.rejected += acting.rejected
        report.unknown = settled.unknown + acting.unknown
        report.unclear = not settled.clear
        report.missing = acting.missing
        # Orders that were never sent end here: the next look sees that none is left.
        return again or (bool(changes.drop) and bot.position is not None and bot.position.phase == REGRIDDING)

    def _memory(self) -> tuple[object, ...]:
        """What of the bot has to be written down even if nothing else happened."""
        bot = self.bot
        phase = bot.position and bot.position.phase
        moments = bot.first_price, bot.day, bot.cursor, bot.decided_ms
        return bot.status, bot.reason, bot.wish, moments, phase, dict(bot.notes)

    def _reduce(self, settled: Settled) -> list[Event]:
        """Apply new fills to the grid."""
        events = []
        position = self.bot.position
        for row in settled.fills:
            if position is None:
                raise Halted(f"execution {row.trade_id} of bot {self.bot.id} came before its plan: look at its orders")
            if not position.apply(trade(self.bot, row)):
                data: dict[str, str | int] = {"client_id": row.client_id, "trade_id": row.trade_id, "lots": row.lots}
                events.append(Event("critical", "filled_beyond_order", data))
        return events
