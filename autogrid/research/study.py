"""A study on candles."""

import pandas as pd

from autogrid.core.study import Study
from autogrid.data.rules import study_market
from autogrid.research.backtest import backtest
from autogrid.research.result import Result
from autogrid.strategies.registry import worked


def backtest_study(study: Study, candles: pd.DataFrame) -> Result:
    """Backtest a study on `candles`; rules of the market that the study leaves out come from the store."""
    return backtest(
        worked(study),
        candles,
        study_market(study),
        cash=None if study.cash is None else str(study.cash),
        path=study.path,
        penetration_ticks=study.penetration_ticks,
        slippage_ticks=study.slippage_ticks,
    )
