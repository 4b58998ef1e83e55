"""The console script. Help is answered from a stored page: importing the CLI's libraries takes longer than that."""

import sys
from pathlib import Path


def help_page() -> str:
    """The stored page; `make cli-help` stores it anew."""
    return Path(__file__).with_name("help.txt").read_text(encoding="utf-8")


def main() -> None:
    """Run the command line; every AutoGrid error becomes one line and an exit code."""
    if len(sys.argv) == 1 or sys.argv[1:] in (["--help"], ["-h"]):
        sys.stdout.write(help_page())
        return
    from autogrid.cli.app import app
    from autogrid.errors import AutogridError, InvalidInput, Unavailable

    try:
        app(prog_name="autogrid")
    except AutogridError as error:
        sys.stderr.write(f"error: {error}\n")
        # sysexits.h: EX_TEMPFAIL says that trying again may help.
        sys.exit(2 if isinstance(error, InvalidInput) else 75 if isinstance(error, Unavailable) else 70)
