"""The alarm, rehearsed: real Prometheus and Alertmanager watch a running `autogrid up` and API while a bot trades.

Every metric that an alert uses has to be there; then the database is stopped, and the critical alert has to reach the
pager within the time that deploy/RUNBOOK.md states.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.loopback_client import Loopback
from tests.ports import free_ports

ROOT = Path(__file__).parents[3]
PROGRAMS = {name: shutil.which(name) for name in ("prometheus", "prometheus-alertmanager")}
#: What the runbook promises for DatabaseDown, and what it lets pass for the machine's own slowness.
STATED_S, ALLOWED_S = 65, 75
RULES = {"tick": "0.01", "lot": "0.001", "min_notional": "1", "maker_fee": "0.001", "taker_fee": "0.001"}

pytestmark = [
    pytest.mark.ops,
    pytest.mark.skipif(not all(PROGRAMS.values()), reason="apt-get install prometheus prometheus-alertmanager"),
]


@contextmanager
def running(log: Path, *command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    bare = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**bare, **environment}, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


def until(what: str, found: Callable[[], Any], seconds: float, why: Callable[[], Any] = str) -> Any:
    """The first true answer; in vain, `why` is said."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if answer := found():
                return answer
        except (urllib.error.URLError, OSError, KeyError):
            pass
        time.sleep(0.25)
    raise AssertionError(f"{what}: not within {seconds:.0f} s {why()}")


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


class Pager:
    """Receives what Alertmanager sends, by receiver."""

    def __init__(self, port: int) -> None:
        self.seen: list[tuple[float, str, dict[str, Any]]] = []
        pager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for alert in body["alerts"]:
                    pager.seen.append((time.monotonic(), body["receiver"], alert))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> "Pager":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def first(self, name: str, status: str = "firing") -> tuple[float, str, dict[str, Any]] | None:
        """The first message about an alert."""
        found = (item for item in self.seen if item[2]["labels"]["alertname"] == name and item[2]["status"] == status)
        return next(found, None)


def configure(folder: Path, ports: dict[str, int], services: dict[str, int]) -> None:
    """The shipped configuration: only addresses are others, and every receiver is the test's webhook."""
    source = ROOT / "deploy"
    prometheus = yaml.safe_load((source / "prometheus" / "prometheus.yml").read_text())
    job = next(job for job in prometheus["scrape_configs"] if job["job_name"] == "autogrid")
    job["static_configs"] = [
        {"targets": [f"127.0.0.1:{port}"], "labels": {"service": name}} for name, port in services.items()
    ]
    prometheus["scrape_configs"] = [job]
    prometheus["rule_files"] = [str(source / "prometheus" / "rules" / "*.yml")]
    prometheus["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{ports['alertmanager']}"]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(prometheus))
    alertmanager = yaml.safe_load((source / "alertmanager" / "alertmanager.yml").read_text())
    alertmanager["global"] = {"resolve_timeout": alertmanager["global"]["resolve_timeout"]}
    url = f"http://127.0.0.1:{ports['pager']}/"
    alertmanager["receivers"] = [
        {"name": item["name"], "webhook_configs": [{"url": url, "send_resolved": True}]}
        for item in alertmanager["receivers"]
    ]
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(alertmanager))


@pytest.mark.timeout(420)
def test_a_stopped_database_reaches_the_pager_in_time() -> None:
    with tempfile.TemporaryDirectory(prefix="ag") as name:
        rehearse(Path(name))


