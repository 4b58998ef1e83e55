"""Whatever stands in a study file: InvalidInput in few words, at once; never another error, never a hang."""

from decimal import Decimal
from fractions import Fraction

import pytest

from autogrid.core.grid import Grid
from autogrid.core.plan import plan
from autogrid.core.study import SECTIONS, parse_study
from autogrid.errors import AutogridError, InvalidInput
from autogrid.strategies.registry import grid_of

STUDY = {
    "market": {"exchange": '"x"', "symbol": '"A/B"', "tick": '"0.01"', "lot": '"0.001"', "maker_fee": '"0.001"'},
    "candles": {"timeframe": '"1m"'},
    "strategy": {"name": '"static"'},
    "strategy.params": {"lower": '"90"', "upper": '"110"', "cells": "4", "investment": '"1000"'},
    "simulation": {"cash": '"1000"'},
    "overfit": {"trials": "2"},
}
GRID = ("lower", "upper", "cells", "spacing", "amount", "quote", "investment", "stop_loss", "take_profit", "trigger")
KEYS = [(section, key) for section, keys in SECTIONS.items() for key in keys if key != "params"]
KEYS += [("strategy.params", key) for key in (*GRID, "stop_action", "unheard_of")]
NINES = "9" * 5000
HOSTILE = (
    '"1e400"', "1e400", "1e99999999999999999999", '"1e29"', '"1e-29"', '"1e-31"', NINES, f'"{NINES}"', "1" + "0" * 400,
    "4.5", '"4.5"', "inf", "nan", '"nan"', "-1", "0", "true", '""', '"\\u0000"', '"x"', '"²"', "[]", "{}", "[[1]]",
    "{a=1}", "[" * 3000 + "]" * 3000, "2024-01-01", "07:32:00", "2024-01-01T00:00:00", "0001-01-01T00:00:00+23:00",
    "9999-12-31T23:59:59-23:00", '"9999-12-31T23:59:59-23:00"',
)  # fmt: skip


def text_with(section: str, key: str, value: str) -> str:
    study = {name: dict(keys) for name, keys in STUDY.items()}
    if key in ("amount", "quote"):
        del study["strategy.params"]["investment"]
    study[section][key] = value
    lines = [[f"[{name}]", *(f"{key} = {value}" for key, value in keys.items())] for name, keys in study.items()]
    return "\n".join(line for each in lines for line in each)


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_a_study_is_refused_in_few_words(section: str, key: str) -> None:
    told = [""]
    for value in HOSTILE:
        try:
            study = parse_study(text_with(section, key, value))
            market, grid = study.market_with({}), grid_of(study)
            start = 10_100 if grid.trigger is None else market.price_ticks(grid.trigger)
            plan(grid, market, start, study.cash, study.slippage_ticks)
        except AutogridError as error:
            told.append(str(error))
    assert len(max(told, key=len)) < 400
    assert len(told) > 5


@pytest.mark.parametrize("value", ["1e400", 10**400, "1e-400", "1" * 101], ids=str)
def test_numbers_no_market_has(value: str | int) -> None:
    with pytest.raises(InvalidInput, match=r"^amount must lie between 1e-30 and 1e30 .* was \d\.\d{3}e[+-]\d+$"):
        Grid(lower="90", upper="110", cells=4, amount=value)


def test_the_edge_of_numbers_is_exact() -> None:
    assert Grid(lower="90", upper="1e30", cells=4, amount="1e-30").amount == Decimal("1e-30")
    assert Fraction(Grid(lower="90", upper="110", cells=4, amount=9 * 10**29).amount) == 9 * 10**29


@pytest.mark.parametrize(("cells", "found"), [(4.5, "4.5"), ("4.5", "'4.5'"), (NINES, r"'9{29}\.\.\. \(5002 char")])
def test_cells_are_whole(cells: object, found: str) -> None:
    with pytest.raises(InvalidInput, match=f"cells must be a whole number from 1 on, was {found}"):
        Grid(lower="90", upper="110", cells=cells, amount="1")
