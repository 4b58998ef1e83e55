"""The console script: help, exit codes, one line per error."""

import sys

import pytest
from typer.testing import CliRunner

from autogrid.cli import start
from autogrid.cli.app import app
from autogrid.errors import Halted, InvalidInput, Unavailable


def test_help_is_the_stored_page_and_the_page_is_current(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in ([], ["--help"], ["-h"]):
        monkeypatch.setattr(sys, "argv", ["autogrid", *arguments])
        start.main()
        assert capsys.readouterr().out == start.help_page()
    current = CliRunner().invoke(app, ["--help"], prog_name="autogrid", env={"COLUMNS": "80"}).output
    assert start.help_page() == current, "run: make cli-help"


LOCAL = ["bots show", "bots kill", "bots release", "twin", "reports get", "reports make bot_daily --bot"]


@pytest.mark.parametrize("number", ["0", "2147483648", "99999999999999999999"])
@pytest.mark.parametrize("command", [*LOCAL, *(f"--api http://127.0.0.1:9 {each}" for each in LOCAL if each != "twin")])
def test_what_is_no_id_is_refused_before_anything_is_asked(
    command: str, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autogrid.store.engine.engine", pytest.fail)
    monkeypatch.setattr("autogrid.cli.remote.choose", lambda url: None)
    done = CliRunner().invoke(app, [*command.split(), number])
    assert done.exit_code == 2
    assert "2147483647" in done.output or "greater than or equal to 1" in done.output


@pytest.mark.parametrize(("error", "code"), [(InvalidInput("a"), 2), (Unavailable("b"), 75), (Halted("c"), 70)])
def test_errors_are_one_line_and_an_exit_code(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**options: str) -> None:
        raise error

    monkeypatch.setattr("autogrid.cli.app.app", fail)
    monkeypatch.setattr(sys, "argv", ["autogrid", "backtest"])
    with pytest.raises(SystemExit) as caught:
        start.main()
    assert caught.value.code == code
    assert capsys.readouterr().err == f"error: {error}\n"