def rehearse(folder: Path) -> None:
    numbers = free_ports(9)
    ports = dict(zip(("prometheus", "alertmanager", "pager"), numbers, strict=False))
    services = dict(zip(("bot-engine", "beat", "streams", "celery", "api"), numbers[4:9], strict=True))
    configure(folder, ports, services)
    prometheus = [
        PROGRAMS["prometheus"] or "", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{ports['prometheus']}", "--enable-feature=expand-external-labels",
    ]  # fmt: skip
    alertmanager = [
        PROGRAMS["prometheus-alertmanager"] or "", f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/alertmanager", f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
        "--cluster.listen-address=",
    ]  # fmt: skip
    home = folder / "home"
    autogrid = str(Path(sys.executable).with_name("autogrid"))
    up = [autogrid, "up", "--concurrency", "1", "--metrics-port", str(services["bot-engine"])]
    api = [sys.executable, "-m", "uvicorn", "services.api.app:app", "--port", str(services["api"])]
    names = {"AUTOGRID_ENV": "rehearsal", "RUNBOOK_URL": "https://example.com/RUNBOOK.md"}
    with (
        Pager(ports["pager"]) as pager,
        Loopback({"markets": [{"symbol": "BTC/USDT", **RULES}]}, "--no-limits") as loopback,
        running(folder / "up.log", *up, AUTOGRID_HOME=str(home)),
        running(folder / "api.log", *api, AUTOGRID_HOME=str(home)),
        running(folder / "alertmanager.log", *alertmanager),
        running(folder / "prometheus.log", *prometheus, **names),
    ):
        base = f"http://127.0.0.1:{ports['prometheus']}/api/v1"

        def ask(query: str) -> list[dict[str, Any]]:
            answer = json.loads(get(f"{base}/query?query={urllib.request.quote(query)}"))
            return list(answer["data"]["result"])

        try:
            until("all services are scraped", lambda: len(ask('up{job="autogrid"} == 1')) == len(services), 90)
            until("the database is seen up", lambda: ask('min(autogrid_dependency_up{dependency="database"}) == 1'), 30)
            until("dispatch runs", lambda: ask("autogrid:dispatch_age_seconds < 30"), 60)
            trade(loopback, home)
            until("every metric of the alerts exists", lambda: not missing(ask), 120, lambda: missing(ask))
            assert pager.first("DatabaseDown") is None
            stop_database(home)
            stopped = time.monotonic()
            at, receiver, alert = until("the pager rings", lambda: pager.first("DatabaseDown"), ALLOWED_S + 20)
        except AssertionError as error:
            logs = "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in folder.glob("*.log"))
            raise AssertionError(f"{error}\n{logs}") from error
        took = at - stopped
        sys.stderr.write(f"DatabaseDown reached the pager after {took:.0f} s, stated {STATED_S} s\n")
        assert took <= ALLOWED_S
        assert receiver == "pager"
        assert alert["labels"]["severity"] == "critical"
        assert alert["annotations"]["runbook_url"] == "https://example.com/RUNBOOK.md#databasedown"
        rung = {item[2]["labels"]["alertname"] for item in pager.seen if item[1] == "pager" and item[0] > stopped}
        assert rung == {"DatabaseDown"}


def trade(loopback: Loopback, home: Path) -> None:
    """A bot begins, and the market moves through its orders; somebody asks the API meanwhile."""
    loopback.control("account", name="main", balances={"USDT": "10000"})
    loopback.control("print", symbol="BTC/USDT", price="101")
    world = [sys.executable, str(Path(__file__).with_name("rehearsal_world.py")), loopback.url]
    environment = {**os.environ, "AUTOGRID_HOME": str(home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(world, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr

    def resting() -> int:
        orders = loopback.control("state", account="main")["accounts"]["main"]["orders"]
        return sum(order["status"] == "NEW" for order in orders)

    until("four orders rest", lambda: resting() == 4, 60)
    loopback.control("print", symbol="BTC/USDT", price="106")


def missing(ask: Callable[[str], list[Any]]) -> list[str]:
    """Our metrics that alerts use, through recording rules too, and that no service has stated."""
    sys.path.insert(0, str(ROOT / "deploy"))
    from checks import monitoring

    declared = monitoring._declared()
    used = {
        selector.name
        for rule in monitoring._rules(ROOT)
        for selector in monitoring._selectors(monitoring.promql_parser.parse(rule["expr"]))
    }
    return sorted(name for name in used & declared.keys() if not ask(f'{{__name__="{name}"}}'))


def stop_database(home: Path) -> None:
    """What an administrator's mistake would do: the server ends, its clients lose their connections."""
    pid = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGINT)
