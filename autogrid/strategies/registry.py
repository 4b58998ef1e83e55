"""Strategies by name: packages register theirs under the entry points `autogrid.strategies`."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any, Protocol

from autogrid.core.grid import Grid
from autogrid.core.study import Study
from autogrid.errors import InvalidInput, shortened

if TYPE_CHECKING:
    from autogrid.strategies.dynamic import Dynamic

GROUP = "autogrid.strategies"
#: Found without looking through all installed packages, which takes a tenth of a second and more.
_OWN = {
    "static": "autogrid.strategies.static:Static",
    "recentre": "autogrid.strategies.recentre:Recentre",
    "atr": "autogrid.strategies.atr:Atr",
}


class Strategy(Protocol):
    """A strategy with one grid; see `autogrid.strategies.dynamic.Dynamic` for those that decide it anew."""

    def grid(self, params: Mapping[str, Any]) -> Grid:
        """The grid to begin with, from a study's [strategy.params]. InvalidInput says what is wrong with them."""


def installed() -> dict[str, str]:
    """Strategies that can be named, with where they are defined."""
    return {entry.name: entry.value for entry in metadata.entry_points(group=GROUP)} | _OWN


def find(name: str) -> str:
    """Where a strategy is defined, as "module:attribute"; nothing is imported. InvalidInput for an unknown one."""
    # A study may say anything.
    said = name if isinstance(name, str) else ""
    if said in _OWN:
        return _OWN[said]
    found = installed()
    if said in found:
        return found[said]
    near = get_close_matches(str(name), found, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"installed are {', '.join(sorted(found))}."
    raise InvalidInput(
        f"[strategy] has no strategy {shortened(name)}: {hint} Packages add theirs as entry points {GROUP!r}"
    )


def _load(name: str) -> Any:
    module, _, attribute = find(name).partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InvalidInput(
            f"strategy {name!r}: expected {module}:{attribute}, found: {error}; install its package again"
        ) from error


def strategy_of(name: str, params: Mapping[str, Any]) -> "Grid | Dynamic":
    """What a strategy works with these parameters: one grid, or itself where it decides its grids as candles close.

    InvalidInput for a strategy that is unknown or cannot be imported, and for parameters that do not fit.
    """
    kind = _load(name)
    if hasattr(kind, "decide"):
        made: Dynamic = kind(params)
        return made
    plain: Strategy = kind()
    return plain.grid(params)


def worked(study: Study) -> "Grid | Dynamic":
    """What a study works: one grid, or a strategy that decides grids."""
    return strategy_of(study.strategy, study.params)


def grid_of(study: Study) -> Grid:
    """The one grid of a study. InvalidInput where its strategy decides grids as candles close."""
    found = worked(study)
    if not isinstance(found, Grid):
        raise InvalidInput(f"strategy {study.strategy!r} has no fixed grid: it decides one as candles close")
    return found
