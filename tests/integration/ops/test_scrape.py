"""Metrics of real processes, scraped over HTTP."""

import os
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.common import metrics, scrape
from tests.ports import free_port


def samples(text: str) -> dict[tuple[str, str], float]:
    """(name, label values in the order of their names) -> value."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name, ",".join(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found


def here() -> dict[tuple[str, str], float]:
    return samples(metrics.render()[0].decode())


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(autouse=True)
def _no_checks() -> Iterator[None]:
    yield
    metrics._scrape._watches.clear()


PARENT = """
    import os, signal, sys
    from services.common import metrics
    def child(n):
        pid = os.fork()
        if pid == 0:
            metrics.ORDERS.labels("binance", "open").inc(n)
            metrics.TICK_SECONDS.labels("live").observe(0.2)
            metrics.POOL_CONNECTIONS.labels("in_use").set(n)
            metrics.BOTS.labels("running", "live").set(n)
            metrics.LAST_DISPATCH.set(1000 + n)
            os.write(done, b".")
            signal.pause()
        return pid
    metrics.STREAM_CONNECTED.labels("binance", "user").inc()
    reads, done = os.pipe()
    pids = []
    for n in (3, 2):
        pids.append(child(n))
        os.read(reads, 1)
    print(metrics.render()[0].decode())
    print("=====")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    print(metrics.render()[0].decode())
"""


def test_children_are_added_up_and_the_dead_leave_their_counts(tmp_path: Path) -> None:
    alive, dead = run(PARENT, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "m")).split("=====\n")
    before, after = samples(alive), samples(dead)
    assert before["autogrid_orders_total", "binance,open"] == 5
    assert before["autogrid_tick_duration_seconds_count", "live"] == 2
    assert before["autogrid_database_pool_connections", "in_use"] == 5
    assert before["autogrid_bots", "live,running"] == 2  # the one set last
    assert before["autogrid_last_dispatch_timestamp_seconds", ""] == 1003
    assert after["autogrid_orders_total", "binance,open"] == 5
    assert ("autogrid_database_pool_connections", "in_use") not in after
    assert before["autogrid_stream_connected", "binance,user"] == 1  # the scraped process's own
    assert after["autogrid_stream_connected", "binance,user"] == 1


def test_a_fresh_start_empties_what_the_dead_left_and_spares_the_living(tmp_path: Path) -> None:
    code = "from services.common import metrics; metrics.SIGNUPS.inc(); print(metrics.render()[0].decode())"
    directory = str(tmp_path / "m")
    for _ in range(2):
        first = samples(run(code, PROMETHEUS_MULTIPROC_DIR=directory))
        assert first["autogrid_signups_total", ""] == 1
    sleeper = "from services.common import metrics; metrics.SIGNUPS.inc(); print(flush=True); input()"
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": directory}
    with subprocess.Popen(
        [sys.executable, "-c", sleeper], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as living:
        assert living.stdout is not None
        living.stdout.readline()
        assert samples(run(code, PROMETHEUS_MULTIPROC_DIR=directory))["autogrid_signups_total", ""] == 2
        living.communicate("\n")


def test_a_default_directory_and_the_import_order(tmp_path: Path) -> None:
    code = f"""
        from pathlib import Path
        from services.common import multiproc
        assert multiproc.prepare() is None
        assert multiproc.prepare(Path({str(tmp_path)!r}) / "deep" / "er").is_dir()
        from services.common import metrics
        metrics.SIGNUPS.inc()
        print(metrics.render()[0].decode())
    """
    assert samples(run(code))["autogrid_signups_total", ""] == 1
    late = f"""
        from pathlib import Path
        import prometheus_client
        from services.common import multiproc
        try:
            multiproc.prepare(Path({str(tmp_path)!r}))
        except RuntimeError as error:
            print(error)
    """
    assert "before prometheus_client is imported" in run(late)


def test_served_over_http_with_the_version() -> None:
    port = free_port()
    stop = metrics.serve(port, "127.0.0.1")
    try:
        metrics.build("test")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        assert answer.headers["Content-Type"].startswith("text/plain")
    finally:
        stop()
    assert any(name == "autogrid_build_info" and labels.startswith("test,3.") for name, labels in samples(text))


def test_checks_run_at_each_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = False

    def check() -> None:
        if broken:
            raise ConnectionError("postgresql://a:b@h/d refused")
        metrics.SERVER_CONNECTIONS_MAX.set(97)

    metrics.watch("database", check)
    assert here()["autogrid_dependency_up", "database"] == 1
    assert here()["autogrid_database_server_connections_max", ""] == 97
    broken = True
    assert here()["autogrid_dependency_up", "database"] == 0
    broken = False
    assert here()["autogrid_dependency_up", "database"] == 1


def test_a_hanging_check_counts_as_down_and_delays_no_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "PATIENCE_S", 0.2)
    release, runs = threading.Event(), []
    metrics.watch("redis", lambda: (runs.append(1), release.wait(600))[0])
    for _ in range(2):
        began = time.monotonic()
        assert here()["autogrid_dependency_up", "redis"] == 0
        assert time.monotonic() - began < 300
    assert len(runs) == 1  # the hanging one is not doubled
    release.set()
    wait = time.monotonic() + 60
    while here()["autogrid_dependency_up", "redis"] == 0:
        assert time.monotonic() < wait


def test_scrapes_at_the_same_time_share_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "PATIENCE_S", 60)
    runs: list[int] = []
    joined: list[int] = []
    both, start = threading.Event(), scrape._Watch.start

    def check() -> None:
        runs.append(1)
        both.wait(60)

    def joins(watch: scrape._Watch) -> threading.Event:
        ended = start(watch)
        joined.append(1)
        if len(joined) == 2:
            both.set()
        return ended

    monkeypatch.setattr(scrape._Watch, "start", joins)
    metrics.watch("exchange", check)
    seen: list[float] = []
    threads = [threading.Thread(target=lambda: seen.append(here()["autogrid_dependency_up", "exchange"])) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1, 1]
    assert len(runs) == 1
