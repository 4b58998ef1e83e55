"""All commands."""

from typing import Annotated

import typer

from autogrid.cli import (
    accounts,
    api,
    backtest,
    bots,
    candles,
    db,
    demo,
    loopback,
    ops,
    passports,
    promote,
    remote,
    remote_app,
    replay,
    report,
    reports,
    secrets,
    twin,
    up,
    users,
    walkforward,
    web,
)

app = typer.Typer(
    name="autogrid",
    help="AutoGrid: grid trading from notebook to production.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    cls=remote_app.HereOrThere,
)


@app.callback()
def _here_or_there(
    ctx: typer.Context,
    api_url: Annotated[
        str | None, typer.Option("--api", metavar="URL", help="REST API to work with; its key is AUTOGRID_API_KEY.")
    ] = None,
) -> None:
    """AutoGrid: grid trading from notebook to production."""
    remote.choose(api_url)
    ctx.call_on_close(remote.leave)


app.command("backtest")(backtest.backtest)
app.command("replay")(replay.replay)
app.command("walkforward")(walkforward.walkforward)
app.command("promote")(promote.promote)
app.command("verify")(promote.verify)
app.command("twin")(twin.twin)
app.add_typer(accounts.app, name="accounts")
app.add_typer(bots.app, name="bots")
app.add_typer(users.app, name="users")
app.add_typer(passports.app, name="passports")
app.add_typer(candles.app, name="candles")
app.add_typer(db.app, name="db")
app.add_typer(ops.app, name="ops")
app.add_typer(secrets.app, name="secrets")
app.command("worker")(up.worker)
app.command("up")(up.up)
app.command("api")(api.api)
app.command("web")(web.web)
app.command("demo")(demo.demo)
app.add_typer(report.app, name="report")
app.add_typer(reports.app, name="reports")
app.command(
    "loopback",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(loopback.loopback)
