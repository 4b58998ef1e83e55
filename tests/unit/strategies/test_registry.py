"""Strategies by name, of this package and of others that are installed; each is part of the code's fingerprint."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autogrid.core.bot import Bot
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.study import parse_study
from autogrid.errors import InvalidInput
from autogrid.exchange.simulated import Simulated
from autogrid.live.code import code_hash, other_hashes
from autogrid.live.memory import MemoryStore
from autogrid.live.replay import SYMBOL
from autogrid.live.tick import TickRules, tick
from autogrid.strategies.registry import find, grid_of, strategy_of

STUDY = """
[market]
tick = "0.01"
lot = "0.001"
[strategy]
name = "{name}"
[strategy.params]
lower = "90"
upper = "110"
"""
SOURCE = """
from autogrid.core.grid import Grid

class Halves:
    def grid(self, params):
        return Grid(**params, cells=2, amount="1")
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The module of a strategy that another package brings."""
    info = tmp_path / "halves-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: halves\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[autogrid.strategies]\nhalves = halves_grid:Halves\ngone = gone_grid:Gone\n"
    )
    module = tmp_path / "halves_grid.py"
    module.write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    code_hash.cache_clear()
    yield module
    code_hash.cache_clear()


def test_static_is_the_grid_of_the_study() -> None:
    grid = grid_of(parse_study(STUDY.format(name="static") + 'cells = 4\namount = "1"\n'))
    assert (grid.lower, grid.upper, grid.cells, grid.amount) == (90, 110, 4, 1)
    with pytest.raises(InvalidInput, match=r"\[strategy.params\] needs cells"):
        grid_of(parse_study(STUDY.format(name="static")))
    with pytest.raises(InvalidInput, match="has no key 'celsl'; did you mean 'cells'"):
        grid_of(parse_study(STUDY.format(name="static") + "celsl = 4\n"))


def test_another_package_s_strategy_is_found_by_its_entry_point(installed: Path) -> None:
    assert find("halves") == "halves_grid:Halves"
    assert grid_of(parse_study(STUDY.format(name="halves"))).cells == 2
    static, first = code_hash(), code_hash("halves")
    assert static != first
    installed.write_text(SOURCE.replace("cells=2", "cells=3"))
    code_hash.cache_clear()
    assert code_hash("halves") != first
    assert code_hash() == static


def test_an_unknown_strategy_is_said_with_the_nearest_one(installed: Path) -> None:
    with pytest.raises(
        InvalidInput, match=r"no strategy 'halfes': did you mean 'halves'\? Packages add theirs as entry"
    ):
        grid_of(parse_study(STUDY.format(name="halfes")))
    with pytest.raises(InvalidInput, match=r"no strategy 'statik': did you mean 'static'\?"):
        strategy_of("statik", {})
    with pytest.raises(InvalidInput, match=r"no strategy 'zzz': installed are atr, gone, halves, recentre, static\."):
        code_hash("zzz")
    with pytest.raises(InvalidInput, match="has no strategy 3"):
        grid_of(parse_study(STUDY.format(name="x").replace('"x"', "3")))


def test_one_whose_package_is_broken_is_said(installed: Path) -> None:
    with pytest.raises(
        InvalidInput, match="strategy 'gone': expected gone_grid:Gone, found: No module named 'gone_grid'"
    ):
        strategy_of("gone", {})
    with pytest.raises(InvalidInput, match="expected the module gone_grid, found none; install its package again"):
        code_hash("gone")


def test_workers_know_the_code_of_every_strategy_that_is_installed(installed: Path) -> None:
    known = other_hashes()
    assert known == {code_hash(name) for name in ("halves", "atr", "recentre")}
    store = MemoryStore()
    market, grid = Market(tick="0.01", lot="0.001"), Grid(lower="90", upper="110", cells=4, amount="1")
    store.add(Bot(1, "00", "bot", 1, SYMBOL, market, grid, None, 0, code_hash=code_hash("halves")))
    exchange = Simulated(SYMBOL, market, quote=10**9, last=10_000)
    look = tick(1, store, exchange, lambda: 0, TickRules(code_hash(), other_hashes=known))
    assert look.skipped is None
    assert tick(1, store, exchange, lambda: 0, TickRules(code_hash())).skipped == "refused"


def test_the_source_of_static_is_part_of_the_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = code_hash()
    changed = tmp_path / "static.py"
    changed.write_text("# other\n")
    monkeypatch.setattr("autogrid.live.code._strategy", lambda name: changed)
    code_hash.cache_clear()
    assert code_hash() != first
    code_hash.cache_clear()
