"""The end of `autogrid demo --serve`: API and page stay, with a user to look around."""

import secrets
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from autogrid.cli import pages, supervise
from autogrid.cli.up import servers
from autogrid.errors import Unavailable

if TYPE_CHECKING:
    from rich.console import Console

EMAIL = "demo@example.org"
PATIENCE_S = 120.0


def serve(home: Path, console: "Console") -> None:
    """API, page and a research worker, until Ctrl-C. The bot's exchange has to run meanwhile."""
    from autogrid.settings import settings

    password = _user()
    chosen = settings()
    api, web = pages.free(chosen.api_host, chosen.api_port), pages.free(chosen.web_host, chosen.web_port)
    environment = {**servers(), "API_URL": pages.url(chosen.api_host, api), "WEB_PORT": str(web)}
    commands = pages.commands(chosen, api)
    commands["research"] = supervise.worker("research,reports", 1, "demoresearch")
    with (home / "serve.log").open("ab") as output:
        members = [supervise.Member(name, command, environment) for name, command in commands.items()]
        running = supervise.Supervisor(members, output)
        try:
            running.start()
            url = pages.url(chosen.web_host, web)
            for each in (environment["API_URL"], url):
                _wait(f"{each}/healthz", home)
            console.rule("[bold]7  The page")
            console.print(f"[bold]{url}[/]  sign in as [bold]{EMAIL}[/], password [bold]{password}[/]", highlight=False)
            console.print(f"REST API: {environment['API_URL']}/docs. Ctrl-C ends all of it.", highlight=False)
            while True:
                time.sleep(0.5)
                running.check()
        finally:
            running.stop(5)


def _user() -> str:
    """An admin, who sees everything of the demo; the password."""
    from autogrid.store import passwords, users
    from autogrid.store.engine import engine

    password = secrets.token_urlsafe(12)
    with engine().begin() as connection:
        users.add(connection, EMAIL, passwords.hash_of(password), "admin")
    return password


def _wait(url: str, home: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                log = (home / "serve.log").read_text(encoding="utf-8")[-800:]
                raise Unavailable(f"{url} did not answer within {PATIENCE_S:.0f} s: {log}") from error
            time.sleep(0.2)
