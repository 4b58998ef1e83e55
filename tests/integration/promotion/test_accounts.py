"""Keys of accounts: asked for, read as lines or from the environment, never shown."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from click.testing import Result
from typer.testing import CliRunner

from autogrid.cli.app import app
from autogrid.errors import InvalidInput
from autogrid.settings import settings
from autogrid.store import accounts

NAMES = ("EXCHANGE_API_KEY", "EXCHANGE_API_SECRET", "EXCHANGE_API_PASSWORD")
Run = Callable[..., Result]


@pytest.fixture
def run(store: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Run:
    def invoke(*arguments: str, stdin: str | None = None, **environment: str) -> Result:
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        return CliRunner().invoke(app, ["accounts", *arguments], input=stdin, catch_exceptions=False)

    return invoke


def kept(store: sa.Engine, name: str) -> accounts.Credentials:
    with store.connect() as connection:
        return accounts.credentials(connection, accounts.get(connection, name).id)


def test_the_environment(run: Run, store: sa.Engine) -> None:
    out = run(
        "add", "a", "--exchange", "binance", "--from-env", EXCHANGE_API_KEY="k3y1", EXCHANGE_API_SECRET=" s3cr3t\n"
    )
    assert "account" in out.output
    assert kept(store, "a") == accounts.Credentials("k3y1", "s3cr3t")
    new = dict(zip(NAMES, ("k3y2", "other", "p4ss"), strict=True))
    out = run("set-key", "a", "--from-env", **new)
    assert kept(store, "a") == accounts.Credentials("k3y2", "other", "p4ss")
    assert "p4ss" not in out.output
    assert "other" not in out.output
    # Printing the settings shows nothing either.
    assert not any(value in repr(settings()) for value in new.values())


def test_what_is_missing_is_named(run: Run, store: sa.Engine) -> None:
    arguments = ("add", "b", "--exchange", "binance", "--from-env")
    with pytest.raises(InvalidInput, match="found no key: set EXCHANGE_API_KEY and EXCHANGE_API_SECRET"):
        run(*arguments)
    with pytest.raises(InvalidInput, match="found no secret: set EXCHANGE_API_KEY"):
        run(*arguments, EXCHANGE_API_KEY="k")
    with pytest.raises(InvalidInput, match="give --stdin or --from-env, not both"):
        run(*arguments, "--stdin", stdin="k\ns\n")
    with store.connect() as connection:
        assert accounts.listing(connection) == []


def test_mistakes_are_said_before_a_secret_is_asked_for(run: Run, store: sa.Engine) -> None:
    with pytest.raises(InvalidInput, match="exchange must be one of binance"):
        run("add", "a", "--exchange", "binanse", stdin="k\ns\n")
    with pytest.raises(InvalidInput, match="name: expected"):
        run("add", " ", "--exchange", "binance", stdin="k\ns\n")
    with store.connect() as connection:
        assert accounts.listing(connection) == []


def test_the_prompt_hides_what_is_typed(run: Run, store: sa.Engine) -> None:
    # What the environment holds is not taken without being asked for.
    out = run(
        "add", "c", "--exchange", "okx", stdin="typed\nhidden\nword\n", EXCHANGE_API_KEY="k", EXCHANGE_API_SECRET="s"
    )
    assert kept(store, "c") == accounts.Credentials("typed", "hidden", "word")
    assert "API key: typed" in out.output
    assert "hidden" not in out.output
    assert "word\n" not in out.output.replace("Password", "")


def test_help_says_where_keys_come_from_and_that_they_are_no_arguments(run: Run) -> None:
    text = " ".join(run("add", "--help").output.split())
    assert all(name in text for name in NAMES)
    assert "--secret" not in text
    assert "--api-key" not in text
