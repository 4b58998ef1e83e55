"""What the page calls most, among 1,000 bots and 1,000,000 fills, against a bare FastAPI hello on the same settings.

One JSON line for each call: bytes, p50, p99 and requests per second, and their ratios to the hello's.
Calls take turns, so that whatever else the machine does slows all of them alike.
`--home DIR` keeps the store (0.7 GB, half a minute to fill) for the next run.
"""

import argparse
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parents[2]))

HELLO = """
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def hello() -> dict[str, str]:
    return {"hello": "world"}
"""
WHO = {"email": "bench@example.org", "password": "correct horse battery"}
#: {bot}: one with ten times the history of the others, and a month of equity by the minute.
PATHS = (
    "/healthz",
    "/v1/users/me",
    "/v1/bots?limit=50",
    "/v1/bots?limit=200",
    "/v1/bots/{bot}",
    "/v1/bots/{bot}/cells",
    "/v1/bots/{bot}/fills",
    "/v1/bots/{bot}/orders",
    "/v1/bots/{bot}/events",
    "/v1/bots/{bot}/equity",
    "/v1/alerts?limit=8",
    "/v1/system",
)


def fill(bots: int, fills: int) -> None:
    """A store with one user, and so many bots and fills; the last bot has ten times as many as the others."""
    from autogrid.store import accounts, engine, passwords, users
    from tests import histories

    opened = engine.engine()
    each = fills // (bots + 9)
    with opened.begin() as connection:
        if users.by_email(connection, WHO["email"]) is not None:
            return
        owner = users.add(connection, WHO["email"], passwords.hash_of(WHO["password"]), "trader")["id"]
        account = accounts.add(connection, name="a", exchange="paper", owner_id=owner)
        histories.fill(connection, account, owner, bots - 1, each, 300)
        histories.fill(connection, account, owner, 1, fills - each * (bots - 1), 43_200)
    with opened.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))


def serve(app: str, port: int, folder: str) -> subprocess.Popen[bytes]:
    """uvicorn, the same for both."""
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-access-log", "--log-level", "error"]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": folder, "LOG_LEVEL": "ERROR"})


class Call:
    """One request, again and again on one connection, and how long it took."""

    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self.path = path
        self.took: list[float] = []
        self.bytes = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = headers

    def run(self) -> None:
        """Ask, and read all of the answer."""
        began = time.perf_counter()
        self._connection.request("GET", self.path, headers=self._headers)
        answer = self._connection.getresponse()
        self.bytes = len(answer.read())
        self.took.append(time.perf_counter() - began)
        if answer.status != 200:
            raise SystemExit(f"{self.path}: expected 200, found {answer.status}")

    def numbers(self) -> dict[str, float]:
        """Of all that was measured."""
        took = sorted(self.took)
        p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
        return {"p50_ms": p50 * 1000, "p99_ms": p99 * 1000, "per_s": len(took) / sum(took)}


def wait_for(url: str) -> None:
    """Until it answers."""
    for _ in range(600):
        try:
            httpx.get(url).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


def measure(chosen: argparse.Namespace, home: str) -> None:
    """Start both, ask in turn, print."""
    Path(home, "hello_app.py").write_text(HELLO)
    servers = [serve("services.api.app:app", 8131, os.getcwd()), serve("hello_app:app", 8132, home)]
    try:
        api, hello = "http://127.0.0.1:8131", "http://127.0.0.1:8132"
        wait_for(f"{api}/healthz")
        wait_for(hello)
        token = httpx.post(f"{api}/v1/auth/login", json=WHO, timeout=30).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        newest = httpx.get(f"{api}/v1/bots?limit=1", headers=headers).json()["items"][0]["id"]
        bare = Call(8132, "/", {})
        calls = [bare, *(Call(8131, path.format(bot=newest), headers) for path in PATHS)]
        for _ in range(chosen.requests + 20):
            for call in calls:
                call.run()
    finally:
        for server in servers:
            server.terminate()
            server.wait()
    for call in calls:
        del call.took[:20]
        tell(call, bare, {"bots": chosen.bots, "fills": chosen.fills})


def tell(call: Call, bare: Call, store: dict[str, Any]) -> None:
    """One line."""
    ours, its = call.numbers(), bare.numbers()
    ratios = {f"{name}_ratio": round(ours[name] / its[name], 2) for name in ours}
    rounded = {name: round(value, 2) for name, value in ours.items()}
    path = "bare hello" if call is bare else call.path
    print(json.dumps({"bench": "api", "get": path, **store, "bytes": call.bytes, **rounded, **ratios}), flush=True)


def main() -> None:
    """Fill, measure, clean up."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bots", type=int, default=1_000)
    parser.add_argument("--fills", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--home")
    chosen = parser.parse_args()
    home = chosen.home or tempfile.mkdtemp(prefix="ag")
    Path(home).chmod(0o755)
    os.environ["AUTOGRID_HOME"] = home
    os.environ.pop("DATABASE_URL", None)
    os.environ.pop("REDIS_URL", None)
    from autogrid.store import engine

    try:
        fill(chosen.bots, chosen.fills)
        measure(chosen, home)
    finally:
        engine.close()
        if not chosen.home:
            shutil.rmtree(home)


if __name__ == "__main__":
    main()
