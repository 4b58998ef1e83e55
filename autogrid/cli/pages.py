"""The REST API and the web page beside the workers: their commands, addresses, and what a newcomer has to know."""

import socket
import sys

from autogrid.errors import Unavailable
from autogrid.settings import Settings


def commands(chosen: Settings, api_port: int) -> dict[str, list[str]]:
    """Name -> command of the REST API and the web page."""
    api = [sys.executable, "-m", "uvicorn", "services.api.app:app", "--no-access-log", "--no-server-header"]
    return {
        "api": [*api, "--host", chosen.api_host, "--port", str(api_port)],
        "web": [sys.executable, "-m", "services.web"],
    }


def url(host: str, port: int) -> str:
    """Where to find on this machine what listens there."""
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '::', '') else host}:{port}"


def require_free(chosen: Settings) -> None:
    """Unavailable where one of both ports is taken."""
    for name, host, port in (("API", chosen.api_host, chosen.api_port), ("WEB", chosen.web_host, chosen.web_port)):
        if not is_free(host, port):
            raise Unavailable(f"{host}:{port} is taken by another process: end it, or set {name}_PORT to a free port")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free(host: str, port: int) -> int:
    """The port, or any free one where it is taken."""
    if is_free(host, port):
        return port
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def told(chosen: Settings) -> str:
    """Where the page is, and who may sign in."""
    from autogrid.store import users
    from autogrid.store.engine import engine

    text = f"The page: {url(chosen.web_host, chosen.web_port)}"
    text += f", the REST API: {url(chosen.api_host, chosen.api_port)}/docs."
    with engine().begin() as connection:
        if users.listing(connection, None, 1):
            return text
    there = "create an account there, or " if chosen.signup_enabled or chosen.signup_enabled is None else ""
    return f"{text} Nobody can sign in yet: {there}autogrid users add EMAIL --role admin"
