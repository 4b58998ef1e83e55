"""`autogrid worker` and `autogrid up`: the running parts, as processes that this one keeps alive."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

QUEUES = "live,research,reports,default"
#: What `up` gives to a second worker, so that no study and no download stands in the way of a tick.
OTHER_QUEUES = "research,reports,default"
Queues = Annotated[str, typer.Option(help="Queues to work on, separated by commas.")]
Concurrency = Annotated[int, typer.Option(help="Worker processes.", min=1)]


def servers() -> dict[str, str]:
    """Start or join PostgreSQL and Redis; what children need in their environment to find them."""
    from autogrid.store import embedded_valkey
    from autogrid.store import engine as engines

    engines.engine()
    return {"DATABASE_URL": engines.libpq_url(), "REDIS_URL": embedded_valkey.redis_url()}


def worker(queues: Queues = QUEUES, concurrency: Concurrency = 2, name: str = "worker") -> None:
    """Work on tasks, until Ctrl-C.

    Ticks of live and paper bots, research jobs, reports.
    """
    from autogrid.cli import supervise

    found = servers()
    member = supervise.Member(name, supervise.worker(queues, concurrency, f"{name}{os.getpid()}"), found)
    supervise.Supervisor([member]).run()


def up(
    concurrency: Annotated[int, typer.Option(help="Processes that tick bots.", min=1)] = 2,
    log: Annotated[
        Path | None, typer.Option(help="File for the log of all processes; default: standard error.")
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(help="Serve /metrics of worker, beat, streams, helper on this port and the next three."),
    ] = None,
    web: Annotated[bool, typer.Option("--web", help="The REST API and the web page, too.")] = False,
) -> None:
    """Run all that bots need, until Ctrl-C.

    PostgreSQL and Valkey where no other server is configured, a worker for ticks, beat, the user streams, and a helper
    for all other tasks.
    """
    from autogrid.cli import supervise
    from autogrid.settings import settings

    with supervise.alone(settings().autogrid_home.expanduser() / "up.lock", "autogrid up"):
        _up(concurrency, log, metrics_port, web)


def _up(concurrency: int, log: Path | None, metrics_port: int | None, web: bool) -> None:
    from autogrid.cli import pages, supervise
    from autogrid.settings import settings

    chosen = settings()
    if web:
        pages.require_free(chosen)
    found = servers()
    commands = {
        "worker": supervise.worker("live", concurrency, f"live{os.getpid()}"),
        "beat": supervise.beat(),
        "streams": [sys.executable, "-m", "services.worker.streams"],
        "helper": supervise.worker(OTHER_QUEUES, 2, f"helper{os.getpid()}"),
    }
    if web:
        commands |= pages.commands(chosen, chosen.api_port)
        found["API_URL"] = pages.url(chosen.api_host, chosen.api_port)
    # In the home, which no other `up` uses: what a killed one left is gone with the next start.
    folder = chosen.autogrid_home.expanduser() / "metrics" / "up"
    shutil.rmtree(folder, ignore_errors=True)
    members = []
    for number, (name, command) in enumerate(commands.items()):
        environment = dict(found)
        if metrics_port is not None:
            environment["METRICS_PORT"] = str(metrics_port + number)
            environment["PROMETHEUS_MULTIPROC_DIR"] = str(folder / name)
        members.append(supervise.Member(name, command, environment))
    output = None if log is None else log.open("ab")
    typer.echo(f"AutoGrid is up: {', '.join(commands)}. Ctrl-C stops all of it.", err=True)
    if web:
        typer.echo(pages.told(chosen), err=True)
    try:
        supervise.Supervisor(members, output).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if output is not None:
            output.close()
