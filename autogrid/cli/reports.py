"""`autogrid reports`: reports that workers make, and the schedules that have them made."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autogrid.cli.ids import OfBot, OfStudy, ReportId, ScheduleId

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

app = typer.Typer(
    help="Reports that workers make: list, show, get, make, schedule, schedules, unschedule.", no_args_is_help=True
)

TemplateName = Annotated[
    str, typer.Argument(help="study, bot_daily, portfolio_weekly or data_quality.", metavar="TEMPLATE")
]
Owner = Annotated[str | None, typer.Option(help="Whose report, by e-mail; may be left out where there is one user.")]
Out = Annotated[Path | None, typer.Option(help="The file; out/report-ID by default.")]
Notebook = Annotated[bool, typer.Option("--notebook", help="The executed notebook instead of the page.")]
Cron = Annotated[str, typer.Option(help='When: minute, hour, day, month, day of week, such as "0 8 * * 1-5".')]
TimeZone = Annotated[str, typer.Option(help="Where the clock hangs, such as Europe/Berlin.")]
Limit = Annotated[int, typer.Option(help="Most reports shown, the newest.", min=1, max=500)]


@app.command("list")
def list_(limit: Limit = 50) -> None:
    """Reports, newest first."""
    from rich.console import Console

    from autogrid.cli import reports_show
    from autogrid.store import reports
    from autogrid.store.engine import engine

    with engine().connect() as connection:
        rows = reports.listing(connection, None, limit=limit)
    Console().print(reports_show.reports(rows) if rows else "No reports yet. See: autogrid reports make --help")


@app.command("show")
def show(report: ReportId) -> None:
    """One report: its state, and why it failed."""
    from rich.console import Console

    from autogrid.cli import reports_show
    from autogrid.store import reports
    from autogrid.store.engine import engine

    with engine().connect() as connection:
        Console().print(reports_show.reports([reports.get(connection, report, None)]))


@app.command("get")
def get(report: ReportId, out: Out = None, notebook: Notebook = False) -> None:
    """Write a report's page, or its executed notebook, to a file."""
    from autogrid.cli import reports_show
    from autogrid.store import reports
    from autogrid.store.engine import engine

    with engine().connect() as connection:
        document = reports.document(connection, report, None, "notebook" if notebook else "html")
    typer.echo(str(reports_show.write(report, document, notebook, out)))


@app.command("make")
def make(template: TemplateName, bot: OfBot = None, study: OfStudy = None, owner: Owner = None) -> None:
    """Have a report made; a worker of the reports queue (autogrid up has one) finds it within seconds."""
    from autogrid.cli.reports_show import params
    from autogrid.store import audit, report_templates, reports
    from autogrid.store.engine import engine

    wanted = params(bot, study)
    report_templates.check(template, wanted)
    with engine().begin() as connection:
        row = reports.add(connection, _owner(connection, owner, wanted), template, wanted)
        audit.add(connection, None, "reports make", f"/v1/reports/{row['id']}", 0)
    typer.echo(f"report {row['id']} is queued; next: autogrid reports show {row['id']}")


@app.command("schedules")
def schedules() -> None:
    """Reports that come by themselves."""
    from rich.console import Console

    from autogrid.cli import reports_show
    from autogrid.store import schedules
    from autogrid.store.engine import engine

    with engine().connect() as connection:
        rows = schedules.listing(connection, None, limit=500)
    Console().print(reports_show.schedules(rows) if rows else "No schedules yet. See: autogrid reports schedule --help")


@app.command("schedule")
def schedule(
    template: TemplateName,
    cron: Cron,
    time_zone: TimeZone = "UTC",
    bot: OfBot = None,
    study: OfStudy = None,
    owner: Owner = None,
) -> None:
    """Have a report made again and again."""
    from datetime import UTC, datetime

    from autogrid.cli.reports_show import params
    from autogrid.store import audit, report_templates, schedules
    from autogrid.store.engine import engine

    wanted = params(bot, study)
    report_templates.check(template, wanted)
    values = {"template": template, "params": wanted, "cron": cron, "time_zone": time_zone, "enabled": True}
    with engine().begin() as connection:
        row = schedules.add(connection, _owner(connection, owner, wanted), values, datetime.now(UTC))
        audit.add(connection, None, "reports schedule", f"/v1/schedules/{row['id']}", 0)
    typer.echo(f"schedule {row['id']}: next at {row['next_at'].astimezone(UTC):%Y-%m-%d %H:%M} UTC")


@app.command("unschedule")
def unschedule(schedule: ScheduleId) -> None:
    """Delete a schedule; its reports stay."""
    from autogrid.store import audit, schedules
    from autogrid.store.engine import engine

    with engine().begin() as connection:
        schedules.remove(connection, schedule, None)
        audit.add(connection, None, "reports unschedule", f"/v1/schedules/{schedule}", 0)
    typer.echo(f"schedule {schedule} is deleted")


def _owner(connection: "Connection", email: str | None, params: dict[str, int]) -> int:
    """Whose report it is to be; what it is about has to exist and be that user's."""
    from autogrid.errors import InvalidInput, NotFound
    from autogrid.store import bots, studies, users

    if email is not None:
        user = users.by_email(connection, email)
        if user is None:
            raise NotFound(f"there is no user {email}: autogrid users list shows those there are")
    else:
        found = users.listing(connection, limit=2)
        if len(found) != 1:
            has = "several" if found else "none: autogrid users add"
            raise InvalidInput(f"expected --owner EMAIL, since there is not exactly one user, found {has}")
        user = found[0]
    if "bot_id" in params:
        bots.get(connection, params["bot_id"])
    if "study_id" in params:
        studies.get(connection, params["study_id"], user["id"])
    return int(user["id"])
