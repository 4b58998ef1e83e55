"""An exchange that misbehaves on demand: a script of faults around the simulated one."""

from autogrid.core.bot import Bot, Limits
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.errors import OutcomeUnknown, Rejected
from autogrid.exchange.simulated import Simulated
from autogrid.live.memory import MemoryStore
from autogrid.live.replay import SYMBOL
from autogrid.live.tick import TickRules, tick

MARKET = Market(tick="0.01", lot="0.001", min_notional="1")
LADDER = Grid(lower="90", upper="110", cells=4, amount="1")
T_SAFE = 20_000


def lost_answer(real, *args, **kwargs):
    """The exchange did it; the answer never came."""
    real(*args, **kwargs)
    raise OutcomeUnknown("no answer")


def never_arrived(real, *args, **kwargs):
    raise OutcomeUnknown("no answer")


class Crash(BaseException):
    """The process dies."""


def dies_after(real, *args, **kwargs):
    real(*args, **kwargs)
    raise Crash


def dies_before(real, *args, **kwargs):
    raise Crash


def refused(reason):
    def fault(real, *args, **kwargs):
        raise Rejected(f"{reason} says the exchange", reason)

    return fault


def raises(error):
    def fault(real, *args, **kwargs):
        raise error

    return fault


def answers(value):
    def fault(real, *args, **kwargs):
        return value

    return fault


class Faulty:
    """Passes every call on, except those for which a fault waits in `faults[method]`."""

    def __init__(self, inner):
        self.inner, self.faults, self.sent = inner, {}, []

    def __getattr__(self, name):
        real = getattr(self.inner, name)
        if not callable(real):
            return real

        def call(*args, **kwargs):
            if name == "place":
                self.sent.append(args[0].client_id)
            waiting = self.faults.get(name)
            return waiting.pop(0)(real, *args, **kwargs) if waiting else real(*args, **kwargs)

        return call


class World:
    """One bot, one store, one exchange; `look` is one tick, `market` moves the price."""

    def __init__(self, grid=LADDER, market=MARKET, limits=Limits(), start=True, **account):  # noqa: B008 - frozen
        account = {"quote": 10**9, "last": 10_000, **account}
        self.exchange = Faulty(Simulated(SYMBOL, market, **account))
        self.store = MemoryStore()
        self.bot = Bot(1, "00", "bot", 1, SYMBOL, market, grid, None, 0, code_hash="x", limits=limits)
        self.store.add(self.bot)
        self.now = 0
        if start:
            self.look()

    def look(self):
        return tick(1, self.store, self.exchange, lambda: self.now, TickRules("x", T_SAFE))

    def market(self, price):
        self.exchange.inner.match(price)
        self.exchange.inner.arrive(price)

    def fault(self, method, *faults):
        self.exchange.faults.setdefault(method, []).extend(faults)

    @property
    def resting(self):
        return sorted((o.side, str(o.price)) for o in self.exchange.inner.open_orders(SYMBOL))

    @property
    def names(self):
        return [event.name for event in self.store.events]

    def order_at(self, cell):
        return next(o for o in self.store.live_orders(1) if o.key.cell == cell)


RESTING = [("buy", "90.00"), ("buy", "95.00"), ("sell", "105.00"), ("sell", "110.00")]
