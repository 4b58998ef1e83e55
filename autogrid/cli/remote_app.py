"""The commands that `autogrid --api URL` has: those on bots, accounts and reports, carried out by a REST API."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from autogrid.cli import remote_reports
from autogrid.cli.ids import AnyBotId, BotId, SwitchId
from autogrid.cli.remote import Remote, api

bots = typer.Typer(help="Bots: list, show, explain, pause, resume, stop, kill, release.", no_args_is_help=True)
accounts = typer.Typer(help="Accounts at exchanges: list, test.", no_args_is_help=True)
app = typer.Typer(name="autogrid --api", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(bots, name="bots")
app.add_typer(accounts, name="accounts")
app.add_typer(remote_reports.app, name="reports")


class HereOrThere(TyperGroup):
    """The commands of this machine or, once an API was named, the commands that an API can carry out."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that `args` begin with."""
        from autogrid.settings import settings

        if not (ctx.params.get("api_url") or settings().autogrid_api_url):
            return super().resolve_command(ctx, args)
        there = typer.main.get_group(app)
        return there.resolve_command(ctx, args)


@bots.command("list")
def list_bots(account: Annotated[str | None, typer.Option(help="Only those of an account.")] = None) -> None:
    """All bots."""
    from autogrid.cli import remote_show

    number = None if account is None else remote_show.account_id(api(), account)
    _print(remote_show.bots(api().pages("/v1/bots", account_id=number)))


@bots.command("show")
def show(bot: BotId) -> None:
    """One bot: its PnL split, last fills and events."""
    from autogrid.cli import remote_show

    _print(remote_show.bot(api(), bot))


@bots.command("explain")
def explain(bot: BotId) -> None:
    """For every cell: what should rest, what rests, and why they differ."""
    from autogrid.cli import remote_show

    _print(remote_show.explanation(api(), bot))


@bots.command("pause")
def pause(bot: BotId, keep_orders: Annotated[bool, typer.Option(help="Leave its orders resting.")] = False) -> None:
    """Let a bot rest: its orders are cancelled, its base is kept."""
    _act(bot, "pause", {"keep_orders": keep_orders})


@bots.command("resume")
def resume(bot: BotId) -> None:
    """Let a paused or halted bot go on."""
    _act(bot, "resume")


@bots.command("stop")
def stop(bot: BotId, sell: Annotated[bool, typer.Option(help="Sell its base at the market.")] = False) -> None:
    """End a bot: cancel its orders, and keep or sell its base."""
    _act(bot, "stop", {"sell": sell})


@bots.command("kill")
def kill(
    bot: AnyBotId = None,
    account: Annotated[str | None, typer.Option(help="All bots of an account.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All of your bots.")] = False,
    reason: Annotated[str, typer.Option(help="Kept in the bot's events.")] = "command line",
) -> None:
    """Engage the kill switch: cancel everything and halt, and let nothing start; a bot, an account's, or yours."""
    from autogrid.cli import remote_show
    from autogrid.errors import InvalidInput

    if (bot is not None) + (account is not None) + all_ != 1:
        raise InvalidInput("kill needs exactly one of ID, --account NAME and --all")
    body: dict[str, Any] = {"scope": "mine"}
    if bot is not None:
        body = {"scope": "bot", "id": bot}
    elif account is not None:
        body = {"scope": "account", "id": remote_show.account_id(api(), account)}
    answer = api().call("POST", "/v1/kill-switch", body | {"reason": reason})
    typer.echo(f"killed: {', '.join(map(str, answer['bots'])) or 'none was alive'}")
    typer.echo(f"kill switch {answer['switch']['id']} is engaged; to end it: bots release {answer['switch']['id']}")


@bots.command("switches")
def switches(
    released: Annotated[bool, typer.Option("--released", help="Those of the past instead.")] = False,
) -> None:
    """Kill switches that are engaged and concern you."""
    from autogrid.cli.bots_show import switches as shown

    rows = api().pages("/v1/kill-switch", released=released)
    _print(shown(rows) if rows else "none")


@bots.command("release")
def release(switch: SwitchId) -> None:
    """Release a kill switch: its bots stay halted, and may be resumed one by one."""
    found = api().call("POST", f"/v1/kill-switch/{switch}/release")
    typer.echo(f"kill switch {switch} ({found['scope']}) is released; go on with: bots resume ID")


@accounts.command("list")
def list_accounts() -> None:
    """All accounts, without their secrets."""
    from autogrid.cli import remote_show

    _print(remote_show.accounts(api().pages("/v1/accounts")))


@accounts.command("test")
def test(name: Annotated[str, typer.Argument(help="Account by name.")]) -> None:
    """Ask the exchange: does the key work, may it trade, may it (it should not) withdraw?"""
    from autogrid.cli import remote_show

    there: Remote = api()
    found = there.call("POST", f"/v1/accounts/{remote_show.account_id(there, name)}/test")
    if found["reachable"]:
        held = ", ".join(f"{each['total']} {each['asset']}" for each in found["balances"])
        typer.echo(f"{name}: the key works; balance: {held or 'nothing'}")
    for warning in found["warnings"]:
        typer.echo(f"warning: {warning}", err=True)
    if not found["reachable"] or found["trade"] is False:
        raise typer.Exit(1)


def _act(bot: int, action: str, body: dict[str, Any] | None = None) -> None:
    answer = api().call("POST", f"/v1/bots/{bot}/{action}", body)
    typer.echo(f"bot {bot}: {answer['wish']}, {answer['status']}")


def _print(what: Any) -> None:
    from rich.console import Console

    Console().print(what)
