"""Decisions once more, each at its own boundary."""

from decimal import Decimal

import pytest

from autogrid.core.bot import Bot
from autogrid.core.decision import UNDECIDED, Stop
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.live.decided import Decided

GRIDS = [Grid(lower=low, upper=110, cells=4, amount=1) for low in (90, 91, 92)]
BRAIN = Decided([(100, GRIDS[0]), (200, GRIDS[1]), (300, GRIDS[2]), (400, Stop())])


@pytest.mark.parametrize(
    ("decided_ms", "now_ms", "due"),
    [
        (0, 40, 100),  # the first at once
        (0, 100, 100),
        (0, 250, 200),
        (100, 199, None),
        (100, 200, 200),
        (100, 260, 200),  # however late
        (100, 300, 300),  # of two the last
        (200, 260, None),
        (300, 1_000, 400),
        (400, 1_000, None),
    ],
)
def test_when_one_is_due(decided_ms, now_ms, due):
    market = Market(tick="0.01", lot="0.001")
    bot = Bot(1, "00", "b", 1, "A/B", market, UNDECIDED, Decimal(1), 0, "", strategy="any", decided_ms=decided_ms)
    assert BRAIN.due(bot, now_ms) == due


def test_it_says_what_was_decided_whatever_the_bot_holds():
    assert [BRAIN.decide(None, at, None) for at in (100, 200, 300, 400)] == [*GRIDS, Stop()]
