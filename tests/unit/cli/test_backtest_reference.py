"""`autogrid backtest STUDY --candles FILE --json --fills` against a bot written from the contract's text."""

import csv
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autogrid.cli.backtest import backtest
from autogrid.errors import InvalidInput
from tests.unit.research import reference

MINUTE, T0 = 60_000, 1_704_067_200_000
#: tick, lot, decimals of a price: a coin of 100, one of 0.00001, one counted in tens, one with a tick of a quarter.
UNITS = [("0.01", "0.001", 2), ("0.0000001", "1", 7), ("10", "0.00001", 0), ("0.25", "0.01", 3)]


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], list[tuple[Any, ...]]]:
    tick, lot, decimals = draw(st.sampled_from(UNITS))
    unit = Fraction(tick)

    def price(ticks: int, thousandths: int = 0) -> str:
        return f"{float(ticks * unit + unit * Fraction(thousandths, 1000)):.{decimals + 3}f}"

    lower, cells = draw(st.integers(700, 1300)), draw(st.integers(1, 14))
    upper = lower + draw(st.integers(cells * 2, 700))
    params: dict[str, Any] = {"lower": price(lower), "upper": price(upper, draw(st.sampled_from([0, 0, 500])))}
    params |= {"cells": cells, "spacing": draw(st.sampled_from(["arithmetic", "geometric"]))}
    value = 1000 * unit * Fraction(lot)  # of one lot at the middle price, in quote
    sizing = draw(st.sampled_from(["amount", "quote", "investment"]))
    worth = draw(st.integers(20, 900))
    params[sizing] = {
        "amount": f"{float(worth * Fraction(lot) / 7):.12f}",
        "quote": f"{float(worth * value / 5):.12f}",
        "investment": f"{float(worth * value * cells / 3):.12f}",
    }[sizing]
    if draw(st.booleans()):
        params["stop_loss"] = price(lower - draw(st.integers(0, 90)))
    if draw(st.booleans()):
        params["take_profit"] = price(upper + draw(st.integers(1, 90)))
    if "stop_loss" in params or "take_profit" in params:
        params["stop_action"] = draw(st.sampled_from(["sell", "keep"]))
    if draw(st.integers(0, 2)) == 0:
        params["trigger"] = price(draw(st.integers(lower - 30, upper + 30)))
    if draw(st.booleans()):
        params["trailing"] = draw(st.sampled_from(["up", "down", "both"]))
        params["stop_fixed"] = draw(st.booleans())
    fee = st.sampled_from(["0", "0.0002", "0.00075", "0.001", "0.0015"])
    market = {"tick": tick, "lot": lot, "maker_fee": draw(fee), "taker_fee": draw(fee)}
    market["min_notional"] = draw(st.sampled_from(["0", f"{float(value * 4):.12f}"]))
    market["buy_fee_asset"] = draw(st.sampled_from(["quote", "base"]))
    simulation: dict[str, Any] = {"path": draw(st.sampled_from(["nearest", "nearest", "low_first", "high_first"]))}
    simulation |= {"penetration_ticks": draw(st.integers(0, 3)), "slippage_ticks": draw(st.integers(0, 4))}
    if draw(st.booleans()):
        simulation["cash"] = f"{float(worth * value * cells * 4):.12f}"
    at, rows = draw(st.integers(lower - 40, upper + 40)), []
    for i in range(draw(st.integers(1, 25))):
        o = max(30, at + draw(st.sampled_from([0, 0, 0, -3, 7, -150, 150])))
        c = max(30, o + draw(st.integers(-160, 160)))
        # Real feeds have opens and closes outside of [low, high].
        h = max(o, c) + draw(st.integers(-5, 90))
        low = max(20, min(h, min(o, c) + draw(st.integers(-90, 5))))
        off = draw(st.sampled_from([0, 0, 500]))
        rows.append((T0 + i * MINUTE, *(price(x, off) for x in (o, h, low, c))))
        at = c
    return market, params, simulation, rows


def toml(section: str, values: dict[str, Any]) -> str:
    lines = [f"{k} = {str(v).lower()}" if isinstance(v, int) else f'{k} = "{v}"' for k, v in values.items()]
    return "\n".join([f"[{section}]", *lines, ""])


def write(folder: Path, market: Any, params: Any, simulation: Any, rows: list[Any]) -> None:
    text = toml("market", market) + toml("strategy.params", params) + toml("simulation", simulation)
    (folder / "study.toml").write_text(text)
    lines = [",".join(map(str, (*row, 1))) for row in rows]
    (folder / "candles.csv").write_text("\n".join(["ts,open,high,low,close,volume", *lines]) + "\n")


def number(value: Any) -> Any:
    """Decimal text -> Fraction; a float or an exponent is a mistake."""
    if isinstance(value, str) and value not in ("stop_loss", "take_profit"):
        assert set(value) <= set("-.0123456789"), value
        return Fraction(value)
    return [number(x) for x in value] if isinstance(value, list) else value


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_every_number_and_every_fill_is_the_reference_s(tmp_path: Path, case: Any) -> None:
    market, params, simulation, rows = case
    write(tmp_path, *case)
    try:
        expected, fills = reference.backtest(market, params, simulation, rows)
    except reference.Refused:
        with pytest.raises(InvalidInput):
            backtest(tmp_path / "study.toml", tmp_path / "candles.csv", tmp_path / "out.json", tmp_path / "fills.csv")
        return
    backtest(tmp_path / "study.toml", tmp_path / "candles.csv", tmp_path / "out.json", tmp_path / "fills.csv")
    found = json.loads((tmp_path / "out.json").read_text())
    names = [name for name in expected if name != "bounds"]
    assert list(found) == [*names, "bounds", "metrics"]
    for name in names:
        assert number(found[name]) == expected[name], name
    dust = market["buy_fee_asset"] == "base" and params.keys() & {"stop_loss", "take_profit"}
    if "bounds" in expected and not dust:
        assert {k: number(v) for k, v in found["bounds"].items()} == expected["bounds"]
    with (tmp_path / "fills.csv").open() as file:
        header, *lines = list(csv.reader(file))
    assert header == ["ts", "kind", "cell", "side", "price", "amount", "fee", "fee_asset"]
    got = [(int(a), b, int(c), d, number(e), number(f), number(g), h) for a, b, c, d, e, f, g, h in lines]
    assert got == fills
