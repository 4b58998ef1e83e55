"""`autogrid demo` as a user runs it: the whole way, and nothing left behind, whether it ends or is ended."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import psutil
import pytest


def start(folder: Path, mark: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "EGRESS_NAME": mark, "COLUMNS": "100", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", "from autogrid.cli.start import main; main()", "demo"]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def left(mark: str) -> list[str]:
    """Processes that still carry the mark in their environment."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            if process.environ().get("EGRESS_NAME") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.info["cmdline"] or []))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def gone(mark: str) -> bool:
    deadline = time.monotonic() + 180
    while left(mark) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not left(mark)


@pytest.mark.timeout(900)
def test_the_whole_way(tmp_path: Path) -> None:
    mark = f"demo{uuid4().hex}"
    process = start(tmp_path, mark)
    out, _ = process.communicate(timeout=840)
    assert process.returncode == 0, out
    hashes = re.findall(r"(?:backtest|replay|live)\s+([0-9a-f]{64})", out)
    assert len(hashes) == 3
    assert len(set(hashes)) == 1
    for text in (
        "kill -9 worker 1",
        "worker 2 went on alone",
        "fees included",
        "0 orders missing",
        "0 problems",
        "Next",
    ):
        assert text in out
    assert (tmp_path / "out" / "demo.html").stat().st_size > 100_000
    assert "[strategy.params]" in (tmp_path / "out" / "demo.toml").read_text()
    assert gone(mark), left(mark)


@pytest.mark.timeout(600)
def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    mark = f"demo{uuid4().hex}"
    process = start(tmp_path, mark)
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if "2  One grid" in line:  # PostgreSQL, Valkey, workers and beat run by now
            break
    assert any("celery" in command for command in left(mark)), left(mark)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=300)
    assert process.returncode == 130, seen + rest
    assert "stopped, with everything that was started" in rest
    assert gone(mark), left(mark)
