"""`autogrid accounts`: who may trade where."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from autogrid.store.accounts import Credentials

app = typer.Typer(help="Accounts at exchanges: add, list, test.", no_args_is_help=True)

Stdin = Annotated[bool, typer.Option(help="Read key, secret and password as lines of standard input.")]
FromEnv = Annotated[
    bool,
    typer.Option(
        "--from-env",
        help="Read them from the environment: EXCHANGE_API_KEY, EXCHANGE_API_SECRET and, where the exchange asks "
        "for one, EXCHANGE_API_PASSWORD.",
    ),
]


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    exchange: Annotated[str, typer.Option(help="ccxt's name of the exchange, such as binance; or paper.")],
    base_url: Annotated[str | None, typer.Option(help="Another server that speaks the exchange's API.")] = None,
    stdin: Stdin = False,
    from_env: FromEnv = False,
) -> None:
    """Add an account. Its key and secret are asked for without showing them, or read as lines or from the environment.

    They are no arguments: everybody on the machine could read those.
    """
    from autogrid.errors import InvalidInput
    from autogrid.exchange import outbound
    from autogrid.exchange.ccxt_table import profile
    from autogrid.store import accounts
    from autogrid.store.engine import engine

    # All that can be wrong is said before anybody types a secret.
    if not name.strip():
        raise InvalidInput("name: expected one or more characters, found none")
    if exchange != accounts.PAPER:
        profile(exchange)
    if base_url:
        outbound.check_url(base_url, "base_url")
    credentials = None if exchange == accounts.PAPER else _credentials(stdin, from_env)
    with engine().begin() as connection:
        made = accounts.add(
            connection, name=name, exchange=exchange, credentials=credentials, base_url=base_url or None
        )
    typer.echo(f"account {made} ({name}) at {exchange}; next: autogrid accounts test {name}")


@app.command("set-key")
def set_key(
    name: Annotated[str, typer.Argument(help="Account by name.")],
    stdin: Stdin = False,
    from_env: FromEnv = False,
) -> None:
    """Replace an account's key and secret."""
    from autogrid.store import accounts
    from autogrid.store.engine import engine

    credentials = _credentials(stdin, from_env)
    with engine().begin() as connection:
        accounts.set_credentials(connection, accounts.get(connection, name).id, credentials)
    typer.echo(f"{name}: key ...{credentials.api_key[-4:]} set")


@app.command("list")
def list_() -> None:
    """All accounts, without their secrets."""
    from rich.console import Console
    from rich.table import Table

    from autogrid.store import accounts
    from autogrid.store.engine import engine

    with engine().connect() as connection:
        rows = accounts.listing(connection)
    if not rows:
        typer.echo("No accounts yet. See: autogrid accounts add --help")
        return
    table = Table("id", "name", "exchange", "key", "state")
    for row in rows:
        state = f"blocked: {row.blocked_reason}" if row.blocked_reason else "open"
        key = f"...{row.key_hint}" if row.key_hint else "-"
        table.add_row(str(row.id), row.name, row.exchange + (f" ({row.base_url})" if row.base_url else ""), key, state)
    Console().print(table)


@app.command("test")
def test(name: Annotated[str, typer.Argument(help="Account by name.")]) -> None:
    """Ask the exchange: does the key work, may it trade, may it (it should not) withdraw?"""
    from autogrid.exchange.account import open_account
    from autogrid.exchange.limiter import MemoryLimiter
    from autogrid.live.probe import probe
    from autogrid.store import accounts
    from autogrid.store.engine import engine

    with engine().connect() as connection:
        account = accounts.get(connection, name)
        if account.exchange == accounts.PAPER:
            typer.echo(f"{name}: a paper account needs no key")
            return
        exchange = open_account(connection, account, MemoryLimiter())
    try:
        found = probe(exchange)
    finally:
        exchange.close()
    if found.reachable:
        held = ", ".join(f"{balance.total:f} {coin}" for coin, balance in sorted(found.balances.items()))
        typer.echo(f"{name}: the key works; balance: {held or 'nothing'}")
    for warning in found.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if not found.reachable or found.trade is False:
        raise typer.Exit(1)


def _credentials(stdin: bool, from_env: bool) -> "Credentials":
    from autogrid.errors import InvalidInput
    from autogrid.store.accounts import Credentials

    if stdin and from_env:
        raise InvalidInput("give --stdin or --from-env, not both")
    if from_env:
        key, secret, password = _from_env()
    elif stdin:
        lines = [line.strip() for line in sys.stdin.read().splitlines()]
        key, secret, password = (*lines, "", "", "")[:3]
    else:
        key = typer.prompt("API key")
        secret = typer.prompt("Secret", hide_input=True)
        password = typer.prompt("Password (only okx, kucoin, bitget)", default="", hide_input=True, show_default=False)
    if not key or not secret:
        remedy = ": set EXCHANGE_API_KEY and EXCHANGE_API_SECRET" if from_env else ""
        raise InvalidInput(f"expected an API key and a secret, found {'no secret' if key else 'no key'}{remedy}")
    return Credentials(key, secret, password or None)


def _from_env() -> tuple[str, str, str]:
    from autogrid.settings import settings

    chosen = settings()
    found = (chosen.exchange_api_key, chosen.exchange_api_secret, chosen.exchange_api_password)
    key, secret, password = ("" if each is None else each.get_secret_value().strip() for each in found)
    return key, secret, password
