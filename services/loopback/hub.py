"""Who hears what: spreads the engine's and the tape's events over the websocket sessions."""

import asyncio
from typing import Any

from services.loopback import events
from services.loopback.account import Account
from services.loopback.bars import INTERVALS
from services.loopback.engine import Listener
from services.loopback.exchange import Exchange
from services.loopback.faults import STREAM
from services.loopback.order import Order, Trade
from services.loopback.rest_market import book_top, day_stats, depth_levels
from services.loopback.sessions import Session
from services.loopback.tape import Print
from services.loopback.units import e8_text

#: Streams that show a state (not an event) are sent so often, seconds.
PULSE_S = 0.1
#: Book levels the depth stream covers.
LEVELS = 1000
Sides = tuple[dict[int, int], dict[int, int]]


class Hub(Listener):
    """All sessions of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.sessions: set[Session] = set()
        self._executions = 0
        self._dirty: set[str] = set()
        self._books: dict[str, Sides] = {}
        #: (session, stream) -> open time of the last candle sent.
        self._candles: dict[tuple[int, str], int] = {}
        exchange.engine.listener = self
        exchange.player.on_print = self.on_print
        exchange.before_depth = self.flush_depth
        exchange.disturb = self.disturb

    def on_order(self, order: Order, what: str, trade: Trade | None) -> None:
        """Tell the owner."""
        self._dirty.add(order.symbol)
        self._executions += 1
        if self.sessions:
            self._tell(order.account, events.execution_report(order, what, trade, self._executions), order)

    def on_balance(self, account: Account, assets: tuple[str, ...]) -> None:
        """Tell the owner."""
        account.update_time = self.exchange.clock.stamp()
        if self.sessions:
            self._tell(account.name, events.account_position(account, assets, account.update_time), None)

    def on_deposit(self, account: Account, asset: str, amount: int) -> None:
        """Tell the owner of money that did not come from trading."""
        self._tell(account.name, events.balance_update(asset, amount, self.exchange.clock.stamp()), None)
        self.on_balance(account, (asset,))

    def _tell(self, account: str, event: events.Event, order: Order | None) -> None:
        facts = {"method": "STREAM", "path": f"user/{event['e']}", "account": account}
        if order is not None:
            facts |= {"symbol": order.symbol, "client": order.client_id}
        for session in list(self.sessions):
            for number, name in session.accounts.items():
                if name == account and self._passes(session, facts):
                    session.push({"subscriptionId": number, "event": event})

    def _passes(self, session: Session, facts: dict[str, str]) -> bool:
        """False where a fault cuts the session at this event; a mute loses this event and what follows."""
        faults = self.exchange.faults
        for rule in faults.fire(facts, STREAM) if faults.rules else []:
            if rule.action == "cut":
                session.cut(hard=rule.reply == "reset")
                return False
            session.mute(rule.seconds)
        return True

    def on_print(self, number: int, item: Print) -> None:
        """A public trade."""
        self._dirty.add(item.symbol)
        name = item.symbol.lower()
        for session in list(self.sessions):
            for stream in (f"{name}@trade", f"{name}@aggTrade"):
                if stream in session.streams:
                    self.send(session, stream, item.symbol, events.trade(number, item, stream.endswith("aggTrade")))

    def send(self, session: Session, stream: str, symbol: str, payload: Any) -> None:
        """An event of a market stream to one session."""
        if self._passes(session, {"method": "STREAM", "path": f"market/{stream}", "symbol": symbol}):
            session.push({"stream": stream, "data": payload} if session.combined else payload)

    def disturb(self, action: str, target: str, account: str | None, seconds: float) -> int:
        """Cut, reset, mute or unmute sessions of a kind ("user", "market", "all") and account; how many."""
        hit = [
            session
            for session in self.sessions
            if target in ("all", session.kind) and (account is None or account in session.accounts.values())
        ]
        for session in hit:
            if action in ("cut", "reset"):
                session.cut(hard=action == "reset")
            else:
                session.mute(seconds if action == "mute" else -1)
        return len(hit)

    async def pulse(self) -> None:
        """Send the streams that show a state, for markets where something happened, until cancelled."""
        while True:
            await asyncio.sleep(PULSE_S)
            dirty, self._dirty = self._dirty, set()
            for symbol in dirty:
                self._pulse(symbol)

    def _pulse(self, symbol: str) -> None:
        name = symbol.lower()
        wanted = [
            (session, stream, stream.partition("@")[2])
            for session in list(self.sessions)
            for stream in session.streams
            if stream.partition("@")[0] in (name, "!ticker", "!miniTicker")
        ]
        made: dict[str, list[Any]] = {}
        for session, stream, kind in wanted:
            whole = stream.startswith("!")
            key = stream.partition("@")[0] if whole else kind
            if kind.startswith("kline_"):
                payloads = self._klines(session, stream, symbol, kind[6:])
            else:
                payloads = made[key] if key in made else made.setdefault(key, self._state(symbol, key))
            for payload in payloads:
                self.send(session, stream, symbol, [payload] if whole else payload)

    def _state(self, symbol: str, kind: str) -> list[Any]:
        market, exchange = self.exchange.engine.markets[symbol], self.exchange
        if kind in ("ticker", "miniTicker", "!ticker", "!miniTicker"):
            return [events.ticker(day_stats(exchange, market), mini="mini" in kind)]
        if kind == "bookTicker":
            top = book_top(exchange, market)
            body = {"b": top["bidPrice"], "B": top["bidQty"], "a": top["askPrice"], "A": top["askQty"]}
            return [{"u": market.depth_id, "s": symbol, **body}]
        if kind.partition("@")[0] == "depth":
            return self._depth(symbol)
        return []

    def _depth(self, symbol: str) -> list[Any]:
        market = self.exchange.engine.markets[symbol]
        before = self._books.get(symbol, ({}, {}))
        now = (
            dict(depth_levels(self.exchange, market, True, LEVELS)),
            dict(depth_levels(self.exchange, market, False, LEVELS)),
        )
        self._books[symbol] = now
        changes = []
        for old, new in zip(before, now, strict=True):
            prices = {price for price in old.keys() | new.keys() if old.get(price) != new.get(price)}
            changes.append([[e8_text(price), e8_text(new.get(price, 0))] for price in sorted(prices)])
        if not any(changes):
            return []
        market.depth_id += 1
        body = {"U": market.depth_id, "u": market.depth_id, "b": changes[0], "a": changes[1]}
        return [{"e": "depthUpdate", "E": self.exchange.clock.server(), "s": symbol, **body}]

    def flush_depth(self, symbol: str) -> None:
        """Bring depth streams of a market up to date."""
        name = symbol.lower()
        wanted = [(s, stream) for s in self.sessions for stream in s.streams if stream.startswith(f"{name}@depth")]
        for payload in self._depth(symbol) if wanted else []:
            for session, stream in wanted:
                self.send(session, stream, symbol, payload)

    def _klines(self, session: Session, stream: str, symbol: str, interval: str) -> list[Any]:
        tape = self.exchange.player.tapes.get(symbol)
        if tape is None or interval not in INTERVALS:
            return []
        bars = tape.bars.between(interval, self._candles.get((id(session), stream)), None, 1)
        if bars and (id(session), stream) in self._candles:
            bars = tape.bars.between(interval, bars[0][0], None, 1000)
        if not bars:
            return []
        self._candles[id(session), stream] = bars[-1][0]
        now = self.exchange.clock.tape()
        return [events.kline(symbol, interval, bar, bar is not bars[-1], now) for bar in bars]

    def forget(self, session: Session) -> None:
        """A session has ended."""
        self.sessions.discard(session)
        for key in [key for key in self._candles if key[0] == id(session)]:
            del self._candles[key]
