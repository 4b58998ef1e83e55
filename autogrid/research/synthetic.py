"""A made-up market for demos and tests. Never mistake it for one: the frame's label says so."""

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

#: Sub-steps per candle, from which its high and low come.
SUB_STEPS = 8
#: Share of the distance to the anchor price that is closed per year.
REVERSION_PER_YEAR = 8.0
YEAR_MINUTES = 365 * 1440


def synthetic_candles(
    days: int = 30, seed: int = 7, start_price: float = 60_000.0, annual_vol: float = 0.6
) -> pd.DataFrame:
    """Minutes of a mean-reverting log price, shape (days x 1440, 5); the same seed gives the same candles."""
    rng = np.random.default_rng(seed)
    minutes = days * 1440
    shocks = rng.standard_normal(minutes * SUB_STEPS) * annual_vol / np.sqrt(YEAR_MINUTES * SUB_STEPS)
    pull = REVERSION_PER_YEAR / (YEAR_MINUTES * SUB_STEPS)
    # x[t] = (1 - pull) x[t-1] + shock, solved at once: cumulative sums of shocks grown back by the decay.
    decay = (1 - pull) ** np.arange(len(shocks))
    path = np.cumsum(shocks / decay) * decay
    return _candles(start_price, np.exp(path), minutes, 1, rng, f"SYNTHETIC market, seed {seed}")


def martingale_candles(
    days: int = 60, seed: int = 7, start_price: float = 60_000.0, annual_vol: float = 0.6, minutes: int = 15
) -> pd.DataFrame:
    """Candles of `minutes` each of a price without drift and without memory: on average no strategy earns on it.

    A control: what a method finds here is luck. `minutes` must divide a day.
    """
    rng = np.random.default_rng(seed)
    count = days * 1440 // minutes
    step = annual_vol * np.sqrt(minutes / (YEAR_MINUTES * SUB_STEPS))
    # Minus half the variance: the price is the martingale, not its logarithm.
    path = np.cumsum(rng.standard_normal(count * SUB_STEPS) * step - step**2 / 2)
    return _candles(start_price, np.exp(path), count, minutes, rng, f"MARTINGALE, seed {seed}")


def _candles(
    start_price: float, path: Floats, count: int, minutes: int, rng: np.random.Generator, label: str
) -> pd.DataFrame:
    """Candles of SUB_STEPS steps of `path` (relative to the start price) each."""
    prices = np.round(start_price * path, 2).reshape(count, SUB_STEPS)
    open_ = np.concatenate([[start_price], prices[:-1, -1]])
    index = pd.date_range("2024-01-01", periods=count, freq=f"{minutes}min", tz="UTC", unit="ms", name="ts")
    frame = pd.DataFrame(
        {
            "open": open_,
            "high": np.maximum(open_, prices.max(axis=1)),
            "low": np.minimum(open_, prices.min(axis=1)),
            "close": prices[:, -1],
            "volume": np.round(rng.gamma(2.0, 5.0, count), 3),
        },
        index=index,
    )
    frame.attrs["label"] = label
    return frame
