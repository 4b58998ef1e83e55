"""`autogrid web`: the web page as a process."""

import sys
from typing import Annotated

import typer


def web(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default: WEB_HOST, 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; default: WEB_PORT, 3000.")] = None,
    api: Annotated[str | None, typer.Option(help="The REST API; default: API_URL, http://127.0.0.1:8000.")] = None,
) -> None:
    """Serve the web page, until Ctrl-C. It needs the REST API: autogrid api."""
    from autogrid.cli import supervise

    given = {"WEB_HOST": host, "WEB_PORT": None if port is None else str(port), "API_URL": api}
    environment = {name: value for name, value in given.items() if value is not None}
    supervise.Supervisor([supervise.Member("web", [sys.executable, "-m", "services.web"], environment)]).run()
