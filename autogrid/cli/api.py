"""`autogrid api`: the REST API as a process."""

import os
import sys
from typing import Annotated

import typer


def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default: API_HOST, 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; default: API_PORT, 8000.")] = None,
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 1,
) -> None:
    """Serve the REST API, until Ctrl-C; its description is at /docs."""
    from autogrid.cli.up import servers
    from autogrid.settings import settings

    chosen = settings()
    command = [sys.executable, "-m", "uvicorn", "services.api.app:app", "--no-access-log", "--no-server-header"]
    command += ["--host", host or chosen.api_host, "--port", str(port or chosen.api_port), "--workers", str(workers)]
    environment = dict(os.environ)
    if workers > 1:
        # Started here once, and left running for the processes that follow.
        environment |= servers()
        folder = chosen.autogrid_home.expanduser() / "metrics" / f"api-{port or chosen.api_port}"
        environment.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder))
    os.execve(command[0], command, environment)
