"""From wanted orders to requests: diff, risk, client ids, and what each answer means (write-ahead on every step)."""

from collections.abc import Callable

from autogrid.core.bot import CANCELLING, DONE, OPEN, PLANNED, SENT, Bot, Event, Note, Order
from autogrid.core.diff import Changes, diff
from autogrid.core.ledger import MICRO
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, KINDS, REGRID, START, Intent, OrderName, client_id, next_slice
from autogrid.core.risk import Exposure, refusal
from autogrid.errors import AccountBlocked, OutcomeUnknown, Rejected, RetryLater
from autogrid.exchange import port
from autogrid.exchange.port import Exchange
from autogrid.live.close import KnownClose, known_close
from autogrid.live.decide import halt
from autogrid.live.ports import TickStore
from autogrid.live.units import new_order

MINUTE_MS = 60_000
#: Oldest close that the price of a market order is compared with.
CLOSE_AGE_MS = 600_000
#: Pause before an order is tried again after it was refused: doubled with each refusal, up to the longest.
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 1_000, 300_000
#: Reasons that go away by themselves are looked at again sooner.
LONGEST_BY_REASON = {"insufficient_funds": 20_000, "would_cross": 10_000}
#: So often in a row a start or stop order is refused by the market's filters before a person is asked.
HOPELESS = 5


