"""Bots and orders as rows and back, exactly."""

import json
from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from psycopg.types.json import Jsonb

from autogrid.core.bot import Bot, Limits, Note, Order
from autogrid.core.codec import pack_plain, pack_plan, pack_position, unpack_plan, unpack_position
from autogrid.core.decision import UNDECIDED
from autogrid.core.grid import Grid
from autogrid.core.ledger import MICRO, Exact
from autogrid.core.market import Market
from autogrid.core.orders import Key
from autogrid.store.coverage import to_ms

#: Statuses in which nothing happens until a person wishes something.
FINAL = ("stopped", "halted")
#: Columns that never change once a bot was created.
FIXED = (
    "id, tag, name, account_id, symbol, market, strategy, params, cash, slippage_ticks, code_hash, limits, "
    '"window", wish, version'
)
#: Columns that a tick writes: those that changed.
STATE = (
    "status, reason, generation, plan, position, first_price, last_price, cursor, notes, attempts, sent_ms, "
    "day, day_equity, reserved_quote, reserved_base, grid, decided_ms"
)
ORDER = "id, kind, cell, cycle, attempt, side, price, lots, client_id, status, exchange_id, filled, sent_at, reason"
_UNDECIDED = pack_plain(UNDECIDED)
_JSON = frozenset(("grid", "plan", "position", "notes", "attempts", "sent_ms"))


def text_of(value: str) -> str:
    """What PostgreSQL can keep of a text from outside: no NUL, no half surrogates."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()


def dumps(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"))


def unpack_market(packed: dict[str, Any]) -> Market:
    """The inverse of `pack_plain` for a market."""
    return Market(**packed)


def unpack_grid(packed: dict[str, Any]) -> Grid:
    """The inverse of `pack_plain` for a grid."""
    return Grid(**packed)


def is_decided(packed: dict[str, Any]) -> bool:
    """Whether a bot's packed grid is one to work: its strategy may not have decided one yet."""
    return packed != _UNDECIDED


def pack_limits(limits: Limits) -> dict[str, Any]:
    """Limits with money as text; None is kept, since it switches a limit off."""
    names = Limits.__dataclass_fields__
    values = {name: getattr(limits, name) for name in names}
    return {name: str(x) if isinstance(x, Decimal) else x for name, x in values.items()}


def unpack_limits(packed: dict[str, Any]) -> Limits:
    """The inverse of `pack_limits`."""
    values: dict[str, Any] = {name: Decimal(x) if isinstance(x, str) else x for name, x in packed.items()}
    return Limits(**values)


def bot_of(row: dict[str, Any]) -> Bot:
    """A bot from its row of FIXED and STATE columns."""
    market, grid = unpack_market(row["market"]), unpack_grid(row["grid"])
    position = None
    if row["position"] is not None:
        position = unpack_position(row["position"], unpack_plan(row["plan"], grid, market))
    same = (
        *("id", "tag", "name", "account_id", "symbol", "cash", "slippage_ticks", "code_hash", "window", "wish"),
        *("strategy", "params"),
    )
    state = ("status", "reason", "generation", "first_price", "last_price", "cursor", "day", "decided_ms", "version")
    return Bot(
        **{name: row[name] for name in (*same, *state)},
        market=market,
        grid=grid,
        limits=unpack_limits(row["limits"]),
        position=position,
        notes={(kind, cell): Note(*rest) for kind, cell, *rest in row["notes"]},
        attempts={(kind, cell): (cycle, made) for kind, cell, cycle, made in row["attempts"]},
        sent_ms=list(row["sent_ms"]),
        day_equity=market.atoms(row["day_equity"]),
    )


def state_of(bot: Bot) -> dict[str, Any]:
    """The STATE columns of a bot, without those of which it does not know."""
    state: dict[str, Any] = {
        "status": bot.status,
        "reason": None if bot.reason is None else text_of(bot.reason),
        "generation": bot.generation,
        "first_price": bot.first_price,
        "last_price": bot.last_price,
        "cursor": bot.cursor,
        "notes": _notes(bot),
        "attempts": [[*key, *value] for key, value in bot.attempts.items()],
        "sent_ms": list(bot.sent_ms),
        "day": bot.day,
        "day_equity": bot.market.money(bot.day_equity),
        "plan": None,
        "position": None,
    }
    if bot.strategy is not None:
        state["grid"], state["decided_ms"] = pack_plain(bot.grid), bot.decided_ms
    if bot.position is not None:
        books = bot.position.books
        state["plan"], state["position"] = pack_plan(bot.position.plan), pack_position(bot.position)
        state["reserved_quote"] = max(money(bot.market, books.cash), Decimal(0))
        state["reserved_base"] = max(base(bot.market, books.base_micro), Decimal(0))
    if bot.status == "stopped":
        state["reserved_quote"] = state["reserved_base"] = Decimal(0)
    return state


def state_of_look(bot: Bot, stored: dict[str, Any]) -> dict[str, Any]:
    """Those of a bot's columns that a look may change without a commit: the price, and reasons that have gone."""
    look = {
        "status": bot.status,
        "reason": None if bot.reason is None else text_of(bot.reason),
        "notes": _notes(bot),
    }
    return {"last_price": bot.last_price, **changed(stored, look)}


def _notes(bot: Bot) -> list[list[Any]]:
    return [[*key, text_of(note.reason), note.until_ms, note.tries] for key, note in bot.notes.items()]


def changed(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Columns of `now` that differ from `before`."""
    return {name: value for name, value in now.items() if name not in before or before[name] != value}


def parameters(columns: dict[str, Any]) -> dict[str, Any]:
    """Column values as the driver takes them."""
    return {
        name: Jsonb(value, dumps=dumps) if name in _JSON and value is not None else value
        for name, value in columns.items()
    }


def order_of(row: Sequence[Any]) -> Order:
    """An order from its ORDER columns."""
    id_, kind, cell, cycle, attempt, side, price, lots, client_id, status, exchange_id, filled, sent, reason = row
    return Order(
        Key(kind, cell, cycle),
        attempt,
        side,
        price,
        lots,
        client_id,
        status,
        id_,
        exchange_id,
        filled,
        0 if sent is None else to_ms(sent),
        reason,
    )


def equity_of(bot: Bot) -> dict[str, Decimal] | None:
    """What the bot is worth at its last price, in quote; None before it has a position."""
    if bot.position is None or bot.last_price is None:
        return None
    books = bot.position.books
    cash, held = money(bot.market, books.cash), base(bot.market, books.base_micro)
    price = bot.market.price(bot.last_price)
    return {"equity": cash + held * price, "cash": cash, "base": held, "price": price}


def money(market: Market, atoms: Exact) -> Decimal:
    """Atoms as quote money, fractions of an atom to 60 digits."""
    return _times(market.atom, Fraction(atoms))


def base(market: Market, micro: Exact) -> Decimal:
    """Millionths of a lot as base, to 60 digits."""
    return _times(market.lot, Fraction(micro) / MICRO)


def _times(unit: Decimal, value: Fraction) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return unit * value.numerator / value.denominator
