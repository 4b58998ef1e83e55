"""How many of a worker's children may do long work at once: all but one, so that short tasks never wait for studies.

Slots are locks on the bytes of a file without a name, opened before the children fork; the kernel frees them however a
child ends. Long work that finds none stays queued in its table, and whoever ends next sends it again.
"""

import fcntl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from sqlalchemy.engine import Engine

from autogrid.store import jobs, reports
from services.worker.app import app

_file: IO[bytes] | None = None
_slots = 0


def make(children: int) -> None:
    """Called by a worker before it forks. A single child does everything itself."""
    global _file, _slots
    _file, _slots = tempfile.TemporaryFile(), max(children - 1, 1)  # noqa: SIM115 - as long as the process


@contextmanager
def one() -> Iterator[bool]:
    """Whether long work may begin; the slot is held until the end. Outside of a worker there is always one."""
    taken = _take()
    try:
        yield _file is None or taken is not None
    finally:
        if _file is not None and taken is not None:
            fcntl.lockf(_file, fcntl.LOCK_UN, 1, taken)


def _take() -> int | None:
    """The number of a slot that is ours now."""
    for number in range(_slots):
        try:
            assert _file is not None
            fcntl.lockf(_file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except BlockingIOError:
            continue
        return number
    return None


def work(engine: Engine, what: Callable[[], None]) -> None:
    """Do long work if there is a slot for it, and send what waits for the slot; without one it stays queued."""
    with one() as free:
        if free:
            what()
    if free:
        _send_next(engine)


def _send_next(engine: Engine) -> None:
    """A slot is free again: send the longest waiting job and report. Sent twice, each is done once."""
    with engine.connect() as connection:
        job_id, report_id = jobs.first_queued(connection), reports.first_queued(connection)
    if job_id is not None:
        app.send_task("research.run", kwargs={"job_id": job_id}, ignore_result=True)
    if report_id is not None:
        app.send_task("reports.make", kwargs={"report_id": report_id}, ignore_result=True)
