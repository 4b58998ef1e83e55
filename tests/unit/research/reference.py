"""A grid bot written from the text of CONTRACT.md alone, sharing no code with the package.

Every cell is an order of its own, money is `Fraction`, nothing is fast: what the package must agree with.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from itertools import product
from typing import Any

WIDE = Context(prec=100)


class Refused(Exception):
    """The contract calls this InvalidInput."""


def half_even(value: Fraction) -> int:
    return round(value)


def levels_of(params: dict[str, Any], tick: Fraction) -> list[int]:
    lower, upper, n = Fraction(params["lower"]), Fraction(params["upper"]), int(params["cells"])
    if params.get("spacing", "arithmetic") == "arithmetic":
        found = [half_even((lower + i * (upper - lower) / n) / tick) for i in range(n + 1)]
    else:
        low, high = Decimal(params["lower"]), Decimal(params["upper"])
        found = [half_even(lower / tick)]
        for i in range(1, n):
            power = WIDE.power(WIDE.divide(high, low), WIDE.divide(Decimal(i), Decimal(n)))
            in_ticks = WIDE.divide(WIDE.multiply(WIDE.multiply(low, power), tick.denominator), tick.numerator)
            found.append(int(in_ticks.to_integral_value(ROUND_HALF_EVEN, WIDE)))
        found.append(half_even(upper / tick))
    if len(set(found)) < n + 1:
        raise Refused("levels collide")
    return found


def level_at(params: dict[str, Any], tick: Fraction, i: int, lowest: str = "") -> int:
    """Section 9: the formula goes on for any i; `lowest` in the place of the lower end moves a stop."""
    lower, upper, n = Fraction(params["lower"]), Fraction(params["upper"]), int(params["cells"])
    start = Fraction(lowest) if lowest else lower
    if params.get("spacing", "arithmetic") == "arithmetic":
        return half_even((start + i * (upper - lower) / n) / tick)
    whole, part = divmod(i, n)
    exact = start * (upper / lower) ** whole / tick
    if part == 0:
        return half_even(exact)
    ratio = WIDE.power(WIDE.divide(Decimal(params["upper"]), Decimal(params["lower"])), WIDE.divide(part, n))
    value = WIDE.divide(WIDE.multiply(Decimal(exact.numerator), ratio), Decimal(exact.denominator))
    return int(value.to_integral_value(ROUND_HALF_EVEN, WIDE))


@dataclass
class Rules:
    tick: Fraction
    lot: Fraction
    least: Fraction
    maker: int
    taker: int
    base_fee: bool

    @staticmethod
    def of(market: dict[str, str]) -> "Rules":
        return Rules(
            Fraction(market["tick"]), Fraction(market["lot"]), Fraction(market.get("min_notional", "0")),
            int(Fraction(market.get("maker_fee", "0")) * 10**6), int(Fraction(market.get("taker_fee", "0")) * 10**6),
            market.get("buy_fee_asset") == "base",
        )  # fmt: skip

    def gross(self, lots: int, ppm: int) -> int:
        return -((-lots * 10**6) // (10**6 - ppm)) if self.base_fee else lots

    def paid(self, price: int, lots: int, ppm: int) -> int:
        """Atoms a buy of `lots` that must arrive costs."""
        notional = price * self.gross(lots, ppm)
        return notional if self.base_fee else notional + (notional * ppm + 500_000) // 10**6


@dataclass
class Bot:
    rules: Rules
    params: dict[str, Any]
    levels: dict[int, int]
    lots: dict[int, int]
    trigger: int
    empty: int
    cash: int
    slippage: int
    penetration: int
    stop_loss: int | None
    take_profit: int | None
    keep: bool
    #: cell -> ("buy" or "sell"); no entry: not started or stopped.
    orders: dict[int, str] = field(default_factory=dict)
    base: Fraction = Fraction(0)
    fees: int = 0
    realised: int = 0
    basis: dict[int, int] = field(default_factory=dict)
    round_trips: int = 0
    started: bool = False
    stopped: str | None = None
    fills: list[tuple[Any, ...]] = field(default_factory=list)
    ts: int = 0
    #: Section 9: by how many levels the window has moved, and whether a move was ever not paid for.
    moved: int = 0
    short: bool = False

    def trade(self, kind: str, cell: int, side: str, price: int, lots: int) -> None:
        ppm = self.rules.maker if kind == "grid" else self.rules.taker
        if side == "buy" and self.rules.base_fee:
            fee: Fraction = lots * Fraction(ppm, 10**6) * self.rules.lot
            asset = "base"
            self.base += lots - lots * Fraction(ppm, 10**6)
            self.cash -= price * lots
        else:
            atoms = (price * lots * ppm + 500_000) // 10**6
            fee, asset = atoms * self.rules.tick * self.rules.lot, "quote"
            self.fees += atoms
            self.cash += (price * lots if side == "sell" else -price * lots) - atoms
            self.base += lots if side == "buy" else -lots
        tick, lot = self.rules.tick, self.rules.lot
        self.fills.append((self.ts, kind, cell, side, price * tick, lots * lot, fee, asset))

    def start(self) -> None:
        self.started = True
        n = len(self.lots)
        held = sum(self.lots[cell] for cell in range(self.empty, n))
        price = self.trigger + self.slippage
        if held:
            self.trade("start", -1, "buy", price, self.rules.gross(held, self.rules.taker))
        for cell in range(n):
            self.orders[cell] = "buy" if cell < self.empty else "sell"
            if cell >= self.empty:
                self.basis[cell] = price
        while self.shift(self.trigger):
            pass

    def leg(self, before: int, y: int, gap: bool) -> None:
        if self.stopped:
            return
        if not self.started:
            if not min(before, y) <= self.trigger <= max(before, y):
                return
            self.start()
        while True:
            stop = None
            if self.stop_loss is not None and y <= self.stop_loss:
                stop = ("stop_loss", self.stop_loss)
            if self.take_profit is not None and y >= self.take_profit:
                stop = ("take_profit", self.take_profit)
            self.fill_to(y if stop is None else stop[1])
            if not self.shift(y if stop is None else stop[1]):
                break
        if stop is not None:
            self.stopped = stop[0]
            self.orders.clear()
            whole = self.base.__floor__()
            if not self.keep and whole:
                price = (y if gap else stop[1]) - self.slippage
                self.trade("stop", -1, "sell", price, whole)
                self.realised += sum((price - basis) * self.lots[cell] for cell, basis in self.basis.items())
                self.basis.clear()

    def shift(self, y: int) -> bool:
        """One level up or down, without a trade."""
        trailing, cells = self.params.get("trailing", ""), sorted(self.orders)
        sides = set(self.orders.values())
        if trailing in ("up", "both") and sides == {"buy"}:
            new, level = cells[-1] + 1, self.level(cells[-1] + 2)
            lots = self.lots[cells[0]]
            if "quote" in self.params:
                lots = (
                    Fraction(self.params["quote"]) / (self.levels[new] * self.rules.tick) / self.rules.lot
                ).__floor__()
            if y >= level + self.penetration and good(self.rules, self.levels[new], level, lots):
                kept = sum(self.rules.paid(self.levels[c], self.lots[c], self.rules.maker) for c in cells[1:])
                if kept + self.rules.paid(self.levels[new], lots, self.rules.maker) > self.cash:
                    self.short = True
                    return False
                del self.orders[cells[0]], self.lots[cells[0]]
                self.orders[new], self.lots[new], self.levels[new + 1] = "buy", lots, level
                return self.move(1)
        if trailing in ("down", "both") and sides == {"sell"}:
            new, top, level = cells[0] - 1, cells[-1], self.level(cells[0] - 1)
            stop = self.moved_stop("stop_loss", -1)
            if y <= level - self.penetration and good(self.rules, level, self.levels[new + 1], self.lots[top]):
                if stop is not None and stop < 1:
                    return False
                self.levels[new] = level
                for held in (self.orders, self.lots, self.basis):
                    held[new] = held.pop(top)  # type: ignore[attr-defined]
                return self.move(-1)
        return False

    def level(self, i: int) -> int:
        return level_at(self.params, self.rules.tick, i)

    def moved_stop(self, name: str, by: int) -> int | None:
        if name not in self.params:
            return None
        if self.params.get("stop_fixed"):
            return getattr(self, name)
        return level_at(self.params, self.rules.tick, self.moved + by, self.params[name])

    def move(self, by: int) -> bool:
        self.stop_loss, self.take_profit = self.moved_stop("stop_loss", by), self.moved_stop("take_profit", by)
        self.moved += by
        return True

    def fill_to(self, y: int) -> None:
        while True:
            down = [c for c, side in self.orders.items() if side == "buy" and y <= self.levels[c] - self.penetration]
            up = [c for c, side in self.orders.items() if side == "sell" and y >= self.levels[c + 1] + self.penetration]
            # An order rests at every level but one: a cell that has just turned waits behind its neighbour.
            down = [c for c in down if self.orders.get(c + 1) != "buy"]
            up = [c for c in up if self.orders.get(c - 1) != "sell"]
            if down:
                cell = down[0]
                self.orders[cell], self.basis[cell] = "sell", self.levels[cell]
                lots = self.rules.gross(self.lots[cell], self.rules.maker)
                self.trade("grid", cell, "buy", self.levels[cell], lots)
            elif up:
                cell = up[0]
                self.orders[cell] = "buy"
                self.trade("grid", cell, "sell", self.levels[cell + 1], self.lots[cell])
                self.realised += (self.levels[cell + 1] - self.basis.pop(cell)) * self.lots[cell]
                self.round_trips += 1
            else:
                return

    def candle(self, ts: int, candle: tuple[int, int, int, int], last: int | None, order: str) -> None:
        self.ts = ts
        o, h, low, c = candle
        up, down = h - o, o - low
        first = order == "low_first" or (order == "nearest" and (down < up or (down == up and c >= o)))
        before = o if last is None else last
        for k, y in enumerate((o, low, h, c) if first else (o, h, low, c)):
            self.leg(before, y, gap=k == 0)
            before = y

    def equity(self, close: int) -> Fraction:
        return self.cash + self.base * close


def good(rules: Rules, low: int, high: int, lots: int) -> bool:
    """Whether the contract lets a cell be."""
    if low < 1 or lots < 1 or low * lots * rules.tick * rules.lot < rules.least:
        return False
    revenue = high * lots
    return revenue - (revenue * rules.maker + 500_000) // 10**6 > rules.paid(low, lots, rules.maker)


def amounts(params: dict[str, Any], rules: Rules, levels: list[int], empty: int, price: int) -> list[int]:
    n, atom = len(levels) - 1, rules.tick * rules.lot
    if "amount" in params:
        return [(Fraction(params["amount"]) / rules.lot).__floor__()] * n
    if "quote" in params:
        return [(Fraction(params["quote"]) / (level * rules.tick) / rules.lot).__floor__() for level in levels[:n]]
    budget, lots = Fraction(params["investment"]) / atom, 0
    while cost(rules, levels, [lots + 1] * n, empty, price) <= budget:
        lots += 1
    return [lots] * n


def cost(rules: Rules, levels: list[int], lots: list[int], empty: int, price: int) -> int:
    held = sum(lots[empty:])
    total = rules.paid(price, held, rules.taker) if held else 0
    return total + sum(rules.paid(levels[i], lots[i], rules.maker) for i in range(empty))


def bot_of(market: dict[str, str], params: dict[str, Any], simulation: dict[str, Any], first_open: int) -> Bot:
    rules = Rules.of(market)
    levels = levels_of(params, rules.tick)
    slippage = simulation.get("slippage_ticks", 0)

    def ticks(name: str) -> int | None:
        return half_even(Fraction(params[name]) / rules.tick) if name in params else None

    start = ticks("trigger")
    start = first_open if start is None else start
    loss, profit = ticks("stop_loss"), ticks("take_profit")
    if (loss is not None and start <= loss) or (profit is not None and start >= profit):
        raise Refused("start beyond a stop")
    empty = min(range(len(levels)), key=lambda i: (abs(levels[i] - start), i))
    lots = amounts(params, rules, levels, empty, start + slippage)
    for i, x in enumerate(lots):
        if x < 1 or levels[i] * x * rules.tick * rules.lot < rules.least:
            raise Refused("too small")
        revenue = levels[i + 1] * x
        if revenue - (revenue * rules.maker + 500_000) // 10**6 <= rules.paid(levels[i], x, rules.maker):
            raise Refused("does not earn")
    needed = cost(rules, levels, lots, empty, start + slippage)
    given = simulation.get("cash", params.get("investment"))
    cash = needed if given is None else (Fraction(given) / (rules.tick * rules.lot)).__floor__()
    if cash < needed:
        raise Refused("cash")
    return Bot(
        rules, params, dict(enumerate(levels)), dict(enumerate(lots)), start, empty, cash, slippage,
        simulation.get("penetration_ticks", 1),
        loss, profit, params.get("stop_action") == "keep",
    )  # fmt: skip


Candles = list[tuple[int, int, int, int, int]]


def consistent(candles: list[tuple[Any, ...]], tick: Fraction) -> Candles:
    """Rows (ts, open, high, low, close) of decimal text -> consistent ticks."""
    found = []
    for ts, *prices in candles:
        o, h, low, c = (half_even(Fraction(str(x)) / tick) for x in prices)
        found.append((ts, o, max(h, o, c), min(low, o, c), c))
    return found


def run(bot: Bot, candles: Candles, orders: list[str]) -> Bot:
    last = None
    for (ts, *candle), order in zip(candles, orders, strict=True):
        bot.candle(ts, tuple(candle), last, order)  # type: ignore[arg-type]
        last = candle[3]
    return bot


def backtest(market: dict[str, str], params: dict[str, Any], simulation: dict[str, Any], rows: list[Any]) -> Any:
    """The JSON object of section 8, with Fractions instead of text, and the fills."""
    candles = consistent(rows, Fraction(market["tick"]))
    fresh = bot_of(market, params, simulation, candles[0][1])
    bot = run(deepcopy(fresh), candles, [simulation.get("path", "nearest")] * len(candles))
    close, tick, lot = candles[-1][4], bot.rules.tick, bot.rules.lot
    atom, equity = tick * lot, bot.equity(close)
    found = {
        "levels": [x * tick for x in fresh.levels.values()],
        "amounts": [x * lot for x in fresh.lots.values()],
        "empty_level": bot.empty,
        "start_price": bot.trigger * tick,
        "fills": len(bot.fills),
        "round_trips": bot.round_trips,
        "cash": bot.cash * atom,
        "base": bot.base * lot,
        "fees": bot.fees * atom,
        "equity": equity * atom,
        "realised": bot.realised * atom,
        "unrealised": (equity - fresh.cash - bot.realised + bot.fees) * atom,
        "stopped": bot.stopped,
    }
    if len(candles) <= 6:
        orders = product(("low_first", "high_first"), repeat=len(candles))
        bots = [run(deepcopy(fresh), candles, list(order)) for order in orders]
        finals = [each.equity(close) * atom for each in bots]
        # Where a move is not paid for on some path the band is not exact.
        if not any(each.short for each in bots):
            found["bounds"] = {"worst": min(finals), "best": max(finals)}
    return found, bot.fills
