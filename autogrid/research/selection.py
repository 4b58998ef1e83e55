"""The best of many, judged: how much of it is skill, and how much is having looked at many."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from autogrid.errors import InvalidInput
from autogrid.research.cscv import blocks_for, cscv, share
from autogrid.research.overfit import (
    CONFIDENCE,
    ROUNDING,
    Floats,
    checked,
    dsr,
    expected_max_sharpe,
    luck_variance,
    min_track_record,
    moments,
    n_eff,
    psr,
)

#: A winner that is no better than the median in half of the splits was not chosen for skill.
MOST_PBO = 0.5


@dataclass(frozen=True)
class Selection:
    """What `judge` found. Sharpe ratios are per day, not annualised; probabilities from 0 to 1."""

    #: The grid with the highest Sharpe ratio: swept field -> value.
    best: dict[str, Any]
    #: Grids that traded.
    trials: int
    #: How many independent trials they are worth; see `overfit.n_eff`.
    n_eff: float
    days: int
    #: Of the best.
    sharpe: float
    #: What the luckiest of as many trials without skill would show.
    luck: float
    #: Probability that the best's true Sharpe ratio is above 0, as if nothing else had been tried.
    psr: float
    #: The same above `luck`.
    dsr: float
    #: Share of `splits` in which the winner of one half was no better than the median in the other.
    pbo: float
    splits: int
    #: Days that prove, had only the best been tried, a Sharpe ratio above 0 to 95 %; inf where it is not above 0.
    min_track_record: float
    #: One per split; see `cscv.cscv`.
    logits: Floats = field(repr=False, compare=False)

    @property
    def passes(self) -> bool:
        """Whether the best is more than luck: DSR above 95 % and PBO below 50 %."""
        return self.dsr > CONFIDENCE and self.pbo < MOST_PBO

    @property
    def verdict(self) -> str:
        """One sentence."""
        said = f"the best of {self.trials:,} grids (daily Sharpe {self.sharpe:.3f}, DSR {self.dsr:.1%}"
        said += f", PBO {self.pbo:.0%})"
        if self.passes:
            return f"More than luck: {said} beats what the luckiest without skill would show, {self.luck:.3f}."
        why = []
        if self.dsr <= CONFIDENCE:
            why.append(f"{self.days} days do not prove it above {self.luck:.3f}, the luckiest of as many without skill")
        if self.pbo >= MOST_PBO:
            why.append("winners of one half of the days are no better than the median in the other")
        return f"Do not believe {said}: {'; '.join(why)}."

    def to_json(self) -> dict[str, Any]:
        """Figures, verdict and all facts as text; `min_track_record` is None where no number of days would do."""
        names = ("trials", "n_eff", "days", "sharpe", "luck", "psr", "dsr", "pbo", "splits")
        record = self.min_track_record if math.isfinite(self.min_track_record) else None
        figures = {name: getattr(self, name) for name in names} | {"min_track_record": record}
        return {**figures, "passes": self.passes, "verdict": self.verdict, "facts": self.facts()}

    def facts(self) -> list[tuple[str, str]]:
        """Everything as (name, text)."""
        record = f"{math.ceil(self.min_track_record):,} days" if math.isfinite(self.min_track_record) else "never"
        return [
            ("Best", ", ".join(f"{name} {value}" for name, value in self.best.items())),
            ("Grids that traded / independent", f"{self.trials:,} / {self.n_eff:.1f}"),
            ("Daily Sharpe: best / luckiest of no skill", f"{self.sharpe:.3f} / {self.luck:.3f}"),
            ("PSR, had it been the only one", f"{self.psr:.1%}"),
            ("DSR, as the best of all (95 % wanted)", f"{self.dsr:.1%}"),
            (f"PBO over {self.splits:,} splits (below 50 %)", f"{self.pbo:.1%}"),
            ("Days / least track record alone", f"{self.days:,} / {record}"),
        ]

    def _repr_html_(self) -> str:
        from autogrid.research.html import facts_card

        return facts_card("The best of many, judged", self.verdict, self.facts(), [])


def judge(daily: pd.DataFrame, combinations: pd.DataFrame, blocks: int | None = None) -> Selection:
    """Judge the choice of the highest Sharpe ratio among the columns of `daily`.

    daily: daily returns, shape (days, trials); its columns name rows of `combinations`, the swept fields. Trials that
    never moved are not counted. `blocks` as in `cscv`. A grid chosen by another figure has no higher Sharpe ratio than
    the one judged here.

    The variance over the trials counts as at least that of independent luck, 1 / (days - 1). Neighbouring grids share
    their luck and differ less, and what a grid shows on a martingale leans to good looks: it sells what rises, and the
    rare fall is not among the days. Without this floor one in ten sweeps on martingales has a DSR above 95 %.

    InvalidInput for fewer than two grids that traded, or too few days.
    """
    values = checked(daily.to_numpy(np.float64), 2)
    moves = np.ptp(values, axis=0) > ROUNDING if values.size else np.zeros(values.shape[1], bool)
    if moves.sum() < 2:
        raise InvalidInput(f"expected two grids or more that traded, found {moves.sum()} of {len(combinations)}")
    values = values[:, moves]
    sharpes = values.mean(axis=0) / values.std(axis=0, ddof=1)
    winner, trials = int(sharpes.argmax()), values.shape[1]
    track = moments(values[:, winner])
    variance = max(float(sharpes.var(ddof=1)), luck_variance(len(values)))
    logits = cscv(values, blocks_for(len(values)) if blocks is None else blocks)
    return Selection(
        best={str(name): value for name, value in combinations.loc[daily.columns[moves][winner]].items()},
        trials=trials,
        n_eff=n_eff(values),
        days=len(values),
        sharpe=track.sharpe,
        luck=expected_max_sharpe(trials, variance),
        psr=psr(track),
        dsr=dsr(track, trials, variance),
        pbo=share(logits),
        splits=len(logits),
        min_track_record=min_track_record(track),
        logits=logits,
    )
