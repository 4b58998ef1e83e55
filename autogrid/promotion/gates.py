"""What a study must pass to be promoted: a table of pure functions from the evidence to a verdict."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from autogrid.core.market import Market
from autogrid.core.orders import GRID, KINDS
from autogrid.core.plan import too_large
from autogrid.errors import InvalidInput
from autogrid.promotion.trials import Trials
from autogrid.research.overfit import CONFIDENCE, Moments, dsr, luck_variance, min_track_record, moments, psr
from autogrid.research.result import COARSE, Result

PASS, WARN, FAIL = "pass", "warn", "fail"
PAPER, LIVE = "paper", "live"
STORE, FILE = "store", "file"
RULES = ("tick", "lot", "min_notional", "maker_fee", "taker_fee", "buy_fee_asset")


@dataclass(frozen=True)
class Evidence:
    """All that gates look at."""

    #: PAPER or LIVE.
    target: str
    backtest: Result
    #: The same study through the live engine.
    replayed: Result
    #: Where the candles came from: STORE or FILE.
    source: str = STORE
    #: The market's rules at the exchange; None on paper, where the study's hold.
    rules: Market | None = None
    #: Whether the account's key may withdraw; None where it is not known or there is none.
    may_withdraw: bool | None = None
    #: How many grids were tried; None where it is not known.
    trials: Trials | None = None
    #: Whether the gates that judge luck fail; else they warn.
    enforce: bool = False


@dataclass(frozen=True)
class Verdict:
    """What one gate says."""

    #: PASS, WARN or FAIL.
    status: str
    expected: str
    actual: str
    #: What to do about it; empty when it passed.
    remedy: str = ""


Gate = Callable[[Evidence], Verdict]


def parity(evidence: Evidence) -> Verdict:
    """The live engine makes the backtest's fills."""
    expected, actual = evidence.backtest.sha256(), evidence.replayed.sha256()
    same = expected == actual
    remedy = "" if same else "a defect in AutoGrid: please report it with the study and its candles"
    return Verdict(PASS if same else FAIL, f"fills {expected[:12]}", f"fills {actual[:12]}", remedy)


def ledger(evidence: Evidence) -> Verdict:
    """The live engine's books end as the backtest's do; the identity is checked when books are closed."""
    expected, actual = asdict(evidence.backtest.ledger), asdict(evidence.replayed.ledger)
    apart = [name for name in expected if expected[name] != actual[name]]
    if not apart:
        equity = f"equity {expected['equity']:f}"
        return Verdict(PASS, equity, equity)
    want, have = ("; ".join(f"{name} {books[name]:f}" for name in apart) for books in (expected, actual))
    return Verdict(FAIL, want, have, "a defect in AutoGrid: please report it with the study and its candles")


def market_rules(evidence: Evidence) -> Verdict:
    """The study was run with the rules that hold at the exchange."""
    if evidence.rules is None:
        return Verdict(PASS, "the study's rules", "the study's rules")
    study, exchange = evidence.backtest.run.market, evidence.rules
    apart = [name for name in RULES if getattr(study, name) != getattr(exchange, name)]
    if not apart:
        return Verdict(PASS, "the exchange's rules", "the exchange's rules")
    expected = ", ".join(f"{name} {_text(getattr(exchange, name))}" for name in apart)
    actual = ", ".join(f"{name} {_text(getattr(study, name))}" for name in apart)
    lines = ", ".join(f'{name} = "{_text(getattr(exchange, name))}"' for name in apart)
    return Verdict(FAIL, expected, actual, f"write {lines} into [market], look at the backtest again, then promote")


def traded(evidence: Evidence) -> Verdict:
    """There is something to judge."""
    fills = evidence.backtest.ledger.fills
    if evidence.backtest.run.strategy is not None:
        return _decided(evidence.backtest, fills)
    if fills:
        return Verdict(PASS, "fills", f"{fills} fills")
    return Verdict(
        WARN, "fills", "no fill", "the candles prove nothing about this grid: use others, or a longer stretch"
    )


def _decided(result: Result, fills: int) -> Verdict:
    """A strategy decided grids, and all of them could be worked."""
    grids = sum(each.what == "grid" for each in result.decisions)
    refused = [each for each in result.decisions if each.what == "refused"]
    expected = "a grid decided, fills, and no decision refused"
    actual = f"{grids} grids decided, {fills} fills, {len(refused)} decisions refused"
    if refused:
        remedy = f"a bot keeps the grid it has then; the last one: {refused[-1].reason}"
        return Verdict(WARN, expected, actual, remedy)
    if grids and fills:
        return Verdict(PASS, expected, actual)
    remedy = "the candles prove nothing about this strategy: use a longer stretch, without gaps over its lookback"
    return Verdict(WARN, expected, actual, remedy)


def band(evidence: Evidence) -> Verdict:
    """The candles are fine enough for the grid's steps."""
    ratio = evidence.backtest.metrics["step_to_range"]
    expected, actual = f"a step of {COARSE:g} median candle ranges or more", f"{ratio:.2f}"
    if ratio >= COARSE:
        return Verdict(PASS, expected, actual)
    believe = "believe only the band"
    if evidence.backtest.run.strategy is not None:
        believe = "the figures depend on a guess of what happened within candles"
    return Verdict(WARN, expected, actual, f"{believe}; use shorter candles or fewer cells")


