"""The embedded Valkey among processes, and what its clients say to its URLs."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import celery
import limits
import pytest
import redis

from autogrid.errors import InvalidInput, Unavailable
from autogrid.settings import settings
from autogrid.store import embedded_valkey

USE = """
import sys, redis
from autogrid.store.embedded_valkey import redis_url
client = redis.Redis.from_url(redis_url())
print(client.info("server")["process_id"], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = Path(mkdtemp(prefix="ag"))
    monkeypatch.setenv("AUTOGRID_HOME", str(path))
    monkeypatch.delenv("REDIS_URL", raising=False)
    settings.cache_clear()
    yield path
    embedded_valkey.close()
    monkeypatch.undo()
    settings.cache_clear()
    shutil.rmtree(path)


def user(place: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", USE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def server_of(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/status")
        if not status.exists() or "State:\tZ" in status.read_text():
            return True
        time.sleep(0.02)
    return False


def test_two_start_at_once_share_it_and_a_killed_one_does_not_keep_it(place: Path) -> None:
    users = [user(place) for _ in range(2)]
    try:
        first, second = (server_of(each) for each in users)
        assert first == second
        # The one that started it dies: the other works on.
        users[0].send_signal(signal.SIGKILL)
        users[0].wait()
        third = user(place)
        users.append(third)
        assert server_of(third) == first
        third.send_signal(signal.SIGKILL)
        third.wait()
        users[1].communicate(timeout=60)  # the last one to leave stops it
        assert gone(first)
    finally:
        for each in users:
            each.kill()
            each.communicate()


def test_it_is_started_anew_after_it_was_killed(place: Path) -> None:
    client = redis.Redis.from_url(embedded_valkey.redis_url())
    pid = client.info("server")["process_id"]
    assert client.config_get("save") == {"save": ""}
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    again = redis.Redis.from_url(embedded_valkey.redis_url())
    second = again.info("server")["process_id"]
    assert second != pid
    again.close()
    client.close()
    embedded_valkey.close()
    assert gone(second)
    embedded_valkey.stop(place)  # leaving twice is harmless


def test_a_forked_child_leaves_it_to_its_parent(place: Path) -> None:
    url = embedded_valkey.redis_url()
    child = os.fork()
    if child == 0:
        embedded_valkey.close()
        os._exit(0)
    os.waitpid(child, 0)
    with redis.Redis.from_url(url) as client:
        assert client.ping()


def test_its_clients_understand_its_urls(place: Path) -> None:
    app = celery.Celery("t", broker=embedded_valkey.broker_url(), backend=embedded_valkey.broker_url())
    result = app.send_task("nothing", args=(1,))
    with redis.Redis.from_url(embedded_valkey.redis_url()) as client:
        assert client.llen("celery") == 1
    assert app.backend.get_state(result.id) == "PENDING"
    storage = limits.storage.storage_from_string(embedded_valkey.limits_url())
    assert storage.check()
    limiter = limits.strategies.FixedWindowRateLimiter(storage)
    item = limits.parse("1/hour")
    assert [limiter.hit(item, "x"), limiter.hit(item, "x")] == [True, False]
    storage.storage.close()
    app.close()


def test_a_long_path_gets_a_short_socket(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = place / ("long " * 25)
    monkeypatch.setenv("AUTOGRID_HOME", str(long))
    settings.cache_clear()
    with redis.Redis.from_url(embedded_valkey.redis_url()) as client:
        assert client.ping()
    assert len(str(embedded_valkey.start(long))) < 108


def test_a_configured_server_is_used_as_it_is(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for url, broker in (
        ("rediss://:pw@cache.example:6380/2", "rediss://:pw@cache.example:6380/2"),
        ("unix:///run/redis.sock?db=1", "redis+socket:///run/redis.sock?db=1"),
    ):
        monkeypatch.setenv("REDIS_URL", url)
        settings.cache_clear()
        assert (embedded_valkey.redis_url(), embedded_valkey.broker_url()) == (url, broker)
    monkeypatch.setenv("REDIS_URL", "http://cache")
    settings.cache_clear()
    with pytest.raises(InvalidInput, match="REDIS_URL: expected redis://host:port/0.*found scheme 'http'"):
        embedded_valkey.redis_url()


def test_a_server_that_cannot_start_is_said(place: Path) -> None:
    (place / "valkey").mkdir()
    (place / "valkey" / "valkey.log").mkdir()
    with pytest.raises(Unavailable, match="expected it to start, found: .*Read .*valkey.log, or set REDIS_URL"):
        embedded_valkey.redis_url()
