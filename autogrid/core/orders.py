"""What happens to a grid (fills), what it wants (intents), and the names of its orders."""

from typing import NamedTuple

from autogrid.errors import InvalidInput

START, GRID, STOP, REGRID = 0, 1, 2, 3
BUY, SELL = 1, -1

KINDS = ("start", "grid", "stop", "regrid")

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: Fields of a client order id after the leading "g" and the two characters of the installation: name, width.
_FIELDS = (("bot", 4), ("generation", 2), ("slot", 3), ("cycle", 4), ("attempt", 2))
_START_SLOT, _STOP_SLOT = 62**3 - 1, 62**3 - 2
#: Cells that a slot can name. A trailing grid has cells below 0, which are counted down from the stop order's slot, and
#: cells beyond its first ones.
MAX_CELL = 62**3 // 2 - 1
MIN_CELL = MAX_CELL + 1 - _STOP_SLOT


class Fill(NamedTuple):
    """One complete fill. `lots` is the order's amount, gross-up included."""

    #: START, GRID, STOP or REGRID; index into KINDS.
    kind: int
    #: The cell that turned, -1 for all other orders.
    cell: int
    #: BUY or SELL.
    side: int
    #: Price in ticks.
    price: int
    #: Amount in lots.
    lots: int

    @property
    def is_taker(self) -> bool:
        """Grid orders rest; all others take."""
        return self.kind != GRID


class Key(NamedTuple):
    """What an order is for. At most one live order per (kind, cell)."""

    kind: int
    #: -1 for all but grid orders; a trailing grid has cells below 0 too: `kind` tells them apart.
    cell: int
    #: How often the cell, and those whose place it took when the grid moved, had turned before. Of a regrid order: the
    #: how manieth it is, from 1 on.
    cycle: int


class Intent(NamedTuple):
    """An order a grid wants to rest (GRID) or to be executed at once (all others)."""

    key: Key
    side: int
    #: Limit in ticks; for all but GRID the price expected, sent as a market order.
    price: int
    lots: int


def next_slice(lots: int, largest: int | None) -> int:
    """How much of `lots` the next market order takes where one takes at most `largest`; None: any number.

    As few orders as possible, as equal as possible: none is so small that it falls below the least notional, unless
    half of `largest` does. Each order is for the same key, with the next attempt's client id.
    """
    if largest is None or lots <= largest:
        return lots
    return -(-lots // -(-lots // largest))


class OrderName(NamedTuple):
    """What a client order id says."""

    tag: str
    bot: int
    generation: int
    key: Key
    attempt: int


def client_id(name: OrderName) -> str:
    """18 characters [0-9A-Za-z], a pure function of what the order is for.

    `attempt` counts orders for one key: a new one only after the one before is known to be final.
    """
    kind, cell, cycle = name.key
    # A start order's cycle is 0, a regrid order's is not.
    slot = _slot(cell) if kind == GRID else _STOP_SLOT if kind == STOP else _START_SLOT
    values = {"bot": name.bot, "generation": name.generation, "slot": slot, "cycle": cycle, "attempt": name.attempt}
    return f"g{name.tag}" + "".join(_encode(field, values[field], width) for field, width in _FIELDS)


def parse_client_id(text: str) -> OrderName | None:
    """The inverse of `client_id`; None for an order that is not ours."""
    if len(text) != 18 or text[0] != "g" or any(c not in _DIGITS for c in text):
        return None
    at, values = 3, {}
    for field, width in _FIELDS:
        values[field] = _decode(text[at : at + width])
        at += width
    slot = values["slot"]
    opening = REGRID if values["cycle"] else START
    kind = opening if slot == _START_SLOT else STOP if slot == _STOP_SLOT else GRID
    key = Key(kind, -1 if kind != GRID else slot if slot <= MAX_CELL else slot - _STOP_SLOT, values["cycle"])
    return OrderName(text[1:3], values["bot"], values["generation"], key, values["attempt"])


def _slot(cell: int) -> int:
    if not MIN_CELL <= cell <= MAX_CELL:
        raise InvalidInput(f"cell must be from {MIN_CELL} to {MAX_CELL} to fit a client order id, was {cell}")
    return cell if cell >= 0 else _STOP_SLOT + cell


def _encode(field: str, value: int, width: int) -> str:
    if not 0 <= value < 62**width:
        raise InvalidInput(f"{field} must be from 0 to {62**width - 1} to fit a client order id, was {value}")
    digits = []
    for _ in range(width):
        value, rest = divmod(value, 62)
        digits.append(_DIGITS[rest])
    return "".join(reversed(digits))


def _decode(text: str) -> int:
    value = 0
    for c in text:
        value = value * 62 + _DIGITS.index(c)
    return value
