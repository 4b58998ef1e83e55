"""One exchange through ccxt: pages of candles, with retries."""

import importlib
import re
from decimal import Decimal
from typing import Any, Protocol

from autogrid.data.raw import Raw
from autogrid.data.sources.freqtrade import from_rows
from autogrid.errors import InvalidInput, Unavailable

#: Exchanges whose documentation says that minutes without trades yield no candle.
OMITS_EMPTY = frozenset({"bitfinex", "coinbase", "coinbaseadvanced", "coinbaseexchange"})

#: ccxt's codes of how a market's precision is meant.
DECIMAL_PLACES, TICK_SIZE = 2, 4


class Client(Protocol):
    """What is used of a ccxt exchange."""

    id: str
    #: What the numbers of a market's precision mean; TICK_SIZE or DECIMAL_PLACES, others are not used.
    precisionMode: int

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> list[list[float]]:
        """Candles from `since` (ms) on, at most `limit`, oldest first."""

    def load_markets(self) -> dict[str, Any]:
        """Symbol -> ccxt's description of the market."""


def open_exchange(name: str, timeframe: str) -> Client:
    """A rate-limited public client of the exchange; InvalidInput when it has no such candles."""
    if re.fullmatch(r"[a-z0-9]+", name) is None:
        raise InvalidInput(f"exchange: expected a ccxt id such as binance or kraken, found {name!r}.")
    try:
        module = importlib.import_module(f"ccxt.{name}")
        client: Any = getattr(module, name)({"enableRateLimit": True})
    except (ModuleNotFoundError, AttributeError) as error:
        raise InvalidInput(
            f"exchange: expected a ccxt id such as binance or kraken, found {name!r}. "
            "See https://github.com/ccxt/ccxt/wiki/Exchange-Markets"
        ) from error
    known = client.timeframes or {}
    if not client.has.get("fetchOHLCV") or timeframe not in known:
        raise InvalidInput(f"{name}: expected one of the timeframes {', '.join(known) or '(none)'}, found {timeframe}.")
    found: Client = client
    return found


def fetch_page(
    client: Client, symbol: str, timeframe: str, since: int, limit: int, attempts: int = 6, wait: float = 1.0
) -> Raw:
    """One page, unchecked. Network trouble is retried with growing pauses, then Unavailable."""
    import tenacity
    from ccxt.base import errors

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(errors.NetworkError),
        stop=tenacity.stop_after_attempt(attempts),
        wait=tenacity.wait_exponential(multiplier=wait, max=60),
        reraise=True,
    )
    try:
        rows = retrying(client.fetch_ohlcv, symbol, timeframe, since, limit)
    except errors.BadSymbol as error:
        raise InvalidInput(f"{client.id}: expected a symbol such as BTC/USDT, found {symbol!r}: {error}") from error
    except errors.NetworkError as error:
        raise Unavailable(
            f"{client.id}: expected candles, found after {attempts} attempts: {error}. "
            "Run the same command again: it goes on where it stopped."
        ) from error
    except errors.BaseError as error:
        raise Unavailable(f"{client.id}: expected candles, found: {error}.") from error
    return from_rows([list(row) for row in rows], f"{client.id} {symbol} {timeframe} since {since}")


def market_rules(client: Client, symbol: str) -> dict[str, Any] | None:
    """The market's rules by their names in a study file; None where the exchange does not tell a tick and a lot.

    Fees are ccxt's for the lowest tier, a rebate counts as none. `buy_fee_asset` is left out where ccxt does not know.
    """
    from ccxt.base import errors

    try:
        found = client.load_markets().get(symbol) or {}
    except errors.BaseError:
        return None
    precision, limits = found.get("precision") or {}, found.get("limits") or {}
    cost = limits.get("cost") or {}
    tick, lot = (_unit(precision.get(name), client.precisionMode) for name in ("price", "amount"))
    if tick is None or lot is None:
        return None
    rules = {"tick": tick, "lot": lot, "min_notional": Decimal(str(cost.get("min") or 0))}
    for name in ("maker", "taker"):
        if found.get(name) is not None:
            rules[f"{name}_fee"] = max(Decimal(str(found[name])), Decimal(0)).quantize(Decimal("0.000001"))
    most = {"max_amount": limits.get("amount"), "max_market_amount": limits.get("market"), "max_notional": cost}
    rules |= {name: Decimal(str(each["max"])) for name, each in most.items() if each and each.get("max")}
    side = found.get("feeSide")
    return rules | ({} if side is None else {"buy_fee_asset": "base" if side in ("get", "base") else "quote"})


def _unit(value: Any, mode: int) -> Decimal | None:
    """A tick or lot from ccxt's precision: a unit or a number of decimals. Significant digits have no one tick."""
    if value is None or mode not in (TICK_SIZE, DECIMAL_PLACES):
        return None
    unit = Decimal(1).scaleb(-int(value)) if mode == DECIMAL_PLACES else Decimal(str(value))
    return unit if unit > 0 else None
