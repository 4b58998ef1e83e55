"""What can be a grid at all, on any market."""

from decimal import Decimal

import numpy as np
import pytest

from autogrid.core.grid import Grid
from autogrid.errors import InvalidInput

GRID = {"lower": "90", "upper": "110", "cells": 4, "amount": "1"}


def test_fields_are_exact_and_frozen() -> None:
    grid = Grid(**(GRID | {"lower": 90, "upper": Decimal("110.5"), "cells": np.int64(4)}))
    assert (grid.lower, grid.upper, grid.cells) == (Decimal(90), Decimal("110.5"), 4)
    assert type(grid.cells) is int
    assert (grid.spacing, grid.stop_action, grid.trigger) == ("arithmetic", "sell", None)
    assert Grid(**(GRID | {"cells": "4"})).cells == 4
    with pytest.raises(AttributeError):
        grid.cells = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lower": "65000", "upper": "60000"}, "lower must be below upper, was 65000 >= 60000"),
        ({"lower": "110"}, "lower must be below upper, was 110 >= 110"),
        ({"lower": "0"}, "lower must be above zero, was 0"),
        ({"upper": "-5"}, "upper must be above zero, was -5"),
        ({"upper": "nan"}, "upper must be a finite number, was 'nan'"),
        ({"lower": 90.5}, 'lower must be exact: write "90.5" in quotes'),
        ({"lower": None}, "lower is missing"),
        ({"cells": 0}, "cells must be a whole number from 1 on, was 0"),
        ({"cells": -3}, "cells must be a whole number from 1 on, was -3"),
        ({"cells": 2.5}, "cells must be a whole number from 1 on, was 2.5"),
        ({"cells": "many"}, "cells must be a whole number from 1 on, was 'many'"),
        ({"cells": True}, "cells must be a whole number"),
        ({"spacing": "geometrical"}, r"spacing must be one of arithmetic, geometric, was 'geometrical' \(did you mean"),
        ({"spacing": "x"}, "spacing must be one of arithmetic, geometric, was 'x'$"),
        ({"stop_action": "sel"}, r"stop_action must be one of sell, keep, was 'sel' \(did you mean 'sell'\?\)"),
        ({"quote": "10"}, "exactly one of amount, quote, investment, was amount and quote"),
        ({"amount": None}, "exactly one of amount, quote, investment, was none"),
        ({"stop_loss": "90.01"}, "stop_loss must be at or below lower, was 90.01 > 90"),
        ({"take_profit": "109"}, "take_profit must be at or above upper, was 109 < 110"),
        ({"trigger": "0"}, "trigger must be above zero, was 0"),
        ({"amount": "-1"}, "amount must be above zero, was -1"),
    ],
)
def test_refusals_say_what_was_expected(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Grid(**(GRID | change))  # type: ignore[arg-type]


def test_stops_may_touch_the_ends() -> None:
    grid = Grid(**GRID, stop_loss="90", take_profit="110", stop_action="keep")
    assert (grid.stop_loss, grid.take_profit, grid.stop_action) == (90, 110, "keep")
