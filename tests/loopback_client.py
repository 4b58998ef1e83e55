"""The loopback exchange as a process, for tests: start it, point ccxt at it, move it by its control endpoint."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class Loopback:
    """One exchange process. A context manager; `config` is the JSON of services/loopback/config.py."""

    def __init__(self, config: dict[str, Any] | None = None, *options: str) -> None:
        self.command = [sys.executable, "-m", "services.loopback", *options]
        self.config = config
        self.url = ""
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Loopback":
        command = list(self.command)
        if self.config is not None:
            command += ["--config", "/dev/stdin"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(self.config))
        self.process.stdin.close()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the loopback exchange did not start: exit code {self.process.wait(60)}")
        self.url = str(json.loads(line)["url"])
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
            self.process.stdout.close()

    def control(self, command: str, **body: Any) -> dict[str, Any]:
        """Send a control command (services/loopback/control.py); RuntimeError with its words when refused."""
        return control(self.url, command, **body)


def control(url: str, command: str, **body: Any) -> dict[str, Any]:
    """Send a control command to the exchange at `url`."""
    request = urllib.request.Request(f"{url}/control/{command}", json.dumps(body).encode(), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.loads(reply.read())
    except urllib.error.HTTPError as error:
        with error:
            raise RuntimeError(f"{command}: {error.read().decode()}") from None


def ccxt_options(url: str, key: str = "", secret: str = "") -> dict[str, Any]:
    """Constructor arguments for ccxt's binance (sync, async or pro) that point it at the exchange at `url`."""
    import ccxt

    ws = url.replace("http://", "ws://")
    return {
        "apiKey": key,
        "secret": secret,
        "enableRateLimit": False,
        "urls": {
            "api": {
                "public": url + "/api/v3",
                "private": url + "/api/v3",
                "v1": url + "/api/v1",
                "sapi": url + "/sapi/v1",
                "ws": {"spot": ws + "/stream/ws", "ws-api": {"spot": ws + "/ws-api/v3"}},
            }
        },
        "options": {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False},
        "exceptions": {"exact": ccxt.binance().exceptions["spot"]["exact"]},
    }
