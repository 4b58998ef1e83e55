"""Single values of a study file."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.web.parts import toml

TEXT = """\
# my study
[market]
symbol = "BTC/USDT"  # the market
[strategy]
name = "static"
[strategy.params]
lower = "90"
cells = 8
[simulation]
cash = "1000"
"""


def test_comments_and_order_stay() -> None:
    changed = toml.put(toml.put(TEXT, "strategy.params", "cells", 10), "strategy.params", "upper", "110")
    assert changed == TEXT.replace("cells = 8\n", 'cells = 10\nupper = "110"\n')


def test_a_value_goes_and_a_section_comes() -> None:
    changed = toml.put(TEXT, "simulation", "cash", None)
    assert ("simulation", "cash") not in toml.values(changed)
    assert toml.put(changed, "candles", "end", None) == changed
    assert toml.values(toml.put(changed, "candles", "end", "2024-01-01"))["candles", "end"] == "2024-01-01"


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=20))
def test_any_value_is_read_back(value: str) -> None:
    changed = toml.put(TEXT, "strategy.params", "lower", value)
    assert toml.values(changed)["strategy.params", "lower"] == value
    assert toml.values(changed)["simulation", "cash"] == "1000"


def test_the_start_is_a_study_and_nonsense_has_no_values() -> None:
    text = toml.START.format(exchange="a", symbol="B/C", rules="", timeframe="1m", lower="1", upper="2")
    assert tomllib.loads(text)["strategy"]["params"]["cells"] == 40
    assert toml.values("[market") == {}


@pytest.mark.parametrize("section", ["market", "strategy.params"])
def test_the_last_section_without_a_newline(section: str) -> None:
    assert toml.values(toml.put(f"[{section}]", section, "x", 1)) == {(section, "x"): 1}


def test_yes_and_no_are_toml_s() -> None:
    changed = toml.put(TEXT, "strategy.params", "stop_fixed", True)
    assert toml.values(changed)["strategy.params", "stop_fixed"] is True
    assert toml.put(changed, "strategy.params", "stop_fixed", None) == TEXT
