"""The fingerprint of the code that trades: workers refuse a bot that was promoted with other code than they run."""

import hashlib
from functools import cache
from importlib import metadata, resources, util
from pathlib import Path

from autogrid.errors import InvalidInput

#: Where strategies register.
GROUP = "autogrid.strategies"


@cache
def code_hash(strategy: str = "static") -> str:
    """sha256 (hex) of the sources of `autogrid.core` and of the strategy's module.

    `static` is the grid as the study writes it down: it has no module of its own. InvalidInput for a strategy that
    is not installed.
    """
    digest = hashlib.sha256()
    folder = resources.files("autogrid.core")
    for name in sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".py")):
        _add(digest, f"core/{name}", (folder / name).read_bytes())
    path = _strategy(strategy)
    if path is not None:
        _add(digest, f"strategy/{strategy}", path.read_bytes())
    return digest.hexdigest()


def _add(digest: "hashlib._Hash", name: str, source: bytes) -> None:
    """Name and length are part of it, so that moving text between files shows."""
    source = source.replace(b"\r\n", b"\n")
    digest.update(f"{name}\0{len(source)}\0".encode())
    digest.update(source)


def _strategy(name: str) -> Path | None:
    found = metadata.entry_points(group=GROUP, name=name)
    for entry in found:
        # The module's file, without importing it: workers stay free of what strategies import.
        spec = util.find_spec(entry.module)
        if spec is not None and spec.origin is not None:
            return Path(spec.origin)
    if name == "static":
        return None
    raise InvalidInput(f"strategy {name!r}: expected one that is installed under {GROUP!r}, found none; install it")
