"""python -m checks [--strict]: run every check, say how each went; --strict counts a missing tool as a failure."""

import sys
import time
from pathlib import Path

from . import Missing, containers, delivery, monitoring

ROOT = Path(__file__).parents[2]
CHECKS = [
    containers.compose,
    containers.dockerfile,
    monitoring.prometheus,
    monitoring.alerts,
    monitoring.alertmanager,
    monitoring.dashboards,
    monitoring.expressions,
    delivery.workflows,
    delivery.app_specs,
    delivery.terraform,
    delivery.scripts,
    delivery.secrets,
]


def main(arguments: list[str]) -> int:
    """The number of checks that failed."""
    failed = 0
    for check in CHECKS:
        began = time.monotonic()
        try:
            problems, word = check(ROOT), "ok"
        except Missing as missing:
            problems, word = [str(missing)], "skipped"
        if problems and (word == "ok" or "--strict" in arguments):
            failed, word = failed + 1, "FAILED"
        sys.stdout.write(f"{check.__name__:14} {word:8} {time.monotonic() - began:5.1f} s\n")
        sys.stdout.writelines(f"    {problem}\n" for problem in problems)
        sys.stdout.flush()
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
