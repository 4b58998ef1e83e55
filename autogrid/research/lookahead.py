"""Whether a strategy's features are what they seem: each from its candle and those before it, within the lookback.

Backtests cannot be misled by a feature that looks ahead: a strategy is only shown closed candles. A notebook can that
computes features of a whole frame at once: the strategy would then be judged by values that it will never see.
"""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from autogrid.errors import InvalidInput
from autogrid.strategies.decider import FrameDecider
from autogrid.strategies.dynamic import Dynamic

#: Features that differ by less are equal: sums over other candles before them round differently. Relative.
TOLERANCE = 1e-9
AHEAD, SHORT = "looks ahead", "needs more lookback"


@dataclass(frozen=True)
class Difference:
    """The first moment at which a feature is not what the whole frame shows."""

    column: str
    #: Open of the candle whose feature it is.
    ts: pd.Timestamp
    #: "looks ahead": later candles change it; "needs more lookback": earlier ones than it is shown do.
    why: str
    #: Its value on all candles, and on those that the strategy is shown; None where there is no such row or column.
    whole: Any
    shown: Any

    def __str__(self) -> str:
        return (
            f"{self.column} {self.why}: at {self.ts:%Y-%m-%d %H:%M} it is {self.whole} on all candles, {self.shown} on "
            "those that the strategy is shown"
        )


@dataclass(frozen=True)
class Lookahead:
    """What a check found; shown as a sentence per feature that is not what it seems."""

    strategy: str
    #: How many moments were compared.
    moments: int
    columns: tuple[str, ...]
    #: At most one per column.
    differences: tuple[Difference, ...]

    @property
    def ok(self) -> bool:
        """Whether every feature is what it seems."""
        return not self.differences

    def __str__(self) -> str:
        told = f"{self.strategy}: {', '.join(self.columns)} at {self.moments:,} moments"
        if self.ok:
            return f"{told}: no feature looks ahead or needs more lookback"
        return "\n".join([told, *map(str, self.differences)])

    def _repr_html_(self) -> str:
        mark = "&#10003;" if self.ok else "&#9888;"
        return f"<div>{mark} {escape(str(self)).replace(chr(10), '<br>')}</div>"


def lookahead_check(strategy: Dynamic, candles: pd.DataFrame, *, moments: int = 200) -> Lookahead:
    """Compare features of the whole frame with those of the candles shown at `moments` decisions, evenly spread.

    candles: as in `backtest`. Raises InvalidInput where they hold no moment to decide at.
    """
    decider = FrameDecider(strategy, candles)
    made = decider.made
    opens = pd.DatetimeIndex(made.index).as_unit("ms").asi8.tolist()
    ends = [end for end, at in enumerate(opens, 1) if decider.window(at + decider.length_ms) is not None]
    if not ends:
        raise InvalidInput(
            f"the candles must hold {strategy.lookback} of {strategy.cadence} without a gap, found "
            f"{len(made)} in all: take more of them"
        )
    chosen = [ends[i] for i in np.unique(np.linspace(0, len(ends) - 1, moments).astype(int))]
    whole = strategy.features(made)
    found: dict[str, Difference] = {}
    names: dict[str, None] = dict.fromkeys(map(str, whole.columns))
    for end in chosen:
        ts = made.index[end - 1]
        expected = _row(whole, ts)
        shown = _row(strategy.features(made.iloc[end - strategy.lookback : end]), ts)
        names |= dict.fromkeys(shown)
        for name in names:
            if name not in found and not _equal(expected.get(name), shown.get(name)):
                known = _row(strategy.features(made.iloc[:end]), ts).get(name)
                why = SHORT if _equal(expected.get(name), known) else AHEAD
                found[name] = Difference(name, ts, why, expected.get(name), shown.get(name))
    return Lookahead(strategy.label, len(chosen), tuple(names), tuple(found.values()))


def _row(features: pd.DataFrame, ts: Any) -> dict[str, Any]:
    if ts not in features.index:
        return {}
    row = features.loc[ts]
    return {str(name): row[name] for name in features.columns}


def _equal(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    if pd.isna(a) or pd.isna(b):
        return bool(pd.isna(a) and pd.isna(b))
    if isinstance(a, (int, float, np.number)) and isinstance(b, (int, float, np.number)):
        one, two = float(a), float(b)
        return one == two or abs(one - two) <= TOLERANCE * max(abs(one), abs(two))
    return bool(a == b)
