"""`autogrid replay` writes what `autogrid backtest` writes, byte for byte, and what the contract's reference says."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from autogrid.cli.backtest import backtest
from autogrid.cli.replay import replay
from autogrid.errors import InvalidInput
from tests.unit.cli.test_backtest_reference import cases, number, write
from tests.unit.research import reference


def test_the_worked_table(run: Any, folder: Path) -> None:
    for command in ("backtest", "replay"):
        run(command, "study.toml", "--candles", "candles.csv", "--fills", f"{command}.csv", "--json", f"{command}.json")
    for kind in ("csv", "json"):
        assert (folder / f"replay.{kind}").read_bytes() == (folder / f"backtest.{kind}").read_bytes()
    assert json.loads((folder / "replay.json").read_text())["realised"] == "23.00000"
    assert run("replay", "study.toml", "--candles", "candles.csv", "--fills", "-").stdout.count("\n") == 8


@pytest.mark.parametrize("extra", ['trigger = "95"\n', 'trigger = "20"\n', 'stop_loss = "85"\n'])
def test_a_trigger_and_a_stop(run: Any, folder: Path, extra: str) -> None:
    (folder / "study.toml").write_text((folder / "study.toml").read_text() + extra)
    outputs = [run(c, "study.toml", "--candles", "candles.csv", "--json", "-").stdout for c in ("backtest", "replay")]
    assert outputs[0] == outputs[1]


def test_both_outputs_cannot_be_stdout(run: Any) -> None:
    with pytest.raises(InvalidInput, match="only one of --json and --fills"):
        run("replay", "study.toml", "--candles", "candles.csv", "--json", "-", "--fills", "-")


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_every_byte_is_the_backtest_s_and_every_number_the_reference_s(tmp_path: Path, case: Any) -> None:
    write(tmp_path, *case)
    study, candles = tmp_path / "study.toml", tmp_path / "candles.csv"
    try:
        expected, _ = reference.backtest(*case)
    except reference.Refused:
        with pytest.raises(InvalidInput):
            replay(study, candles, tmp_path / "replay.json", tmp_path / "replay.csv")
        return
    backtest(study, candles, tmp_path / "backtest.json", tmp_path / "backtest.csv")
    replay(study, candles, tmp_path / "replay.json", tmp_path / "replay.csv")
    assert (tmp_path / "replay.csv").read_bytes() == (tmp_path / "backtest.csv").read_bytes()
    assert (tmp_path / "replay.json").read_bytes() == (tmp_path / "backtest.json").read_bytes()
    found = json.loads((tmp_path / "replay.json").read_text())
    for name in ("fills", "round_trips", "cash", "base", "fees", "equity", "realised", "unrealised"):
        assert number(found[name]) == expected[name], name
