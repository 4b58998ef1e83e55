"""From a study to a bot: run it, replay it, pass the gates, keep the passport, reserve the budget, wish it to run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pandas as pd
from sqlalchemy.engine import Connection, Engine

from autogrid.core.bot import DEFAULT_WINDOW, Limits
from autogrid.core.grid import Grid, one_of
from autogrid.core.levels import MAX_CELLS
from autogrid.core.plan import plan
from autogrid.core.study import Study, parse_study
from autogrid.data.load import load_candles
from autogrid.data.timeframe import parse_timeframe
from autogrid.errors import InvalidInput
from autogrid.exchange.account import open_account
from autogrid.exchange.limiter import Limiter, MemoryLimiter
from autogrid.exchange.port import Exchange
from autogrid.live.code import code_hash
from autogrid.live.enrol import cash_of, worked_by
from autogrid.promotion.gates import FAIL, FILE, LIVE, PAPER, STORE, Evidence
from autogrid.promotion.parity import replay_like
from autogrid.promotion.passport import make_passport
from autogrid.promotion.trials import trials_of
from autogrid.research.result import Result
from autogrid.research.study import backtest_study
from autogrid.store import accounts, bots, budget, passports
from autogrid.store.passports import Passport
from autogrid.strategies.registry import worked


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to promote, and to what."""

    #: Text of the study file.
    study: str
    #: PAPER or LIVE.
    to: str
    #: Name or id of the account; None: the paper account, made where there is none.
    account: str | int | None = None
    #: Of the bot and the passport.
    name: str
    #: What to prove it on; None: the store's candles as the study names them.
    candles: pd.DataFrame | None = None
    #: Most orders resting at once, nearest to the price; None: all.
    window: int | None = DEFAULT_WINDOW
    limits: Limits = field(default_factory=Limits)
    start: bool = True
    owner_id: int | None = None
    #: What was swept with this study before, as `jobs.sweeps` finds it.
    sweeps: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Promotion:
    """What came of it."""

    passport: Passport
    bot_id: int
    result: Result


def promote(engine: Engine, wanted: Wanted, limiter: Limiter | None = None) -> Promotion:
    """Prove a study and make a bot of it. InvalidInput, with nothing stored, where a gate fails."""
    one_of("to", wanted.to, (PAPER, LIVE))
    study = parse_study(wanted.study, wanted.name)
    if study.symbol is None or study.exchange is None:
        raise InvalidInput("a bot needs a market: write exchange and symbol into [market] of the study")
    worked(study)  # its mistakes are said before candles and the exchange are asked
    if wanted.window is not None and not 2 <= wanted.window <= MAX_CELLS:
        raise InvalidInput(f"max open orders must be from 2 (a buy and a sell) to {MAX_CELLS}, was {wanted.window}")
    with engine.connect() as connection:
        account = _account(connection, wanted, study)
    exchange = None
    if wanted.to == LIVE:
        assert account is not None  # only paper goes without
        with engine.connect() as connection:
            exchange = open_account(connection, account, limiter or MemoryLimiter())
    try:
        study, evidence = prove(study, wanted, exchange)
        passport = make_passport(study, evidence, name=wanted.name, owner_id=wanted.owner_id)
        check(passport)
        needed, balances = _budget(study, evidence, exchange)
    finally:
        if exchange is not None:
            exchange.close()
    with engine.begin() as connection:
        if account is None:
            account = _paper_account(connection, wanted.owner_id)
        passports.save(connection, passport)
        new = _bot(wanted, study, evidence, account, passport)
        bot_id = bots.create(connection, new, wish="run" if wanted.start else "pause")
        quote = new.symbol.split("/")[1].split(":")[0]
        if balances is None:
            balances = {quote: budget.reserved(connection, account.id).get(quote, Decimal(0)) + needed}
        budget.reserve(connection, bot_id, {quote: needed}, balances)
    return Promotion(passport, bot_id, evidence.replayed)


def prove(study: Study, wanted: Wanted, exchange: Exchange | None) -> tuple[Study, Evidence]:
    """Backtest and replay a study; the study as it was proven, its range of stored candles written out."""
    frame, source = wanted.candles, FILE
    if frame is None:
        (frame, study), source = stored_candles(study), STORE
    result = backtest_study(study, frame)
    rules = may_withdraw = None
    if exchange is not None:
        assert study.symbol is not None  # `promote` has seen it
        rules = exchange.rules(study.symbol, fresh=True)
        may_withdraw = exchange.permissions().withdraw
    return study, Evidence(
        target=wanted.to,
        backtest=result,
        replayed=replay_like(result, study),
        source=source,
        rules=rules,
        may_withdraw=may_withdraw,
        trials=trials_of(study, wanted.sweeps),
        enforce=study.tried is not None and study.tried.enforce,
    )


