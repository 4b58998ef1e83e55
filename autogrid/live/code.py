"""The fingerprint of the code that trades: workers refuse a bot that was promoted with other code than they run."""

import hashlib
from functools import cache
from importlib import resources, util
from pathlib import Path

from autogrid.errors import InvalidInput
from autogrid.strategies.registry import find, installed


@cache
def code_hash(strategy: str = "static") -> str:
    """sha256 (hex) of the sources of `autogrid.core`, of the strategy's module and what it is built on.

    InvalidInput for an unknown one.
    """
    digest = hashlib.sha256()
    folder = resources.files("autogrid.core")
    for name in sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".py")):
        _add(digest, f"core/{name}", (folder / name).read_bytes())
    if strategy != "static":
        for name in ("around.py", "decider.py", "dynamic.py", "params.py"):
            _add(digest, f"strategies/{name}", (resources.files("autogrid.strategies") / name).read_bytes())
    _add(digest, f"strategy/{strategy}", _strategy(strategy).read_bytes())
    return digest.hexdigest()


def other_hashes() -> frozenset[str]:
    """The fingerprints with every other strategy that is installed; one whose module is gone has none."""
    found = set()
    for name in installed():
        try:
            found.add(code_hash(name))
        except InvalidInput:
            continue
    return frozenset(found - {code_hash()})


def _add(digest: "hashlib._Hash", name: str, source: bytes) -> None:
    """Name and length are part of it, so that moving text between files shows."""
    source = source.replace(b"\r\n", b"\n")
    digest.update(f"{name}\0{len(source)}\0".encode())
    digest.update(source)


def _strategy(name: str) -> Path:
    # The module's file, without importing it: workers stay free of what strategies import.
    module = find(name).partition(":")[0]
    try:
        spec = util.find_spec(module)
    except ModuleNotFoundError:  # its package is gone
        spec = None
    if spec is None or spec.origin is None:
        raise InvalidInput(f"strategy {name!r}: expected the module {module}, found none; install its package again")
    return Path(spec.origin)
