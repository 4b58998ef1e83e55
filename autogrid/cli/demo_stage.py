"""The demo's own servers and processes: started here, stopped here, also on Ctrl-C."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autogrid.cli import supervise
from autogrid.errors import Unavailable

#: What the demo's processes do not take from the user's settings: servers of its own, and short times.
SETTINGS = {
    "AUTOGRID_ENV": "development",
    "TICK_INTERVAL_S": "0.5",
    "DISPATCH_INTERVAL_S": "0.1",
    "LOG_LEVEL": "WARNING",
}
FOREIGN = ("DATABASE_URL", "REDIS_URL", "ENCRYPTION_KEY", "METRICS_PORT", "PROMETHEUS_MULTIPROC_DIR")


@contextmanager
def own_home() -> Iterator[Path]:
    """A data directory that lives as long as the demo; the embedded servers in it stop with it."""
    from autogrid.settings import settings
    from autogrid.store import embedded_valkey
    from autogrid.store import engine as engines

    # A short path: sockets live in it.
    home = Path(tempfile.mkdtemp(prefix="ag"))
    home.chmod(0o755)
    before = {name: os.environ.pop(name, None) for name in (*SETTINGS, *FOREIGN, "AUTOGRID_HOME")}
    os.environ.update({**SETTINGS, "AUTOGRID_HOME": str(home)})
    settings.cache_clear()
    try:
        yield home
    finally:
        engines.close()
        embedded_valkey.close()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        settings.cache_clear()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def workers(count: int, log: Path) -> Iterator[supervise.Supervisor]:
    """Celery workers of one child each, beat and the user streams."""
    from autogrid.cli.up import servers

    found = servers()
    members = [
        supervise.Member(f"worker {n}", supervise.worker("live,default", 1, f"demo{n}"), found)
        for n in range(1, count + 1)
    ]
    members.append(supervise.Member("beat", supervise.beat(), found))
    members.append(supervise.Member("streams", [sys.executable, "-m", "services.worker.streams"], found))
    with log.open("ab") as output:
        running = supervise.Supervisor(members, output)
        try:
            running.start()
            yield running
        finally:
            running.stop(5)


class Exchange:
    """The loopback exchange, and the hands that move it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, command: str, **body: Any) -> dict[str, Any]:
        """One command of its control endpoint."""
        request = urllib.request.Request(f"{self.url}/control/{command}", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as reply:
            answer: dict[str, Any] = json.loads(reply.read())
            return answer


@contextmanager
def exchange(log: Path, *options: str) -> Iterator[Exchange]:
    """A loopback exchange with these options of `autogrid loopback`."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.loopback", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        try:
            assert process.stdout is not None  # it is a pipe
            line = process.stdout.readline()
            if not line:
                raise Unavailable(f"the loopback exchange did not start: {log.read_text()[-500:]}")
            yield Exchange(str(json.loads(line)["url"]))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
            if process.stdout is not None:
                process.stdout.close()
