"""Processes that belong together: started as one, restarted when they die, stopped as one."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import structlog

from autogrid.errors import Conflict

#: A process that died is started again after so many seconds, doubled while it keeps dying within STABLE_S.
FIRST_S, LONGEST_S, STABLE_S = 0.5, 30.0, 20.0
#: Linux's prctl, loaded before any fork; None elsewhere.
_PRCTL = getattr(ctypes.CDLL(None), "prctl", None)
_PR_SET_PDEATHSIG = 1


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Hold the file for as long as this process lives, however it ends. Conflict while another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            who = file.read().strip() or "unknown"
            raise Conflict(
                f"{what} runs already in {path.parent}, process {who}: use that one, stop it with Ctrl-C, "
                "or set AUTOGRID_HOME to another directory"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _end_with(parent: int) -> None:
    """In a new child: ask the kernel for SIGTERM when the parent is gone, so that its end is everybody's end."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != parent:  # it has gone already
            os._exit(0)


@dataclass
class Member:
    """One process."""

    name: str
    command: list[str]
    #: What its environment has beyond ours.
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause_s: float = FIRST_S
    restarts: int = 0

    def start(self, output: IO[bytes] | None) -> None:
        """Start it, in a session of its own: Ctrl-C reaches us first, and its children can be ended with it.

        Should this process (or the thread that calls this) be killed, it is asked to end.
        """
        environment, parent = {**os.environ, **self.environment}, os.getpid()
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=lambda: _end_with(parent),
        )

    def signal(self, number: int, group: bool = False) -> None:
        """Send a signal to it, or to it and its children."""
        if self.process is None:
            return
        try:
            if group:
                os.killpg(self.process.pid, number)
            elif self.process.poll() is None:
                self.process.send_signal(number)
        except ProcessLookupError:
            return


class Supervisor:
    """Keeps members running until told to stop."""

    def __init__(self, members: list[Member], output: IO[bytes] | None = None) -> None:
        self.members, self._output = members, output
        self._stopping = False
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Start all of them."""
        for member in self.members:
            member.start(self._output)

    def check(self) -> None:
        """Start again what has died. Call it often."""
        now = time.monotonic()
        for member in self.members:
            code = None if member.process is None else member.process.poll()
            if code is None or now < member.started + member.pause_s:
                continue
            member.pause_s = FIRST_S if now > member.started + STABLE_S else min(member.pause_s * 2, LONGEST_S)
            member.restarts += 1
            self._log.warning("process_restarted", process=member.name, exit_code=code)
            member.signal(signal.SIGKILL, group=True)  # children that outlived it
            member.start(self._output)

    def run(self) -> None:
        """Start them and keep them running until SIGINT or SIGTERM; then stop them."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: setattr(self, "_stopping", True))
        self.start()
        while not self._stopping:
            time.sleep(0.2)
            self.check()
        self.stop()

    def stop(self, patience_s: float = 15.0) -> None:
        """Ask them to end, in reverse order; those that do not are killed."""
        for member in reversed(self.members):
            member.signal(signal.SIGTERM)
        deadline = time.monotonic() + patience_s
        for member in reversed(self.members):
            if member.process is None:
                continue
            try:
                member.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._log.warning("process_killed", process=member.name)
            member.signal(signal.SIGKILL, group=True)
            member.process.wait()


def celery(*arguments: str) -> list[str]:
    """A command of the Celery app."""
    return [sys.executable, "-m", "celery", "-A", "services.worker.app", "--quiet", *arguments]


def worker(queues: str, concurrency: int, name: str = "worker") -> list[str]:
    """The command of a worker."""
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    return celery("worker", "-Q", queues, "--concurrency", str(concurrency), "-n", f"{name}@%h", *quiet)


def beat() -> list[str]:
    """The command of beat."""
    return celery("beat")
