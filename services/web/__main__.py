"""`python -m services.web`: the web page until SIGTERM."""

import sys

from autogrid.errors import AutogridError
from autogrid.settings import settings
from services.common import logs


def main() -> int:
    """Serve; 2 for settings that cannot be used."""
    chosen = settings()
    logs.configure(json=chosen.autogrid_env != "development", level=chosen.log_level)
    from services.web import app

    try:
        app.run(chosen)
    except AutogridError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