class Acting:
    """One pass's requests."""

    def __init__(
        self,
        bot: Bot,
        store: TickStore,
        exchange: Exchange,
        clock: Callable[[], int],
        close_age_ms: int = CLOSE_AGE_MS,
    ) -> None:
        self.bot, self.store, self.exchange, self.clock = bot, store, exchange, clock
        self.close_age_ms = close_age_ms
        self.new: list[Order] = []
        #: To be committed with what `plan` found.
        self.events: list[Event] = []
        self.carried = False
        #: Places for which an order is wanted: one that is cancelled there makes room for another.
        self._awaited: set[tuple[int, int]] = set()
        self.placed = self.canceled = self.rejected = self.unknown = self.missing = 0

    def plan(self, intents: list[Intent] | None, live: list[Order], price: int) -> Changes:
        """What to do; orders that risk allows become rows in `new`, reasons of refused ones become notes."""
        if intents is None:
            return Changes()
        self._awaited = {intent.key[:2] for intent in intents}
        changes = diff(intents, live)
        for order in changes.drop:
            order.status, order.reason = DONE, "dropped before it was sent"
        sliced = False
        if changes.place:
            exposure = self._exposure(changes, live, price)
            for intent in changes.place:
                if not self._carried(intent) and self._allowed(intent, exposure):
                    self._tell_unchecked(intent, exposure)
                    part = self._slice(intent, price)
                    sliced |= part is not intent
                    self.new.append(self._row(part))
        changes.send += self.new
        self.missing = len(changes.place) - len(self.new) + sliced
        return changes

    def _tell_unchecked(self, intent: Intent, exposure: Exposure) -> None:
        """That a market order goes without a close to compare its price with is said once."""
        bot, at = self.bot, intent.key[:2]
        if intent.key.kind != GRID and exposure.close is None and exposure.close_said and at not in bot.attempts:
            self.events.append(Event("info", "price_not_checked", {"reason": exposure.close_said}))

    def _slice(self, intent: Intent, price: int) -> Intent:
        """What of a start or stop order the exchange takes at once: the rest is wanted at the next look."""
        if intent.key.kind == GRID:
            return intent
        lots = next_slice(intent.lots, self.exchange.rules(self.bot.symbol).max_market_lots(price))
        return intent if lots == intent.lots else intent._replace(lots=lots)

    def _exposure(self, changes: Changes, live: list[Order], price: int) -> Exposure:
        bot, now = self.bot, self.clock()
        bot.sent_ms = [at for at in bot.sent_ms if at > now - MINUTE_MS]
        resting = sum(o.price * (o.lots - o.filled) for o in live if o.side == BUY)
        base = 0 if bot.position is None else int(bot.position.books.base_micro // MICRO) * price
        taking = any(intent.key.kind != GRID for intent in changes.place)
        close = KnownClose(None, "")
        if taking and bot.limits.max_price_deviation is not None:
            close = known_close(bot, self.store, self.exchange, now, self.close_age_ms)
        return Exposure(len(live), resting + base, len(bot.sent_ms), price, close.ticks, close.said)

    def _allowed(self, intent: Intent, exposure: Exposure) -> bool:
        at = intent.key[:2]
        note = self.bot.notes.get(at)
        now = self.clock()
        if note is not None and note.until_ms > now:
            return False
        reason = refusal(self.bot, intent, exposure)
        if reason is None:
            return True
        self.bot.notes[at] = Note(f"risk: {reason}", now + FIRST_PAUSE_MS, 0)
        return False

    def _carried(self, intent: Intent) -> bool:
        """A rest too small to be ordered becomes dust; what the cell wants then is seen at the next look."""
        position = self.bot.position
        small = intent.lots * intent.price < self.bot.market.min_notional_atoms
        if not small or position is None or intent.key.kind != GRID:
            return False
        position.carry(intent.key.cell)
        self.carried = True
        return True

    def _row(self, intent: Intent) -> Order:
        bot, key = self.bot, intent.key
        cycle, made = bot.attempts.get(key[:2], (key.cycle, 0))
        attempt = made if cycle == key.cycle else 0
        bot.attempts[key[:2]] = (key.cycle, attempt + 1)
        name = OrderName(bot.tag, bot.id, bot.generation, key, attempt)
        if bot.limits.max_orders_per_minute is not None:
            bot.sent_ms.append(self.clock())
        return Order(key, attempt, intent.side, intent.price, intent.lots, client_id(name))

    def act(self, changes: Changes) -> bool:
        """Send it: cancels first, they free money and lower risk. True if another look is worth it now."""
        again = self.carried
        stopping = not self._awaited
        for order in changes.cancel:
            again |= self._cancel(order) and (stopping or order.key[:2] in self._awaited)
        if changes.send and not self._fits():
            return False
        for order in changes.send:
            if order.status == PLANNED:
                again |= self._send(order)
                if order.status == SENT:
                    break  # the exchange does not answer: hanging on each further order would cost the tick
        return again

    def _fits(self) -> bool:
        """False, and the bot halted, where the rules known now would round its prices or amounts to others."""
        if _still_valid(self.bot.market, self.exchange.rules(self.bot.symbol)):
            return True
        events = self._reload_rules()
        if events:
            self.store.commit(self.bot, (), events=events)
        return not events

    def _cancel(self, order: Order) -> bool:
        order.status = CANCELLING
        self.store.update(order)
        try:
            self.exchange.cancel(self.bot.symbol, order.client_id.partition("#")[0], order.exchange_id)
        except OutcomeUnknown:
            self.unknown += 1
            # Cancelling twice is harmless: the next tick tries again if it still rests.
            order.status = OPEN
            self.store.update(order)
            return False
        except Rejected:
            # It raced with a fill or is gone: only a look-up tells.
            return True
        except (RetryLater, AccountBlocked):
            order.status = OPEN
            self.store.update(order)
            raise
        self.canceled += 1
        return True

    def _send(self, order: Order) -> bool:
        order.status, order.sent_at_ms = SENT, self.clock()
        self.store.update(order)
        try:
            there = self.exchange.place(new_order(self.bot, order))
        except OutcomeUnknown:
            self.unknown += 1
            return False
        except Rejected as error:
            return self._refused(order, error)
        except RetryLater:
            # An account that is blocked is different: its answer may come from a gate in front of the exchange,
            # so the order stays as sent and is looked up before it is ever sent again.
            order.status = PLANNED
            self.store.update(order)
            raise
        order.exchange_id, order.status = there.exchange_id, OPEN
        self.store.update(order)
        self.placed += 1
        self.bot.notes.pop(order.key[:2], None)
        return order.is_market or there.status != port.OPEN

    def _refused(self, order: Order, error: Rejected) -> bool:
        """A definite no: the cell waits, with a reason. A duplicate is our own order: look it up."""
        if error.reason == "duplicate":
            return True
        bot, now, at = self.bot, self.clock(), order.key[:2]
        self.rejected += 1
        before = bot.notes.get(at)
        reason = f"{error.reason}: {error}"
        other = before is not None and error.reason == "filter" and not before.reason.startswith("filter")
        tries = 1 if before is None or other else before.tries + 1
        pause = min(FIRST_PAUSE_MS << min(tries - 1, 20), LONGEST_BY_REASON.get(error.reason, LONGEST_PAUSE_MS))
        bot.notes[at] = Note(reason, now + pause, tries)
        order.status, order.reason = DONE, f"rejected: {error.reason}"
        level = "critical" if error.reason == "halted" else "warning"
        events = []
        if before is None or not before.reason.startswith(error.reason):  # it is said once, not at every try
            events.append(Event(level, "order_rejected", {"client_id": order.client_id, "reason": str(error)}))
        if error.reason == "halted":
            events += halt(bot, f"the market does not trade: {error}")
        elif error.reason == "filter":
            events += self._reload_rules() or self._hopeless(order, error, tries)
        self.store.commit(bot, [order], events=events)
        return False

    def _reload_rules(self) -> list[Event]:
        """Tick or lot may have changed: a grid made for other units cannot go on."""
        rules = self.exchange.rules(self.bot.symbol, fresh=True)
        mine = self.bot.market
        if _still_valid(mine, rules):
            return []
        return halt(
            self.bot,
            f"the market's rules changed to tick {rules.tick}, lot {rules.lot} (the grid was made for {mine.tick}, "
            f"{mine.lot}): stop this bot and promote the study with the new rules",
        )

    def _hopeless(self, order: Order, error: Rejected, tries: int) -> list[Event]:
        """A start order that the filters refuse again and again never comes to be; base to be sold needs a person."""
        if not order.is_market or tries < HOPELESS:
            return []
        what = f"the {KINDS[order.key.kind]} order of {self.bot.market.amount(order.lots):f} was refused {tries} times"
        if order.key.kind in (START, REGRID):
            return halt(self.bot, f"{what}: {error}; stop this bot and promote the study with amounts that fit")
        data = {"client_id": order.client_id, "reason": f"{what}: {error}; sell the base by hand or kill the bot"}
        return [Event("critical", "order_stuck", {**data})] if tries == HOPELESS else []


def _still_valid(mine: Market, rules: Market) -> bool:
    """Whether every price and amount of a grid made for `mine` is one of `rules`: the same units, or finer ones."""
    return rules is mine or (mine.tick % rules.tick == 0 and mine.lot % rules.lot == 0)
