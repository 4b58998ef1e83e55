"""How many grids were tried before one was chosen, from what the study says and from the sweeps that are stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import variance
from typing import Any

from autogrid.core.study import Study
from autogrid.research.metrics import DAYS_PER_YEAR

SAID, SWEPT = "the study says so", "its stored sweeps"


@dataclass(frozen=True)
class Trials:
    """What the gate `trials` has to know."""

    #: Grids that were tried, the chosen one included.
    count: int
    #: Variance of their daily Sharpe ratios, not annualised; None: not known.
    sharpe_variance: float | None
    #: Where the number comes from: SAID or SWEPT.
    source: str


def trials_of(study: Study, sweeps: Iterable[Mapping[str, Any]] = ()) -> Trials | None:
    """The larger of what a study says and what its sweeps show; None where neither does.

    sweeps: `text` (the study they were made of), `fields` and `rows` as their jobs keep them; a grid that several of
    them worked counts once, one that was refused does not. The study's own variance comes first.
    """
    tried: dict[tuple[Any, ...], float] = {}
    for each in sweeps:
        for row in each["rows"]:
            if row.get("sharpe") is not None and not row.get("error"):
                tried[each["text"], *((name, row[name]) for name in each["fields"])] = float(row["sharpe"])
    said = study.tried
    found = None if len(tried) < 2 else variance(tried.values()) / DAYS_PER_YEAR
    if said is not None and said.sharpe_variance is not None:
        found = float(said.sharpe_variance)
    stated = 0 if said is None or said.trials is None else said.trials
    if max(stated, len(tried)) == 0:
        return None
    return Trials(max(stated, len(tried)), found, SAID if stated >= len(tried) else SWEPT)
