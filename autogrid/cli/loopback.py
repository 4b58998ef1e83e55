"""`autogrid loopback`: the loopback exchange. A service: started as a program, never imported."""

import os
import sys

import typer


def loopback(context: typer.Context) -> None:
    """Run an exchange on 127.0.0.1 that speaks Binance's API and plays a file; --help shows its options."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "services.loopback", *context.args])