def stored_candles(study: Study) -> tuple[pd.DataFrame, Study]:
    """The store's candles that a study names, and the study with the range found: later imports do not change it."""
    if not (study.exchange and study.symbol and study.timeframe):
        raise InvalidInput("without a candle file [market] needs exchange and symbol, and [candles] timeframe")
    worked(study)
    frame = load_candles(study.exchange, study.symbol, study.timeframe, study.start, study.end)
    step = pd.Timedelta(seconds=parse_timeframe(study.timeframe))
    first, last = frame.index[0].to_pydatetime(), (frame.index[-1] + step).to_pydatetime()
    return frame, replace(study, start=first, end=last)


def check(passport: Passport) -> None:
    """InvalidInput naming every gate that failed."""
    failed = [row for row in passport.gates if row["status"] == FAIL]
    if failed:
        raise InvalidInput(
            f"{passport.study_name}: not promoted, "
            + "; ".join(
                f"gate {row['gate']!r} expected {row['expected']}, found {row['actual']}: {row['remedy']}"
                for row in failed
            )
        )


def _account(connection: Connection, wanted: Wanted, study: Study) -> accounts.Account | None:
    """The account, which fits the target; None: a paper account is to be made."""
    if wanted.account is None:
        if wanted.to == LIVE:
            raise InvalidInput("a live bot needs an account: give --account NAME; autogrid accounts list shows them")
        mine = accounts.listing(connection, wanted.owner_id)
        fits = [a for a in mine if a.exchange == accounts.PAPER and a.name == accounts.PAPER]
        return fits[0] if fits else None
    account = accounts.get(connection, wanted.account, wanted.owner_id)
    if (account.exchange == accounts.PAPER) != (wanted.to == PAPER):
        raise InvalidInput(
            f"account {account.name!r} is at {account.exchange}: a {wanted.to} bot needs "
            + ("a paper account" if wanted.to == PAPER else "an account at an exchange")
        )
    if wanted.to == LIVE and account.exchange != study.exchange:
        raise InvalidInput(
            f"account {account.name!r} is at {account.exchange}, the study was run for {study.exchange}: "
            "choose another account, or run the study with that exchange's candles and rules"
        )
    return account


def _paper_account(connection: Connection, owner_id: int | None) -> accounts.Account:
    made = accounts.add(connection, name=accounts.PAPER, exchange=accounts.PAPER, owner_id=owner_id)
    return accounts.get(connection, made)


def _budget(study: Study, evidence: Evidence, exchange: Exchange | None) -> tuple[Decimal, dict[str, Decimal] | None]:
    """Quote the bot needs, and what the account has; the plan at today's price shows that it can start."""
    run = evidence.backtest.run
    planned, grid, balances = run.plan, run.plan.grid, None
    if exchange is not None:
        assert study.symbol is not None  # `promote` has seen it
        if grid.trigger is None and isinstance(worked(study), Grid):
            start = run.market.price_ticks(exchange.price(study.symbol))
            rules, slippage = evidence.rules or run.market, study.slippage_ticks
            planned = plan(grid, rules, start, cash=cash_of(study), slippage_ticks=slippage)
        balances = {coin: balance.total for coin, balance in exchange.balances().items()}
    return run.market.money(planned.cash), balances


def _bot(
    wanted: Wanted, study: Study, evidence: Evidence, account: accounts.Account, passport: Passport
) -> bots.NewBot:
    run = evidence.backtest.run
    assert study.symbol is not None  # both: `promote` has seen them
    assert study.exchange is not None
    return bots.NewBot(
        name=wanted.name,
        account_id=account.id,
        symbol=study.symbol,
        # The exchange's are the study's, which a gate has seen, and say how large an order may be.
        market=evidence.rules or run.market,
        **worked_by(parse_study(passport.study)),
        code_hash=code_hash(study.strategy),
        exchange=study.exchange,
        cash=cash_of(study),
        slippage_ticks=study.slippage_ticks,
        limits=wanted.limits,
        window=wanted.window,
        passport_id=passport.id,
        owner_id=wanted.owner_id,
    )
