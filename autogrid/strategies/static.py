"""The strategy `static`: the grid as the study writes it down, for as long as the bot lives."""

from collections.abc import Mapping
from typing import Any

from autogrid.core.grid import Grid
from autogrid.core.study import check_keys
from autogrid.errors import InvalidInput

FIELDS = tuple(Grid.__dataclass_fields__)
NEEDED = ("lower", "upper", "cells")


class Static:
    """Its parameters are the fields of `Grid`."""

    def grid(self, params: Mapping[str, Any]) -> Grid:
        """The grid of these fields."""
        check_keys("[strategy.params]", params, FIELDS)
        missing = [name for name in NEEDED if name not in params]
        if missing:
            raise InvalidInput(f"[strategy.params] needs {' and '.join(missing)}")
        return Grid(**params)
