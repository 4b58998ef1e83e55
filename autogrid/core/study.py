"""Study files: one experiment, written down (contract, section 8). Text in, values out."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from autogrid.core.market import Market, positive
from autogrid.core.path import path_code
from autogrid.errors import InvalidInput, shortened

RULES = ("tick", "lot", "min_notional", "maker_fee", "taker_fee", "buy_fee_asset")
#: Rules that limit the size of orders. They change no result, only whether a grid may be worked at all.
MOST = ("max_amount", "max_market_amount", "max_notional")
#: Rules without which no order can be written down.
NEEDED = ("tick", "lot")
SECTIONS = {
    "market": ("exchange", "symbol", *RULES, *MOST),
    "candles": ("timeframe", "start", "end"),
    "strategy": ("name", "params"),
    "simulation": ("cash", "path", "penetration_ticks", "slippage_ticks"),
    "overfit": ("trials", "sharpe_variance", "enforce"),
}


@dataclass(frozen=True)
class Tried:
    """What a study says about how its grid was found (section [overfit])."""

    #: Grids that were tried, this one included; None: not said.
    trials: int | None
    #: Variance of the daily Sharpe ratios of all trials, not annualised; None: not said.
    sharpe_variance: Decimal | None
    #: True: the gates that judge luck refuse a promotion; else they warn.
    enforce: bool


@dataclass(frozen=True)
class Study:
    """One parsed study file."""

    market_rules: dict[str, Any]
    exchange: str | None
    symbol: str | None
    timeframe: str | None
    #: First candle wanted, UTC; None: the earliest.
    start: datetime | None
    #: End, exclusive, UTC; None: the latest.
    end: datetime | None
    strategy: str
    params: dict[str, Any]
    cash: str | int | Decimal | None
    path: str
    penetration_ticks: int
    slippage_ticks: int
    #: None: the study has no section [overfit].
    tried: Tried | None = None

    @property
    def market(self) -> Market:
        """The market by the study's own keys; InvalidInput naming the rules that are missing."""
        return self.market_with({})

    def market_with(self, known: Mapping[str, Any]) -> Market:
        """The market by the study's own keys and, for the others, by `known` rules."""
        rules = {**known, **self.market_rules}
        missing = [name for name in NEEDED if name not in rules]
        if missing:
            remedy = f'add {missing[0]} = "..." to the section'
            if self.exchange and self.symbol:
                fetch = f"autogrid candles fetch {self.exchange} {self.symbol} {self.timeframe or '1m'} --since DATE"
                remedy += f", or store the exchange's own rules with: {fetch}"
            raise InvalidInput(f"[market] needs {' and '.join(missing)}: {remedy}")
        return Market(**rules)

    def fingerprint(self) -> str:
        """sha256 of the study's content, whatever its order, comments and spacing."""
        # Studies without the section keep the fingerprint that they had before there was one.
        content = {name: value for name, value in self.__dict__.items() if name != "tried" or value is not None}
        text = json.dumps(content, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def parse_study(text: str, source: str = "study") -> Study:
    """Parse a study file's text; `source` names it in errors. Unknown sections and keys are refused."""
    try:
        # Numbers without quotes are welcome, and stay as exact as they are written.
        data = tomllib.loads(text, parse_float=Decimal)
    except RecursionError:
        raise InvalidInput(f"{source} is not valid TOML: brackets are nested too deep") from None
    except ArithmeticError:
        raise InvalidInput(f"{source} has a number whose exponent no computer can hold") from None
    except ValueError as error:  # TOMLDecodeError, and whole numbers of thousands of digits
        raise InvalidInput(f"{source} is not valid TOML: {error}") from None
    check_keys(source, data, tuple(SECTIONS))
    for section, keys in SECTIONS.items():
        if not isinstance(data.get(section, {}), dict):
            raise InvalidInput(f"{source}: [{section}] must be a section, was {shortened(data[section])}")
        check_keys(f"{source} [{section}]", data.get(section, {}), keys)
    market, candles = data.get("market", {}), data.get("candles", {})
    strategy, simulation = data.get("strategy", {}), data.get("simulation", {})
    if not isinstance(strategy.get("params"), dict):
        raise InvalidInput(f"{source} needs a section [strategy.params] with the grid's lower, upper and cells")
    path = simulation.get("path", "nearest")
    path_code(path)
    study = Study(
        market_rules={name: market[name] for name in (*RULES, *MOST) if name in market},
        exchange=_text("exchange", market.get("exchange")),
        symbol=_text("symbol", market.get("symbol")),
        timeframe=_text("timeframe", candles.get("timeframe")),
        start=_moment("start", candles.get("start")),
        end=_moment("end", candles.get("end")),
        strategy=strategy.get("name", "static"),
        params=strategy["params"],
        cash=simulation.get("cash"),
        path=path,
        penetration_ticks=_whole("penetration_ticks", simulation.get("penetration_ticks", 1)),
        slippage_ticks=_whole("slippage_ticks", simulation.get("slippage_ticks", 0)),
        tried=_tried(data["overfit"]) if "overfit" in data else None,
    )
    if study.start and study.end and study.start >= study.end:
        raise InvalidInput(f"{source}: start must be before end, was {study.start} >= {study.end}")
    return study


def _text(name: str, value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and value.isprintable() and len(value) <= 100):
        raise InvalidInput(f"{name} must be a text of up to 100 characters, was {shortened(value)}")
    return value


def _whole(name: str, value: Any, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**31:
        raise InvalidInput(f"{name} must be a whole number from {least} on, was {shortened(value)}")
    return value


def _tried(section: Mapping[str, Any]) -> Tried:
    trials, variance, enforce = (section.get(name) for name in SECTIONS["overfit"])
    if not isinstance(enforce, bool | None):
        raise InvalidInput(f"enforce must be true or false, without quotes, was {shortened(enforce)}")
    return Tried(
        trials=None if trials is None else _whole("trials", trials, 1),
        sharpe_variance=None if variance is None else positive("sharpe_variance", variance),
        enforce=bool(enforce),
    )


def check_keys(where: str, found: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """InvalidInput for the first key that is not `known`, with the nearest one that is."""
    for key in found:
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise InvalidInput(f"{where} has no key {key!r}; {hint}")


def _moment(name: str, value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
            is_date = value.time() == datetime.min.time()
        else:
            is_date = not isinstance(value, datetime)
            value = datetime(value.year, value.month, value.day) if is_date else value  # noqa: DTZ001 - zone added below
        if value.tzinfo is None and is_date:
            value = value.replace(tzinfo=UTC)
        elif value.tzinfo is None:
            raise InvalidInput(f'{name} needs a time zone, such as "2024-07-26T12:00:00Z", was {value}')
        moment: datetime = value.astimezone(UTC)
        return moment
    except InvalidInput:
        raise
    except (AttributeError, ValueError, OverflowError):
        raise InvalidInput(f'{name} must be an ISO date such as "2024-07-26", was {shortened(value)}') from None