def fees(evidence: Evidence) -> Verdict:
    """The study pays fees."""
    market = evidence.backtest.run.market
    actual = f"maker {market.maker_fee:f}, taker {market.taker_fee:f}"
    if market.maker_fee > 0 and market.taker_fee > 0:
        return Verdict(PASS, "fees above zero", actual)
    return Verdict(WARN, "fees above zero", actual, "write maker_fee and taker_fee of your account into [market]")


def market_orders(evidence: Evidence) -> Verdict:
    """Start and stop orders are not below the exchange's least notional: there they would be refused."""
    run = evidence.backtest.run
    least = run.market.min_notional_atoms
    log = run.fills
    for kind, price, lots in zip(log.kind.tolist(), log.price.tolist(), log.lots.tolist(), strict=True):
        if kind != GRID and price * lots < least:
            actual = f"a {KINDS[kind]} order of {run.market.money(price * lots):f}"
            return Verdict(WARN, f"{run.market.min_notional:f} or more", actual, "invest more, or use fewer cells")
    return Verdict(PASS, f"{run.market.min_notional:f} or more", "so")


def order_sizes(evidence: Evidence) -> Verdict:
    """No cell's order is larger than the exchange takes. Start and stop orders are sliced and need no gate."""
    market = evidence.backtest.run.market
    rules = evidence.rules or market
    limits = [("", rules.max_amount), (" in value", rules.max_notional)]
    expected = " and ".join(f"{most:f}{what}" for what, most in limits if most is not None)
    decided = [each.plan for each in evidence.backtest.decisions if each.plan is not None]
    for planned in decided or [evidence.backtest.run.plan]:
        large = too_large(rules, planned.levels, planned.gross)
        if large is not None:
            actual = f"{market.amount(planned.gross[large]):f} in cell {large}"
            return Verdict(FAIL, f"at most {expected} in one order", actual, "use more cells, or invest less")
    return Verdict(PASS, f"at most {expected}" if expected else "no limit is known", "so")


def key(evidence: Evidence) -> Verdict:
    """The account's key cannot take money out."""
    if not evidence.may_withdraw:
        return Verdict(PASS, "a key without withdrawals", "so" if evidence.may_withdraw is False else "not known")
    return Verdict(WARN, "a key without withdrawals", "it may withdraw", "make a key that may only trade, and set it")


def track_record(evidence: Evidence) -> Verdict:
    """The study's own days prove a Sharpe ratio above zero, as if it had been the only grid tried."""
    expected = f"{CONFIDENCE:.0%} sure of a Sharpe ratio above 0"
    track = _track(evidence)
    if track is None:
        return _unproven(evidence, expected)
    actual = f"{psr(track):.1%} sure after {track.periods} days"
    if psr(track) > CONFIDENCE:
        return Verdict(PASS, expected, actual)
    needed = min_track_record(track)
    remedy = "it did not earn: no number of such days would prove it; choose another grid"
    if math.isfinite(needed):
        remedy = f"it takes {math.ceil(needed):,} such days: prove it on more candles, or let a paper bot gather them"
    return Verdict(_doubt(evidence), expected, actual, remedy)


def trials(evidence: Evidence) -> Verdict:
    """The study is better than the luckiest of as many grids without skill as were tried (deflated Sharpe ratio).

    The trials' variance counts as at least that of luck alone; see `autogrid.research.selection.judge`.
    """
    tried, track = evidence.trials, _track(evidence)
    if tried is None:
        remedy = "write how many grids you tried, this one included, into the study: [overfit] trials = N"
        return Verdict(_doubt(evidence), "a known number of trials", "not said", remedy)
    expected = f"{CONFIDENCE:.0%} sure to beat the luckiest of {tried.count:,} grids ({tried.source})"
    if track is None:
        return _unproven(evidence, expected)
    sure = dsr(track, tried.count, max(tried.sharpe_variance or 0.0, luck_variance(track.periods)))
    actual = f"{sure:.1%} sure after {track.periods} days"
    if sure > CONFIDENCE:
        return Verdict(PASS, expected, actual)
    remedy = (
        "the best of many is picked by luck too: prove it on candles that it was not chosen on (autogrid walkforward)"
    )
    return Verdict(_doubt(evidence), expected, actual, remedy)


GATES: dict[str, Gate] = {
    "parity": parity,
    "ledger": ledger,
    "market rules": market_rules,
    "traded": traded,
    "band": band,
    "fees": fees,
    "market orders": market_orders,
    "order sizes": order_sizes,
    "key": key,
    "track record": track_record,
    "trials": trials,
}


def run_gates(evidence: Evidence) -> list[dict[str, Any]]:
    """All verdicts as rows: gate, status, expected, actual, remedy."""
    return [{"gate": name, **asdict(gate(evidence))} for name, gate in GATES.items()]


def _track(evidence: Evidence) -> Moments | None:
    """The moments of the study's daily returns; None where there are too few, or nothing moved."""
    try:
        return moments(evidence.backtest.daily_returns.to_numpy())
    except InvalidInput:
        return None


def _unproven(evidence: Evidence, expected: str) -> Verdict:
    actual = f"{len(evidence.backtest.daily_returns)} days, too few or without a trade"
    return Verdict(_doubt(evidence), expected, actual, "prove it on candles of more days, on which it trades")


def _doubt(evidence: Evidence) -> str:
    return FAIL if evidence.enforce else WARN


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:f}"
