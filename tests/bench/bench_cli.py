"""`autogrid --help` against a bare interpreter, and the cost of `import autogrid`; alternating, medians."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 21
BIN = Path(sys.executable).parent
COMMANDS = {
    "bare": [sys.executable, "-c", "pass"],
    "help": [str(BIN / "autogrid"), "--help"],
    "import": [sys.executable, "-c", "import autogrid"],
}


def main():
    taken = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            taken[name].append(time.perf_counter() - began)
    median = {name: statistics.median(values) for name, values in taken.items()}
    row = {
        "bare_ms": median["bare"] * 1e3,
        "help_ms": median["help"] * 1e3,
        "import_ms": median["import"] * 1e3,
        "help_over_bare": median["help"] / median["bare"],
        "goal": "help < 3x bare",
    }
    print(json.dumps({"bench": "cli", **row}))


if __name__ == "__main__":
    main()
