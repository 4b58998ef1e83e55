"""Checks of everything below deploy/, of docker-compose.yml and of .github/, without a network or a Docker daemon.

Each check takes the root of a checkout and returns what is wrong with it, one line each; it raises Missing where a
tool is not installed. `make ops-check` runs all of them; tests/integration/ops plants a fault for each.
"""

import shutil
import subprocess
import sys
from pathlib import Path


class Missing(Exception):
    """A tool is not there; the message says how to get it."""


def tool(name: str, package: str | None = None) -> str:
    """Path of a program: of this virtual environment, or, if `package` is given, of that Debian package."""
    found = shutil.which(name) if package else shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        raise Missing(f"{name}: apt-get install {package}" if package else f"{name}: make setup (extra ops)")
    return found


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> list[str]:
    """The output of a program that failed, as lines; none if it succeeded."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return []
    return [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()] or [f"{command[0]} failed"]
