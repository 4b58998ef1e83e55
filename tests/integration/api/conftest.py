"""The real application on a real PostgreSQL and a real Valkey, behind a real uvicorn."""

import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import structlog
import uvicorn
from fastapi import FastAPI

from autogrid.settings import settings
from autogrid.store import engine as engines
from autogrid.store import passwords, users
from services.api.app import create_app
from services.common import logs

PASSWORD = "correct horse battery"


@dataclass
class Server:
    """The running application."""

    app: FastAPI
    url: str


@dataclass
class Person:
    """A signed-in user and a client that speaks for it."""

    client: httpx.Client
    id: int
    email: str
    tokens: dict[str, Any]

    def call(self, method: str, path: str, **rest: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"} | rest.pop("headers", {})
        return self.client.request(method, path, headers=headers, **rest)

    def get(self, path: str, **rest: Any) -> httpx.Response:
        return self.call("GET", path, **rest)

    def post(self, path: str, body: Any = None, **rest: Any) -> httpx.Response:
        return self.call("POST", path, json=body, **rest)


Make = Callable[..., Person]


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRID_HOME", str(home))
        patch.setenv("AUTH_ATTEMPTS_PER_MINUTE", "100000")
        patch.delenv("DATABASE_URL", raising=False)
        patch.delenv("REDIS_URL", raising=False)
        settings.cache_clear()
        logs.configure(stream=io.StringIO())
        app = create_app()
        # Nothing here has to survive a power cut.
        with engines.engine().begin() as connection:
            connection.execute(sa.text("ALTER DATABASE autogrid SET synchronous_commit TO off"))
        engines.engine().dispose()
        running = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="on"))
        thread = threading.Thread(target=running.run)
        thread.start()
        while not running.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.02)
        port = running.servers[0].sockets[0].getsockname()[1]
        yield Server(app, f"http://127.0.0.1:{port}")
        running.should_exit = True
        thread.join()
    structlog.reset_defaults()
    settings.cache_clear()


@pytest.fixture
def client(store: sa.Engine, server: Server) -> Iterator[httpx.Client]:
    """A client of the running server, nobody signed in; no users, no memory of attempts."""
    server.app.state.redis.flushall()
    with httpx.Client(base_url=server.url, timeout=60) as opened:
        yield opened


@pytest.fixture
def person(client: httpx.Client, store: sa.Engine) -> Make:
    """Make a user of a role and sign it in."""
    hashed = passwords.hash_of(PASSWORD)

    def make(role: str = "trader", name: str | None = None) -> Person:
        email = f"{name or role}@example.org"
        with store.begin() as connection:
            row = users.add(connection, email, hashed, role)
        answer = client.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return Person(client, row["id"], email, answer.json())

    return make
