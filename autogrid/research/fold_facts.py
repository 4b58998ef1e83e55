"""A walk-forward as texts and as JSON."""

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from autogrid.research.folds import WalkForward


def facts(found: "WalkForward") -> list[tuple[str, str]]:
    """What a person wants to know first, as (name, text)."""
    frame, totals = found.frame, found.totals
    worked = frame[frame["error"].isna()]
    return [
        ("Windows: earned / worked / all", f"{(worked['total_return'] > 0).sum()} / {len(worked)} / {len(frame)}"),
        ("Out of sample, all in a row", f"{found.total_return:+.2%}"),
        ("Holding, first test to last", f"{found.hold.iloc[-1] - 1:+.2%}"),
        ("Per day in / out of sample", f"{_number(found.in_sample, '+.3%')} / {found.out_of_sample:+.3%}"),
        ("Kept of what was promised", _number(found.kept, ".0%")),
        ("Sharpe (daily, x sqrt 365)", _number(found.sharpe, ".2f")),
        ("PSR: Sharpe above 0 (95 % wanted)", _number(found.psr, ".1%")),
        ("Max drawdown, daily", f"{found.max_drawdown:.2%}"),
        ("Grid / inventory profit", f"{totals['realised']:,.2f} / {totals['unrealised']:,.2f}"),
        ("Fees", f"{totals['fees']:,.2f}"),
        ("Fills / round trips", f"{frame['fills'].sum():,.0f} / {frame['round_trips'].sum():,.0f}"),
        ("Chosen by", found.metric),
        ("Chosen most often", _favourite(found)),
    ]


def to_json(found: "WalkForward") -> dict[str, Any]:
    """Everything: decimals and times as strings, no NaN."""
    windows = [{str(name): _plain(value) for name, value in row.items()} for row in found.frame.to_dict("records")]
    names = ("in_sample", "out_of_sample", "kept", "total_return", "sharpe", "psr", "max_drawdown")
    return {
        "verdict": found.verdict,
        "metric": found.metric,
        **{name: _plain(getattr(found, name)) for name in names},
        "hold_return": float(found.hold.iloc[-1]) - 1,
        "totals": {name: f"{value:f}" for name, value in found.totals.items()},
        "returns": {f"{day:%Y-%m-%d}": value for day, value in found.returns.items()},
        "windows": windows,
    }


def _favourite(found: "WalkForward") -> str:
    """The fields that were chosen most often, and how often."""
    chosen = Counter(tuple(fold.chosen.items()) for fold in found.folds if fold.chosen)
    if not chosen:
        return "none"
    (fields, count), *_ = chosen.most_common(1)
    return ", ".join(f"{name} {value}" for name, value in fields) + f" ({count}x)"


def _number(value: float, how: str) -> str:
    return f"{value:{how}}" if math.isfinite(value) else "-"


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
