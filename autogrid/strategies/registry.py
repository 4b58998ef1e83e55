"""Strategies by name: packages register theirs under the entry points `autogrid.strategies`."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module, metadata
from typing import Any, Protocol

from autogrid.core.grid import Grid
from autogrid.core.study import Study
from autogrid.errors import InvalidInput, shortened

GROUP = "autogrid.strategies"
#: Found without looking through all installed packages, which takes a tenth of a second and more.
_OWN = {"static": "autogrid.strategies.static:Static"}


class Strategy(Protocol):
    """What decides which grid is worked."""

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


def strategy(name: str) -> Strategy:
    """A strategy by name. InvalidInput for one that is unknown or cannot be imported."""
    module, _, attribute = find(name).partition(":")
    try:
        made: Strategy = getattr(import_module(module), attribute)()
    except (ImportError, AttributeError) as error:
        raise InvalidInput(
            f"strategy {name!r}: expected {module}:{attribute}, found: {error}; install its package again"
        ) from error
    return made


def grid_of(study: Study) -> Grid:
    """The grid that a study begins with."""
    return strategy(study.strategy).grid(study.params)
