"""The command line on the API of another machine, and the commands that make its users."""

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
