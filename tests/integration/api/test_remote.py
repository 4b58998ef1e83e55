"""The command line on the API of another machine, and the commands that make its users."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from autogrid.cli.app import app
from autogrid.errors import Conflict, InvalidInput, NotFound, NotSignedIn, Unavailable
from autogrid.settings import settings

from .conftest import PASSWORD, Make, Server
from .seed import everything


def _run(*arguments: str, stdin: str | None = None) -> Any:
    settings.cache_clear()
    return CliRunner().invoke(app, list(arguments), input=stdin, env={"COLUMNS": "200"}, catch_exceptions=False)


@pytest.fixture
def things(person: Make, store: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    user = person("trader")
    with store.begin() as connection:
        made = everything(connection, user.id)
    key = user.post("/v1/api-keys", {"name": "cli"}).json()["key"]
    monkeypatch.setenv("AUTOGRID_API_KEY", key)
    return made


def test_bots_and_accounts_through_an_api(server: Server, things: dict[str, Any]) -> None:
    api, bot = ("--api", server.url), str(things["bot_id"])
    assert "thing 1" in _run(*api, "bots", "list").output
    assert "thing 1" in _run(*api, "bots", "list", "--account", "thing 1").output
    assert "thing 1" not in _run(*api, "bots", "list", "--account", "spare 1").output
    assert "last events" in _run(*api, "bots", "show", bot).output
    assert "should rest" in _run(*api, "bots", "explain", bot).output
    assert _run(*api, "bots", "pause", bot, "--keep-orders").output == f"bot {bot}: hold, waiting\n"
    assert _run(*api, "bots", "resume", bot).output == f"bot {bot}: run, waiting\n"
    assert _run(*api, "bots", "stop", bot, "--sell").output == f"bot {bot}: stop_sell, waiting\n"
    killed = _run(*api, "bots", "kill", "--account", "thing 1", "--reason", "key leaked").output
    assert killed.startswith(f"killed: {bot}\nkill switch ")
    assert _run(*api, "bots", "kill", "--all").output.startswith(f"killed: {bot}\n")
    with pytest.raises(Conflict, match="key leaked"):
        _run(*api, "bots", "resume", bot)
    shown = _run(*api, "bots", "switches").output
    assert "key leaked" in shown
    assert "all of user" in shown
    for line in shown.splitlines()[1:]:
        assert "is released" in _run(*api, "bots", "release", line.split()[0]).output
    assert "none" in _run(*api, "bots", "switches").output
    assert "key leaked" in _run(*api, "bots", "switches", "--released").output
    assert _run(*api, "bots", "resume", bot).output == f"bot {bot}: run, waiting\n"
    assert "thing 1" in _run(*api, "accounts", "list").output
    refused = _run(*api, "accounts", "test", "thing 1")
    assert refused.exit_code == 1
    assert "does not answer" in refused.stderr


@pytest.mark.parametrize("there", [True, False], ids=["there", "here"])
def test_reports_and_schedules(server: Server, things: dict[str, Any], tmp_path: Path, there: bool) -> None:
    where = ("--api", server.url) if there else ()
    report, bot = str(things["report_id"]), str(things["bot_id"])
    assert re.search(rf"{report} .*data_quality .*done", _run(*where, "reports", "list").output)
    assert "done" in _run(*where, "reports", "show", report).output
    page, notebook = tmp_path / "x" / "r.html", tmp_path / "r.ipynb"
    assert _run(*where, "reports", "get", report, "--out", str(page)).output == f"{page}\n"
    assert page.read_text() == "<p>done</p>"
    _run(*where, "reports", "get", report, "--notebook", "--out", str(notebook))
    assert notebook.read_text() == "{}"
    made = _run(*where, "reports", "make", "bot_daily", "--bot", bot).output
    number = re.match(r"report (\d+) is queued", made)
    assert number is not None, made
    assert re.search(rf"bot {bot} .*queued", _run(*where, "reports", "show", number[1]).output)
    with pytest.raises(Conflict, match=f"report {number[1]} has no html: it is queued"):
        _run(*where, "reports", "get", number[1])
    cron = ("--cron", "30 7 * * *", "--time-zone", "Asia/Kolkata")
    made = _run(*where, "reports", "schedule", "bot_daily", *cron, "--bot", bot).output
    number = re.match(r"schedule (\d+): next at \d{4}-\d\d-\d\d 02:00 UTC", made)
    assert number is not None, made
    assert re.search(rf"{number[1]} .*bot {bot} .*30 7 .*Asia/Kolkata", _run(*where, "reports", "schedules").output)
    assert "is deleted" in _run(*where, "reports", "unschedule", number[1]).output
    assert "Asia" not in _run(*where, "reports", "schedules").output
    for arguments, message in (
        (("make", "weather"), "template: |422|Input should be"),
        (("make", "bot_daily"), "params of bot_daily: expected bot_id, found none"),
        (("make", "bot_daily", "--bot", "999999"), "bot 999999 does not exist"),
        (("make", "study", "--study", "999999"), "study 999999"),
        (("schedule", "data_quality", "--cron", "at noon"), "cron: expected five fields"),
        (("schedule", "data_quality", "--cron", "0 8 * * *", "--time-zone", "Mars/Base"), "time_zone"),
        (("unschedule", "999999"), "no schedule 999999"),
        (("show", "999999"), "no report 999999"),
    ):
        with pytest.raises(InvalidInput, match=message):
            _run(*where, "reports", *arguments)


def test_reports_on_this_machine_are_somebodys(person: Make) -> None:
    with pytest.raises(InvalidInput, match="expected --owner EMAIL, .*found none"):
        _run("reports", "make", "data_quality")
    person("trader")
    person("viewer")
    with pytest.raises(InvalidInput, match="expected --owner EMAIL, .*found several"):
        _run("reports", "make", "data_quality")
    with pytest.raises(NotFound, match="no user eve@example.org"):
        _run("reports", "make", "data_quality", "--owner", "eve@example.org")
    assert "No reports yet" in _run("reports", "list").output
    assert "No schedules yet" in _run("reports", "schedules").output
    assert "is queued" in _run("reports", "make", "data_quality", "--owner", "TRADER@example.org").output


def test_errors_of_an_api_are_those_of_the_tree(
    server: Server, things: dict[str, Any], store: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = ("--api", server.url)
    with pytest.raises(NotFound, match="bot 999999 does not exist"):
        _run(*api, "bots", "show", "999999")
    with store.begin() as connection:
        connection.execute(sa.text("UPDATE bot SET status = 'stopped'"))
    with pytest.raises(Conflict, match="is stopped"):
        _run(*api, "bots", "resume", str(things["bot_id"]))
    with pytest.raises(Unavailable, match="expected the API to answer"):
        _run("--api", "http://127.0.0.1:9", "bots", "list")
    # What only works on this machine is not there.
    assert _run(*api, "candles", "list").exit_code == 2
    monkeypatch.setenv("AUTOGRID_API_KEY", "ag_wrong")
    with pytest.raises(NotSignedIn):
        _run(*api, "bots", "list")
    monkeypatch.delenv("AUTOGRID_API_KEY")
    with pytest.raises(InvalidInput, match="set AUTOGRID_API_KEY"):
        _run(*api, "bots", "list")


def test_users_are_made_and_promoted_on_the_command_line(client: httpx.Client) -> None:
    assert "No users yet" in _run("users", "list").output
    assert "is admin" in _run("users", "add", "Ada@example.org", "--role", "admin", "--stdin", stdin=PASSWORD).output
    with pytest.raises(Conflict):
        _run("users", "add", "ada@EXAMPLE.org", "--stdin", stdin=PASSWORD)
    with pytest.raises(InvalidInput, match="expected 12 to 256 characters, found 5"):
        _run("users", "add", "bob@example.org", "--stdin", stdin="short")
    with pytest.raises(InvalidInput, match="found 'bob'"):
        _run("users", "add", "bob", stdin="")  # before the password is asked for
    with pytest.raises(Conflict, match="only active admin"):
        _run("users", "promote", "ada@example.org", "--role", "viewer")
    _run("users", "add", "bob@example.org", "--role", "viewer", "--stdin", stdin=PASSWORD)
    assert "is trader" in _run("users", "promote", "BOB@example.org", "--role", "trader").output
    with pytest.raises(NotFound):
        _run("users", "promote", "eve@example.org")
    listed = _run("users", "list").output
    assert "Ada@example.org" in listed
    assert "bob@example.org" in listed
    assert PASSWORD not in listed
    signed_in = client.post("/v1/auth/login", json={"email": "ada@example.org", "password": PASSWORD})
    assert signed_in.status_code == 200
