"""schemathesis against the running API: no 5xx, nothing undocumented. `make fuzz` asks more, and follows links."""

import os
import subprocess
import sys
from pathlib import Path

from .conftest import Make, Server

CONFIG = Path(__file__).parents[2] / "schemathesis.toml"
#: Examples per operation; FUZZ=n of `make fuzz` also turns on all phases.
EXAMPLES = os.environ.get("FUZZ")


def test_every_answer_is_documented(server: Server, person: Make) -> None:
    token = person("admin").tokens["access_token"]
    command = [str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(CONFIG), "run"]
    command += [f"{server.url}/openapi.json", "-H", f"Authorization: Bearer {token}", "--checks", "all", "--no-color"]
    command += ["--continue-on-failure", "--max-examples", EXAMPLES or "1"]
    if EXAMPLES is None:
        command += ["--phases", "examples,stateful"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Stateful (disabled)" not in done.stdout
    assert " passed" in done.stdout
