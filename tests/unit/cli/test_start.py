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
