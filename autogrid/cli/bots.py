"""`autogrid bots`: look at bots, and say what is wanted of them."""

from typing import TYPE_CHECKING, Annotated

import typer

from autogrid.cli.ids import AnyBotId, BotId, SwitchId

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

app = typer.Typer(help="Bots: list, show, explain, pause, resume, stop, kill, release, watch.", no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="Kept in the bot's events.")]
Account = Annotated[str | None, typer.Option(help="Only those of an account, by name.")]


@app.command("list")
def list_(account: Account = None) -> None:
    """All bots."""
    from rich.console import Console

    from autogrid.cli.bots_show import listing
    from autogrid.store import bots
    from autogrid.store.engine import engine

    with engine().connect() as connection:
        rows = bots.listing(connection, account_id=_account(connection, account))
    if rows:
        Console().print(listing(rows))
    else:
        typer.echo("No bots yet. See: autogrid promote --help")


@app.command("show")
def show(bot: BotId) -> None:
    """One bot: its grid, last fills and events."""
    from rich.console import Console

    from autogrid.cli.bots_show import details
    from autogrid.store import bots
    from autogrid.store.engine import engine

    with engine().connect() as connection:
        Console().print(details(connection, bots.get(connection, bot)))


@app.command("explain")
def explain(bot: BotId) -> None:
    """For every cell: what should rest, what rests, and why they differ."""
    from rich.console import Console

    from autogrid.cli.bots_show import explanation
    from autogrid.store.engine import engine

    Console().print(explanation(engine(), bot))


@app.command("pause")
def pause(
    bot: BotId,
    keep_orders: Annotated[bool, typer.Option(help="Leave its orders resting; place no new ones.")] = False,
    reason: Reason = "command line",
) -> None:
    """Let a bot rest: its orders are cancelled, its base is kept."""
    _wish(bot, "hold" if keep_orders else "pause", reason)


@app.command("resume")
def resume(bot: BotId, reason: Reason = "command line") -> None:
    """Let a paused or halted bot go on."""
    _wish(bot, "run", reason)


@app.command("stop")
def stop(
    bot: BotId,
    sell: Annotated[bool, typer.Option(help="Sell its base at the market.")] = False,
    reason: Reason = "command line",
) -> None:
    """End a bot: cancel its orders, and keep or sell its base."""
    _wish(bot, "stop_sell" if sell else "stop", reason)


@app.command("kill")
def kill(
    bot: AnyBotId = None,
    account: Annotated[str | None, typer.Option(help="All bots of an account, by name.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All bots there are.")] = False,
    reason: Reason = "command line",
) -> None:
    """Engage the kill switch: cancel everything and halt, and let nothing start; a bot, an account's, or all."""
    from autogrid.errors import InvalidInput
    from autogrid.store import audit, kill_switch
    from autogrid.store.engine import engine

    if (bot is not None) + (account is not None) + all_ != 1:
        raise InvalidInput("kill needs exactly one of ID, --account NAME and --all")
    with engine().begin() as connection:
        which = bot if account is None else _account(connection, account)
        scope = "everything" if all_ else "account" if bot is None else "bot"
        switch, killed = kill_switch.engage(connection, scope, which, reason, None)
        audit.add(connection, None, "bots kill", f"/v1/kill-switch/{switch.id}", 0)
    typer.echo(f"killed: {', '.join(map(str, killed)) or 'none was alive'}")
    typer.echo(f"kill switch {switch.id} is engaged; to end it: autogrid bots release {switch.id}")


@app.command("switches")
def switches(
    released: Annotated[bool, typer.Option("--released", help="Those of the past instead.")] = False,
) -> None:
    """Kill switches that are engaged."""
    from rich.console import Console

    from autogrid.cli.bots_show import switches as shown
    from autogrid.store import kill_switch
    from autogrid.store.engine import engine

    with engine().connect() as connection:
        rows = kill_switch.page(connection, None, limit=500, released=released)
    if rows:
        Console().print(shown([vars(row) for row in rows]))
    else:
        typer.echo("No kill switch was released yet." if released else "No kill switch is engaged.")


@app.command("release")
def release(switch: SwitchId) -> None:
    """Release a kill switch: its bots stay halted, and may be resumed one by one."""
    from autogrid.store import audit, kill_switch
    from autogrid.store.engine import engine

    with engine().begin() as connection:
        found = kill_switch.release(connection, switch, None, as_admin=True)
        audit.add(connection, None, "bots release", f"/v1/kill-switch/{switch}", 0)
    typer.echo(f"kill switch {switch} ({found.scope}) is released; go on with: autogrid bots resume ID")


@app.command("watch")
def watch(
    account: Account = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after so long; else at Ctrl-C.")] = None,
    every: Annotated[float, typer.Option(help="Seconds between looks.", min=0.1)] = 1.0,
) -> None:
    """All bots, again and again."""
    import time

    from rich.live import Live

    from autogrid.cli.bots_show import listing
    from autogrid.store import bots
    from autogrid.store.engine import engine

    store, began = engine(), time.monotonic()
    with Live(refresh_per_second=4) as live:
        try:
            while seconds is None or time.monotonic() - began < seconds:
                with store.connect() as connection:
                    live.update(listing(bots.listing(connection, account_id=_account(connection, account))))
                time.sleep(every)
        except KeyboardInterrupt:
            return


def _wish(bot: int, wish: str, reason: str) -> None:
    from autogrid.store import bots
    from autogrid.store.engine import engine

    with engine().begin() as connection:
        bots.set_wish(connection, bot, wish, reason)
    typer.echo(f"bot {bot}: {wish}; see: autogrid bots explain {bot}")


def _account(connection: "Connection", name: str | None) -> int | None:
    from autogrid.store import accounts

    return None if name is None else accounts.get(connection, name).id
