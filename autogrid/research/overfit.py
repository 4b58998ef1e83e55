"""How much of a Sharpe ratio is luck: probabilistic and deflated Sharpe ratio, track record, number of trials.

Sharpe ratios are per period (of daily returns: per day), never annualised; kurtosis is not the excess over 3.
Sources: Bailey and Lopez de Prado, "The Sharpe Ratio Efficient Frontier" (2012) and "The Deflated Sharpe Ratio" (2014).
The probability of backtest overfitting, which compares whole sweeps, is in `autogrid.research.cscv`.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from autogrid.errors import InvalidInput

Floats = npt.NDArray[np.float64]

#: How sure the gates want to be.
CONFIDENCE = 0.95
#: Skewness and kurtosis of fewer returns say nothing.
LEAST_PERIODS = 8
#: A standard deviation below this part of the largest return is rounding.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Moments:
    """What is known of a series of returns; the defaults are a normal distribution's."""

    #: Number of returns.
    periods: int
    #: Mean / standard deviation (ddof 1), per period.
    sharpe: float
    skew: float = 0.0
    #: Not the excess: 3 for a normal distribution.
    kurtosis: float = 3.0


def moments(returns: npt.ArrayLike) -> Moments:
    """The moments of `returns`, fractions per period, shape (periods,).

    InvalidInput for fewer than LEAST_PERIODS returns, for NaN or infinity, and for returns that are all the same.
    """
    values = checked(np.atleast_1d(np.asarray(returns, dtype=np.float64)), 1)
    deviation = float(values.std(ddof=1))
    if deviation <= ROUNDING * float(np.abs(values).max()):
        raise InvalidInput(
            f"expected returns that differ, found {len(values)} times {values[0]:g}: there is no risk to measure; "
            "use candles on which the grid trades"
        )
    apart = values - values.mean()
    spread = float(np.mean(apart**2))
    return Moments(
        periods=len(values),
        sharpe=float(values.mean()) / deviation,
        skew=float(np.mean(apart**3)) / spread**1.5,
        kurtosis=float(np.mean(apart**4)) / spread**2,
    )


def checked(returns: Floats, dimensions: int, least: int = LEAST_PERIODS) -> Floats:
    """`returns` if they have that many dimensions and `least` finite rows; else InvalidInput."""
    if returns.ndim != dimensions:
        raise InvalidInput(f"expected returns of {dimensions} dimension(s), found the shape {returns.shape}")
    if len(returns) < least:
        raise InvalidInput(
            f"expected returns of {least} periods or more, found {len(returns)}; "
            "use candles over more days, or shorter periods"
        )
    if not np.isfinite(returns).all():
        raise InvalidInput("returns must be finite numbers, found NaN or infinity; fill or drop those periods")
    return returns


def psr(track: Moments, benchmark: float = 0.0) -> float:
    """Probabilistic Sharpe ratio: how probable it is that the true Sharpe ratio is above `benchmark` (per period).

    Phi[(SR - SR*) sqrt(T - 1) / sqrt(1 - g3 SR + (g4 - 1) / 4 SR^2)] (2012, equation 11).
    """
    return float(ndtr((track.sharpe - benchmark) * math.sqrt(track.periods - 1) / math.sqrt(_spread(track))))


def expected_max_sharpe(trials: float, variance: float = 1.0) -> float:
    """SR0: the Sharpe ratio that the best of `trials` without skill shows by luck (2014, equation 1).

    variance: of the Sharpe ratios over the trials, per period. 0 for one trial: nothing was chosen.
    InvalidInput for fewer than one trial or a negative variance.
    """
    if not (trials >= 1 and variance >= 0 and math.isfinite(trials) and math.isfinite(variance)):
        raise InvalidInput(f"expected one trial or more and a variance from 0 on, found {trials:g} and {variance:g}")
    if trials == 1:
        return 0.0
    common, rare = ndtri(1 - 1 / trials), ndtri(1 - 1 / (trials * math.e))
    # The approximation is for many trials: between one and two (effective) ones it would turn negative.
    return math.sqrt(variance) * max(0.0, float((1 - np.euler_gamma) * common + np.euler_gamma * rare))


def dsr(track: Moments, trials: float, variance: float) -> float:
    """Deflated Sharpe ratio: how probable it is that the best of `trials` is better than the luckiest without skill.

    PSR against `expected_max_sharpe(trials, variance)`. `track`: the moments of the best one.
    """
    return psr(track, expected_max_sharpe(trials, variance))


def min_track_record(track: Moments, benchmark: float = 0.0, confidence: float = CONFIDENCE) -> float:
    """MinTRL: how many periods with such moments prove a Sharpe ratio above `benchmark` (2012, equation 13).

    1 + (1 - g3 SR + (g4 - 1) / 4 SR^2) (Phi^-1(confidence) / (SR - SR*))^2; infinity where the Sharpe ratio is not
    above `benchmark`. InvalidInput for a confidence outside of (0.5, 1).
    """
    if not 0.5 < confidence < 1:
        raise InvalidInput(f"confidence must lie between 0.5 and 1, was {confidence:g}")
    if track.sharpe <= benchmark:
        return math.inf
    return 1 + _spread(track) * float(ndtri(confidence) / (track.sharpe - benchmark)) ** 2


def luck_variance(periods: int) -> float:
    """The variance of the Sharpe ratios of independent trials without skill over so many periods: 1 / (T - 1)."""
    if periods < 2:
        raise InvalidInput(f"expected returns of two periods or more, found {periods}")
    return 1 / (periods - 1)


def n_eff(returns: npt.ArrayLike) -> float:
    """How many independent trials the columns of `returns`, shape (periods, trials), are worth: from 1 to `trials`.

    The participation ratio (sum of l)^2 / sum of l^2 of the eigenvalues l of the correlation matrix: equal columns
    count as one. Never more than `periods` - 1, as no more can be told apart. Columns without variance are left out.
    InvalidInput where no column varies.
    """
    values = checked(np.asarray(returns, dtype=np.float64), 2)
    apart = values - values.mean(axis=0)
    length = np.sqrt((apart**2).sum(axis=0))
    varies = length > ROUNDING * np.abs(values).max(axis=0) * math.sqrt(len(values))
    if not varies.any():
        raise InvalidInput("expected returns that differ, found none; use candles on which the grids trade")
    unit = apart[:, varies] / length[varies]
    # Both products have the same eigenvalues above zero. Their sum is the trace, that of their squares the entries'.
    square = unit @ unit.T if unit.shape[0] < unit.shape[1] else unit.T @ unit
    return float(np.trace(square) ** 2 / (square**2).sum())


def _spread(track: Moments) -> float:
    """The variance of the Sharpe ratio's estimate, times periods - 1 (Mertens 2002)."""
    if track.periods < 2:
        raise InvalidInput(f"expected returns of two periods or more, found {track.periods}")
    spread = 1 - track.skew * track.sharpe + (track.kurtosis - 1) / 4 * track.sharpe**2
    if not spread > 0:
        raise InvalidInput(
            f"no returns have skewness {track.skew:g} and kurtosis {track.kurtosis:g}: the kurtosis, which is not the "
            "excess over 3, must be above 1 + skewness^2"
        )
    return spread
