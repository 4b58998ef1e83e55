"""Loads one ccxt exchange class without the hundred others.

`import ccxt.binance` runs `ccxt/__init__.py`, which imports every exchange: 2.4 s and 80 MB more than an empty
process, against 0.5 s and 47 MB for the one class alone (measured, ccxt 4.5.90). The package is therefore entered
as a module whose own body has not run. Whoever asks it for a name later still finds it: the errors and base
classes at once, anything else after running the body.
"""

import importlib
import importlib.util
import re
import sys
from types import ModuleType
from typing import Any

from autogrid.errors import InvalidInput

#: Where ccxt's package takes the names from that its submodules import from it.
_LIGHT = ("ccxt.base.errors", "ccxt.base.exchange", "ccxt.base.precise", "ccxt.base.decimal_to_precision")


def exchange_class(exchange: str) -> type[Any]:
    """The synchronous ccxt class, such as "binance"."""
    _enter("ccxt")
    return _class("ccxt", exchange)


def stream_class(exchange: str) -> type[Any]:
    """The asynchronous ccxt.pro class, which also speaks websockets."""
    for package in ("ccxt", "ccxt.async_support", "ccxt.pro"):
        _enter(package)
    _class("ccxt", exchange)
    # ccxt.pro derives from the attribute of ccxt.async_support, so it must be there first.
    _class("ccxt.async_support", exchange)
    return _class("ccxt.pro", exchange)


def _class(package: str, exchange: str) -> type[Any]:
    if re.fullmatch(r"[a-z][a-z0-9]*", exchange) is None:
        raise InvalidInput(f"exchange must be a ccxt id such as binance or kraken, was {exchange!r}")
    try:
        module = importlib.import_module(f"{package}.{exchange}")
        found: type[Any] = getattr(module, exchange)
    except (ModuleNotFoundError, AttributeError) as error:
        raise InvalidInput(f"exchange must be a ccxt id such as binance or kraken, was {exchange!r}") from error
    setattr(sys.modules[package], exchange, found)
    return found


def _enter(package: str) -> None:
    """Put the package into sys.modules without running its body, unless it is there already."""
    if package in sys.modules:
        return
    spec = importlib.util.find_spec(package)
    if spec is None:  # pragma: no cover
        raise InvalidInput(f"{package} must be installed to reach exchanges: pip install ccxt")
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__getattr__"] = _fallback(module)
    sys.modules[package] = module
    parent, _, child = package.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


def _fallback(module: ModuleType) -> Any:
    """A module `__getattr__` that finds what the body of the package would have defined."""

    def find(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        for light in _LIGHT if module.__name__ == "ccxt" else ():
            if hasattr(source := importlib.import_module(light), name):
                return getattr(source, name)
        module.__dict__.pop("__getattr__", None)
        if module.__spec__ is not None and module.__spec__.loader is not None:
            module.__spec__.loader.exec_module(module)
        return getattr(module, name)

    return find
