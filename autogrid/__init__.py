"""AutoGrid: grid trading from notebook to production.

    import autogrid as ag

Names load on first use, so that importing the package costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autogrid.core.decision import Keep, Stop
    from autogrid.core.grid import Grid
    from autogrid.core.market import Market
    from autogrid.data.frame import read_candles
    from autogrid.data.load import load_candles
    from autogrid.research.backtest import backtest
    from autogrid.research.lookahead import lookahead_check
    from autogrid.research.result import Result
    from autogrid.research.sweep import Sweep, sweep
    from autogrid.research.walkforward import walk_forward
    from autogrid.strategies.dynamic import Dynamic

_HOME = {
    "Dynamic": "autogrid.strategies.dynamic",
    "Grid": "autogrid.core.grid",
    "Keep": "autogrid.core.decision",
    "Market": "autogrid.core.market",
    "Result": "autogrid.research.result",
    "Stop": "autogrid.core.decision",
    "Sweep": "autogrid.research.sweep",
    "backtest": "autogrid.research.backtest",
    "load_candles": "autogrid.data.load",
    "lookahead_check": "autogrid.research.lookahead",
    "read_candles": "autogrid.data.frame",
    "sweep": "autogrid.research.sweep",
    "walk_forward": "autogrid.research.walkforward",
}

__all__ = [
    "Dynamic", "Grid", "Keep", "Market", "Result", "Stop", "Sweep", "backtest", "load_candles", "lookahead_check",
    "read_candles", "sweep", "walk_forward",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'autogrid' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
