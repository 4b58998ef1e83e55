"""The directory in which the processes of one service (Celery children, API workers) add up their metrics.

prometheus_client decides at import whether a metric lives in the process or in a file of
PROMETHEUS_MULTIPROC_DIR. Give every service a directory of its own: two services in one would be added up.
"""

import os
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped,unused-ignore]

from autogrid.settings import settings

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def prepare(default: Path | None = None) -> Path | None:
    """Make the directory of the settings, else `default`, ready and return it; None where metrics stay in the process.

    Call it before `services.common.metrics` is imported if you give a default. Files are emptied only where no
    process that wrote any of them is alive (a service's fresh start): the counts of one that died while its
    siblings live must stay, or Prometheus would take the drop for a restart and count the rest twice.
    """
    directory = settings().prometheus_multiproc_dir or default
    if directory is None:
        return None
    _require_early()
    directory.mkdir(parents=True, exist_ok=True)
    files = list(directory.glob("*.db"))
    # Files with our own number are left by an earlier process of it: this one has written nothing yet.
    if not any(psutil.pid_exists(pid) for file in files if (pid := _pid(file)) != os.getpid()):
        for file in files:
            file.unlink(missing_ok=True)
    os.environ[VARIABLE] = str(directory)
    return directory


def forget(pid: int) -> None:
    """A child ended: drop its live gauges (open connections ...); what it counted stays. Safe where nothing is."""
    if VARIABLE in os.environ:
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]


def forget_dead() -> None:
    """`forget` every process that is no longer alive; each scrape does this, so that no handler has to be wired."""
    if VARIABLE in os.environ:
        for pid in {_pid(file) for file in Path(os.environ[VARIABLE]).glob("gauge_live*.db")}:
            if not psutil.pid_exists(pid):
                forget(pid)


def _require_early() -> None:
    values = sys.modules.get("prometheus_client.values")
    if values is not None and VARIABLE not in os.environ:
        raise RuntimeError(
            "multiproc.prepare: expected to be called before prometheus_client is imported, found it imported. "
            "Call it first in the entry point, or set PROMETHEUS_MULTIPROC_DIR in the environment."
        )


def _pid(file: Path) -> int:
    return int(file.stem.rsplit("_", 1)[1])
