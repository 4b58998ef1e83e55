"""A position as JSON and back, exactly: what a bot's row keeps."""

from dataclasses import asdict
from decimal import Decimal
from fractions import Fraction
from typing import Any

from autogrid.core.grid import Grid
from autogrid.core.ledger import Exact
from autogrid.core.market import Market
from autogrid.core.orders import BUY
from autogrid.core.plan import Plan
from autogrid.core.position import Position

_INTS = ("realised", "excess_cost", "excess_revenue", "round_trips", "fills")
_EXACT = ("cash", "base_micro", "fees", "fees_micro")


def pack_plain(value: Market | Grid) -> dict[str, Any]:
    """A market or grid as strings and integers; fields that are None or False, their defaults, are left out."""
    return {
        name: str(each) if isinstance(each, Decimal) else each
        for name, each in asdict(value).items()
        if each is not None and each is not False
    }


def pack_plan(plan: Plan) -> dict[str, Any]:
    """What of a plan does not follow from grid and market."""
    names = ("levels", "lots", "gross", "start", "start_fill", "empty", "start_lots", "cash", "stop_loss")
    packed = {name: getattr(plan, name) for name in (*names, "take_profit", "stop_sell")}
    later = {"offset": (plan.offset, 0), "regrid": (plan.regrid, 0), "start_side": (plan.start_side, BUY)}
    packed |= {name: value for name, (value, usual) in later.items() if value != usual}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in packed.items()}


def unpack_plan(packed: dict[str, Any], grid: Grid, market: Market) -> Plan:
    """The inverse of `pack_plan`."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in packed.items()
    }
    return Plan(market=market, grid=grid, **values)


def pack_position(position: Position) -> dict[str, Any]:
    """All of a position but its plan."""
    books = position.books
    following = {} if position.next_grid is None else {"next_grid": pack_plain(position.next_grid)}
    return following | {
        "phase": position.phase,
        "stopped": position.stopped,
        "sell_on_stop": position.sell_on_stop,
        "start_done": position.start_done,
        "stop_done": position.stop_done,
        "holds": "".join("1" if x else "0" for x in position.holds),
        "done": {str(i): x for i, x in enumerate(position.done) if x},
        "cycle": list(position.cycle),
        "books": {
            **{name: getattr(books, name) for name in _INTS},
            **{name: _pack(getattr(books, name)) for name in _EXACT},
            "cells": {str(cell): [books.lots[cell], books.cost[cell]] for cell in books.lots},
            "other_fees": {asset: _pack(x) for asset, x in books.other_fees.items()},
        },
    }


def unpack_position(packed: dict[str, Any], plan: Plan) -> Position:
    """The inverse of `pack_position`."""
    position = Position(plan)
    for name in ("phase", "stopped", "sell_on_stop", "start_done", "stop_done"):
        setattr(position, name, packed[name])
    position.next_grid = Grid(**packed["next_grid"]) if "next_grid" in packed else None
    position.holds = [x == "1" for x in packed["holds"]]
    position.cycle = list(packed["cycle"])
    for cell, lots in packed["done"].items():
        position.done[int(cell)] = lots
    books, saved = position.books, packed["books"]
    for name in _INTS:
        setattr(books, name, saved[name])
    for name in _EXACT:
        setattr(books, name, _unpack(saved[name]))
    for cell, (lots, cost) in saved["cells"].items():
        books.lots[int(cell)], books.cost[int(cell)] = lots, cost
    books.other_fees = {asset: _unpack(x) for asset, x in saved["other_fees"].items()}
    return position


def _pack(value: Exact) -> int | str:
    return value if isinstance(value, int) else f"{value.numerator}/{value.denominator}"


def _unpack(value: int | str) -> Exact:
    return value if isinstance(value, int) else Fraction(value)
