"""Another bot from a passport: what was proven once need not be proven again."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.engine import Connection, Engine

from autogrid.core.decision import UNDECIDED
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.plan import plan
from autogrid.core.study import Study, parse_study
from autogrid.errors import Conflict, InvalidInput
from autogrid.exchange.account import open_account
from autogrid.exchange.limiter import Limiter
from autogrid.live.code import code_hash
from autogrid.store import bots, budget, candle_pages
from autogrid.store.accounts import PAPER, Account
from autogrid.store.passports import Passport
from autogrid.strategies.registry import worked


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """Which bot is wanted."""

    account: Account
    name: str
    start: bool = True
    #: Most orders resting at once, nearest to the price; None: all.
    window: int | None = None
    owner_id: int | None = None


def enrol(engine: Engine, passport: Passport, wanted: Enrolment, limiter: Limiter) -> int:
    """Make a bot of a passport and reserve its budget; its id.

    Conflict where this code is not what was proven, InvalidInput where account and passport do not fit.
    """
    study = parse_study(passport.study, f"passport {passport.id[:12]}")
    if passport.code_hash != code_hash(study.strategy):
        raise Conflict(f"passport {passport.id[:12]} was proven with other code than runs now: promote the study again")
    account = wanted.account
    _check(passport, study, account)
    assert study.symbol is not None  # both: a study without them is not promoted
    assert study.exchange is not None
    seen = _look(engine, account, study, limiter)
    with engine.begin() as connection:
        new = bots.NewBot(
            name=wanted.name,
            account_id=account.id,
            symbol=study.symbol,
            market=seen.market,
            **worked_by(study),
            code_hash=passport.code_hash,
            exchange=study.exchange,
            cash=cash_of(study),
            slippage_ticks=study.slippage_ticks,
            window=wanted.window,
            passport_id=passport.id,
            owner_id=wanted.owner_id,
        )
        bot_id = bots.create(connection, new, wish="run" if wanted.start else "pause")
        _reserve(connection, bot_id, account, study, seen)
    return bot_id


def worked_by(study: Study) -> dict[str, Any]:
    """What a bot of a proven study works, as fields of NewBot: its grid, or the strategy that is to decide one.

    study: parsed from its passport, so that its parameters are what JSON can keep.
    """
    found = worked(study)
    if isinstance(found, Grid):
        return {"grid": found}
    return {"grid": UNDECIDED, "strategy": study.strategy, "params": study.params}


def cash_of(study: Study) -> Decimal | None:
    """Quote that a study begins with; None: what its grid needs."""
    return None if study.cash is None else Decimal(str(study.cash))


def _check(passport: Passport, study: Study, account: Account) -> None:
    target = "paper" if account.exchange == PAPER else "live"
    proven = passport.result.get("target", "paper")
    if target == "live" and proven != "live":
        raise InvalidInput(
            f"passport {passport.id[:12]} was proven for paper, account {account.name!r} is at {account.exchange}: "
            "promote the study to live, which has more gates"
        )
    if target == "live" and account.exchange != study.exchange:
        raise InvalidInput(
            f"account {account.name!r} is at {account.exchange}, the study was run for {study.exchange}: "
            "choose another account, or promote the study on that exchange's candles and rules"
        )


@dataclass(frozen=True)
class _Seen:
    """What there is at the exchange now."""

    #: None: there is no end to the money.
    balances: dict[str, Decimal] | None
    price: Decimal | None
    #: The study's, with the largest orders that the exchange takes.
    market: Market


def _look(engine: Engine, account: Account, study: Study, limiter: Limiter) -> _Seen:
    """Of an account at an exchange what that says; of a paper account the last stored close."""
    assert study.symbol is not None
    with engine.connect() as connection:
        if account.exchange == PAPER:
            close = candle_pages.last_close(connection, study.exchange or "", study.symbol)
            return _Seen(None, None if close is None else Decimal(repr(close)), study.market)
        exchange = open_account(connection, account, limiter)
    try:
        market = study.market.limited_by(exchange.rules(study.symbol))
        balances = {coin: each.total for coin, each in exchange.balances().items()}
        return _Seen(balances, exchange.price(study.symbol), market)
    finally:
        exchange.close()


def _reserve(connection: Connection, bot_id: int, account: Account, study: Study, seen: _Seen) -> None:
    needed, balances = _needed(study, seen), seen.balances
    quote = (study.symbol or "").split("/")[1].split(":")[0]
    if balances is None:
        balances = {quote: budget.reserved(connection, account.id).get(quote, Decimal(0)) + needed}
    budget.reserve(connection, bot_id, {quote: needed}, balances)


def _needed(study: Study, seen: _Seen) -> Decimal:
    """Quote that a bot of the study begins with."""
    market, grid, cash = seen.market, worked(study), cash_of(study)
    if not isinstance(grid, Grid):
        assert cash is not None  # a strategy is not promoted without
        return market.money(market.atoms(cash))
    start = grid.trigger or seen.price or (grid.lower + grid.upper) / 2
    planned = plan(grid, market, market.price_ticks(start), cash=cash, slippage_ticks=study.slippage_ticks)
    return market.money(planned.cash)
