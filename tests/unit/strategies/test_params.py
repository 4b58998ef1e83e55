"""Parameters of strategies: what can never work is refused as the strategy is made, in few and plain words."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from autogrid.core.decision import Keep, View
from autogrid.core.grid import Grid
from autogrid.core.study import parse_study
from autogrid.errors import InvalidInput
from autogrid.live.code import code_hash
from autogrid.strategies.dynamic import Dynamic
from autogrid.strategies.recentre import Recentre
from autogrid.strategies.registry import strategy_of, worked
from tests.studies import UNWORKABLE, WORKABLE, decides

#: What a person who writes a study need not know.
JARGON = ("pydantic", "input", "parse", "integer", "decimal input", "value error", "validat", "string", "boolean")


@pytest.mark.parametrize("name", WORKABLE)
def test_the_studies_work_before_one_parameter_is_changed(name: str) -> None:
    assert isinstance(worked(parse_study(decides(name))), Dynamic)


@pytest.mark.parametrize(("name", "key", "value", "said"), UNWORKABLE)
def test_what_never_works_is_refused(name: str, key: str, value: str | None, said: str) -> None:
    with pytest.raises(InvalidInput) as told:
        worked(parse_study(decides(name, key, value)))
    text = str(told.value)
    assert text.startswith(f"[strategy.params] {said}")
    assert len(text) < 250
    assert not [word for word in JARGON if word in text.lower()]


@given(
    st.decimals("0.0001", "0.9999", places=4),
    st.integers(1, 1000),
    st.sampled_from(["arithmetic", "geometric"]),
    st.decimals("0.001", 1, places=3),
    st.integers(1, 10**12),
)
def test_what_is_taken_makes_a_grid_at_any_price(
    width: Decimal, cells: int, spacing: str, share: Decimal, price: int
) -> None:
    strategy = strategy_of("recentre", {"width": width, "cells": cells, "spacing": spacing, "share": str(share)})
    assert isinstance(strategy, Recentre)
    view = View(Decimal(price) / 1000, None, Decimal(10), Decimal(0), Decimal(10), Decimal(10))
    grid = strategy.decide({"close": 1.0}, view)  # type: ignore[arg-type]
    assert isinstance(grid, Grid)
    assert (grid.cells, grid.spacing, grid.investment) == (cells, spacing, 10 * share)
    assert grid.lower < view.price < grid.upper


def test_numbers_are_taken_as_they_are_written() -> None:
    for width in (0.1, "0.1", Decimal("0.1"), np.float64(0.1)):
        assert strategy_of("recentre", {"width": width, "cells": "4"}).params.width == Decimal("0.1")  # type: ignore[union-attr]


@dataclass(frozen=True)
class CrossParams:
    fast: Annotated[int, Field(ge=1)] = 5
    slow: int = 20
    sure: bool = False
    weight: float | None = None
    side: Literal["up", "down"] = "up"
    name: Annotated[str, Field(min_length=2)] = "ab"
    many: tuple[int, ...] = ()
    since: date = date(2024, 1, 1)
    every: str = "1h"
    back: Any = 3

    def __post_init__(self) -> None:
        if self.fast >= self.slow:
            raise InvalidInput(f"fast must be below slow, was {self.fast} >= {self.slow}")


class Cross(Dynamic):
    """One of a user's own."""

    Params = CrossParams

    @property
    def cadence(self) -> str:
        return self.params.every

    @property
    def lookback(self) -> int:
        return self.params.back

    def decide(self, row: Any, view: View) -> Keep:
        return Keep()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"fast": 0}, "[strategy.params] fast must be at least 1, was 0"),
        ({"fast": 30}, "[strategy.params] fast must be below slow, was 30 >= 20"),
        ({"sure": "perhaps"}, "[strategy.params] sure must be true or false, was 'perhaps'"),
        ({"weight": True}, "[strategy.params] weight must be a number, was True"),
        ({"weight": "x"}, "[strategy.params] weight must be a number, was 'x'"),
        ({"side": "left"}, "[strategy.params] side must be 'up' or 'down', was 'left'"),
        ({"name": "a"}, "[strategy.params] name must have at least 2 characters, was 'a'"),
        ({"many": 3}, "[strategy.params] many must be a list, was 3"),
        ({"many": [1, "x"]}, "[strategy.params] many.1 must be a whole number, was 'x'"),
        ({"since": "soon"}, "[strategy.params] since must be a valid date"),
        ({"every": "7m"}, "cadence must divide a day, such as 15m, 4h or 1d, was '7m'"),
        ({"back": 0}, "lookback must be a whole number of candles from 1 on, was 0"),
        ({"back": 2.5}, "lookback must be a whole number of candles from 1 on, was 2.5"),
        ({"back": True}, "lookback must be a whole number of candles from 1 on, was True"),
        ({"back": 10**6}, "lookback must span at most a hundred years of candles, was 1000000 of 1h"),
        ({"back": 10**5000}, "lookback must span at most a hundred years of candles, was a number too long"),
    ],
)
def test_a_strategy_of_one_s_own_is_checked_by_its_annotations(params: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as told:
        Cross(params)
    assert str(told.value).startswith(said)
    assert Cross({"fast": "2", "sure": True, "weight": 1}).params == CrossParams(fast=2, sure=True, weight=1.0)


class Silent(Cross):
    @property
    def cadence(self) -> Any:
        return None


def test_a_cadence_is_a_text() -> None:
    with pytest.raises(InvalidInput, match=r"cadence must divide a day, such as 15m, 4h or 1d, was None"):
        Silent({})


def test_what_refuses_is_part_of_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("autogrid.live.code._add", lambda digest, name, source: seen.append(name))
    code_hash.cache_clear()
    code_hash("atr")
    code_hash.cache_clear()
    assert {"strategies/around.py", "strategies/params.py", "strategies/dynamic.py", "strategy/atr"} <= set(seen)
