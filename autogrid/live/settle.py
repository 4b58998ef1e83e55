"""What the exchange says, brought into our rows: acknowledgements, executions, ends. Absence alone changes nothing.

Open orders are read before executions: fills only ever grow, so this order can be late but never wrong.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from autogrid.core.bot import CANCELLING, DONE, OPEN, PLANNED, SENT, Bot, Event, FillRow, Note, Order
from autogrid.core.orders import BUY, SELL, parse_client_id
from autogrid.exchange import port
from autogrid.exchange.port import Exchange, ExchangeOrder, Execution
from autogrid.live.ports import TickStore
from autogrid.live.units import fill_row

#: Marks the client id of a second exchange order under one id: it is cancelled by its exchange id.
DUPLICATE = "#"
#: (account, exchange id) of orders known to be somebody else's; bounded.
_foreign: dict[tuple[int, str], None] = {}
_FOREIGN_MAX = 10_000


@dataclass
class Settled:
    """What one look at the exchange brought."""

    live: list[Order]
    changed: dict[int, Order] = field(default_factory=dict)
    fills: list[FillRow] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    cursor: str = ""
    #: Orders whose outcome is still unknown, and resting orders of ours nobody had written down.
    unknown: int = 0
    #: False: nobody knows yet whose an execution is; the cursor stays before it.
    clear: bool = True


class Settling:
    """One pass over one bot's orders."""

    def __init__(
        self,
        bot: Bot,
        store: TickStore,
        exchange: Exchange,
        clock: Callable[[], int],
        t_safe_ms: int,
        full: bool = True,
    ) -> None:
        """`full` reads executions even where nothing hints at one."""
        self.full = full
        self.bot, self.store, self.exchange = bot, store, exchange
        self.clock, self.t_safe_ms = clock, t_safe_ms
        self.out = Settled(store.live_orders(bot.id))
        self._seen: set[tuple[str, str]] = set()

    def run(self) -> Settled:
        """Read, acknowledge, book, and settle what has vanished."""
        out, symbol = self.out, self.bot.symbol
        resting = self.exchange.open_orders(symbol)
        by_client = self._acknowledge(resting)
        out.cursor = self.bot.cursor
        if self.full or self._moved(by_client):
            page = self.exchange.executions_since(symbol, self.bot.cursor)
            out.clear = self._book_page(page.executions)
            if out.clear:
                out.cursor = page.cursor
        for order in list(out.live):
            if order.status == PLANNED or self._complete(order):
                continue
            found = by_client.get(order.client_id)
            if found is None:
                self._vanished(order)
            else:
                self._repair(order, found)
        out.live = [order for order in out.live if order.status != DONE]
        out.unknown += sum(order.status == SENT for order in out.live)
        return out

    def _moved(self, by_client: dict[str, ExchangeOrder]) -> bool:
        """Whether there may be executions to read: it is the dearest of reads, so a quiet bot does without."""
        if not self.bot.cursor or self.out.changed:
            return True
        for order in self.out.live:
            found = by_client.get(order.client_id)
            if order.status != PLANNED and (found is None or self.bot.market.lots(found.filled) != order.filled):
                return True
        return False

    def _touch(self, order: Order) -> None:
        self.out.changed[id(order)] = order

    def _event(self, level: str, name: str, order: Order, **data: str | int) -> None:
        self.out.events.append(Event(level, name, {"client_id": order.client_id, **data}))

    def _acknowledge(self, resting: Iterable[ExchangeOrder]) -> dict[str, ExchangeOrder]:
        """Resting orders of ours by client id; rows that rest become open, strangers under our name are adopted."""
        ours = {order.client_id: order for order in self.out.live}
        by_client: dict[str, ExchangeOrder] = {}
        for there in resting:
            order = ours.get(there.client_id)
            if order is not None and order.exchange_id in (None, there.exchange_id):
                by_client[order.client_id] = there
                if order.exchange_id is None or order.status != OPEN:
                    # A cancel that it has survived is sent again if it is still unwanted.
                    order.exchange_id, order.status = there.exchange_id, OPEN
                    self._touch(order)
                continue
            marked = f"{there.client_id}{DUPLICATE}{there.exchange_id}"
            if marked in ours:
                by_client[marked] = there
            elif self._is_ours(there.client_id):
                by_client[marked] = there
                self._adopt(there, marked)
        return by_client

    def _is_ours(self, client_id: str) -> bool:
        name = parse_client_id(client_id)
        return name is not None and name.tag == self.bot.tag and name.bot == self.bot.id

    def _adopt(self, there: ExchangeOrder, marked: str) -> Order:
        """An exchange order of ours without a row: write it down, so that it is cancelled and booked."""
        name = parse_client_id(there.client_id)
        assert name is not None  # the caller has checked
        market = self.bot.market
        order = Order(
            key=name.key,
            attempt=name.attempt,
            side=BUY if there.side == port.BUY else SELL,
            price=market.price_ticks(there.price) if there.price is not None else 0,
            lots=market.lots(there.amount),
            client_id=marked,
            status=OPEN,
            exchange_id=there.exchange_id,
        )
        self.out.live.append(order)
        self.out.unknown += 1
        self._touch(order)
        self._event("critical", "order_accepted_twice", order, exchange_id=there.exchange_id)
        return order

    def _book_page(self, executions: list[Execution]) -> bool:
        """False if it has to be read again: reads lag, and whose an execution is may not be known yet."""
        rows = {order.exchange_id: order for order in self.out.live if order.exchange_id is not None}
        clear = True
        for execution in executions:
            order = rows.get(execution.exchange_id) or self._owner(execution)
            if order is not None:
                rows[execution.exchange_id] = order
            elif (self.bot.account_id, execution.exchange_id) not in _foreign:
                clear &= self.clock() > execution.ts_ms + self.t_safe_ms
        grouped: dict[int, tuple[Order, list[Execution]]] = {}
        for execution in executions:
            order = rows.get(execution.exchange_id)
            if order is not None:
                grouped.setdefault(id(order), (order, []))[1].append(execution)
        for order, of_order in grouped.values():
            self._book(order, of_order)
        return clear

    def _owner(self, execution: Execution) -> Order | None:
        """The order of an execution no live row is known to own; None for a foreign one, and where nobody knows it."""
        memo = (self.bot.account_id, execution.exchange_id)
        if memo in _foreign:
            return None
        done = self.store.order_with(self.bot.id, execution.exchange_id)
        if done is not None:
            return done
        found = self.exchange.find(self.bot.symbol, "", execution.exchange_id)
        if found is None:
            return None
        if not self._is_ours(found.client_id):
            if len(_foreign) >= _FOREIGN_MAX:
                _foreign.clear()
            _foreign[memo] = None
            return None
        for order in self.out.live:
            if order.client_id == found.client_id and order.exchange_id is None:
                order.exchange_id = found.exchange_id
                order.status = OPEN if order.status in (PLANNED, SENT) else order.status
                self._touch(order)
                return order
        return self._adopt(found, f"{found.client_id}{DUPLICATE}{found.exchange_id}")

    def _book(self, order: Order, executions: Iterable[Execution]) -> None:
        """Write down executions that are not written down yet."""
        fresh = [e for e in executions if (e.exchange_id, e.trade_id) not in self._seen]
        if not fresh:
            return
        known = self.store.known_trades(self.bot.id, [(e.exchange_id, e.trade_id) for e in fresh])
        for execution in fresh:
            name = (execution.exchange_id, execution.trade_id)
            if name in known or name in self._seen:
                continue
            self._seen.add(name)
            row = fill_row(self.bot, order, execution)
            order.filled += row.lots
            self.out.fills.append(row)
            self._touch(order)

    def _complete(self, order: Order) -> bool:
        """All of it is filled and booked: nothing more can happen to it."""
        if order.filled < order.lots:
            return False
        self._end(order, "filled")
        return True

    def _end(self, order: Order, reason: str) -> None:
        order.status, order.reason = DONE, reason
        self._touch(order)

    def _repair(self, order: Order, found: ExchangeOrder) -> None:
        """Executions the cursor has not shown (yet), by order id."""
        if found.filled and self.bot.market.lots(found.filled) > order.filled:
            self._book(order, self.exchange.executions_of(self.bot.symbol, found.exchange_id))

    def _vanished(self, order: Order) -> None:
        """It does not rest, and is not known to be filled: only a look-up settles it."""
        client_id = order.client_id.partition(DUPLICATE)[0]
        found = self.exchange.find(self.bot.symbol, client_id, order.exchange_id)
        if found is None:
            late = self.clock() > order.sent_at_ms + self.t_safe_ms
            if order.status == SENT and late:
                # It cannot arrive any more: the same id may be sent again.
                order.status = PLANNED
                self._touch(order)
            elif order.status in (OPEN, CANCELLING) and late and order.key[:2] not in self.bot.notes:
                self.bot.notes[order.key[:2]] = Note("the exchange does not know the order that it acknowledged", 0, 0)
                self._event("warning", "order_not_found", order)
            return
        if order.exchange_id is None:
            order.exchange_id = found.exchange_id
            order.status = OPEN if order.status == SENT else order.status
            self._touch(order)
        self._repair(order, found)
        if self._complete(order) or found.status == port.OPEN:
            return
        if self.bot.market.lots(found.filled) <= order.filled:
            self._end(order, found.status)
            if order.status == DONE and found.status in (port.EXPIRED, port.REFUSED) and not order.is_market:
                self._event("warning", "order_ended_by_exchange", order, status=found.status)
