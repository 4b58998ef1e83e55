"""Work that must not happen in a worker: a process of its own that ends with the worker and its task."""

import subprocess
import sys
import time
from collections.abc import Callable

#: Seconds between two signs of life, and the longest a child may take.
SIGN_S, LIMIT_S = 5.0, 3600.0


def run(module: str, number: int, alive: Callable[[], bool], limit_s: float = LIMIT_S) -> str | None:
    """Run `python -m module number`; None when it ended well, else why it did not.

    alive: called every SIGN_S; False ends the child. The child watches its standard input, which ends when this
    process does, however it dies.
    """
    # Arguments are ours: a module name of the package and a number.
    child = subprocess.Popen([sys.executable, "-m", module, str(number)], stdin=subprocess.PIPE)
    began = time.monotonic()
    try:
        while True:
            try:
                code = child.wait(SIGN_S)
            except subprocess.TimeoutExpired:
                if not alive():
                    return None
                if time.monotonic() - began > limit_s:
                    return f"it took longer than {limit_s:.0f} s and was ended: try less"
                continue
            if code == 0:
                return None
            killed = " (killed, perhaps for want of memory)" if code < 0 else ""
            return f"its process ended with code {code}{killed}: see the worker's log"
    finally:
        child.kill()
        child.wait()
        if child.stdin is not None:
            child.stdin.close()
