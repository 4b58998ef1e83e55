"""`autogrid --api URL reports`: as `autogrid reports`, carried out by a REST API."""

from typing import Any

import typer

from autogrid.cli.ids import OfBot, OfStudy, ReportId, ScheduleId
from autogrid.cli.remote import api
from autogrid.cli.reports import Cron, Limit, Notebook, Out, TemplateName, TimeZone

app = typer.Typer(
    help="Reports that workers make: list, show, get, make, schedule, schedules, unschedule.", no_args_is_help=True
)


@app.command("list")
def list_(limit: Limit = 50) -> None:
    """Your reports, newest first."""
    from autogrid.cli import reports_show

    rows = api().call("GET", "/v1/reports", limit=limit)["items"]
    _print(reports_show.reports(rows) if rows else "No reports yet.")


@app.command("show")
def show(report: ReportId) -> None:
    """One report: its state, and why it failed."""
    from autogrid.cli import reports_show

    _print(reports_show.reports([api().call("GET", f"/v1/reports/{report}")]))


@app.command("get")
def get(report: ReportId, out: Out = None, notebook: Notebook = False) -> None:
    """Write a report's page, or its executed notebook, to a file."""
    from autogrid.cli import reports_show

    document = api().text(f"/v1/reports/{report}/{'notebook' if notebook else 'html'}")
    typer.echo(str(reports_show.write(report, document, notebook, out)))


@app.command("make")
def make(template: TemplateName, bot: OfBot = None, study: OfStudy = None) -> None:
    """Have a report made now."""
    from autogrid.cli.reports_show import params

    row = api().call("POST", "/v1/reports", {"template": template, "params": params(bot, study)})
    typer.echo(f"report {row['id']} is queued; next: reports show {row['id']}")


@app.command("schedules")
def schedules() -> None:
    """Your reports that come by themselves."""
    from autogrid.cli import reports_show

    rows = api().pages("/v1/schedules")
    _print(reports_show.schedules(rows) if rows else "No schedules yet.")


@app.command("schedule")
def schedule(
    template: TemplateName, cron: Cron, time_zone: TimeZone = "UTC", bot: OfBot = None, study: OfStudy = None
) -> None:
    """Have a report made again and again."""
    from autogrid.cli.reports_show import params

    body = {"template": template, "params": params(bot, study), "cron": cron, "time_zone": time_zone}
    row = api().call("POST", "/v1/schedules", body)
    typer.echo(f"schedule {row['id']}: next at {row['next_at'][:16].replace('T', ' ')} UTC")


@app.command("unschedule")
def unschedule(schedule: ScheduleId) -> None:
    """Delete a schedule; its reports stay."""
    api().call("DELETE", f"/v1/schedules/{schedule}")
    typer.echo(f"schedule {schedule} is deleted")


def _print(what: Any) -> None:
    from rich.console import Console

    Console().print(what)
