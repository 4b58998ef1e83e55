"""One bot's turn: its exchange, its tick, and when it is due again. What Celery, tests and benches call.

Errors of the exchange end here: a bot waits, its account pauses or is blocked; nothing is lost, the rows say how far
the tick came.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlalchemy.engine import Engine

from autogrid.core.bot import Event
from autogrid.errors import AccountBlocked, InvalidInput, RetryLater, Unavailable
from autogrid.exchange.account import open_with
from autogrid.exchange.limiter import Limiter
from autogrid.exchange.open import Pool
from autogrid.exchange.port import Exchange
from autogrid.live.brain import StoreBrain
from autogrid.live.code import code_hash, other_hashes
from autogrid.live.paper import NestedStore, Paper
from autogrid.live.tick import Report, TickRules, tick
from autogrid.settings import settings
from autogrid.store import bots, ticking
from autogrid.store.ticking import Target

if TYPE_CHECKING:
    from autogrid.exchange.ccxt_adapter import CcxtExchange

#: Longest time until a bot is looked at again about which something is unsettled, seconds.
SOON_S = 1.0
#: Pauses after errors of the exchange or the database double, from `soon` up to so many tick intervals.
LONGEST = 12


def now_ms() -> int:
    """The clock of live bots: milliseconds UTC."""
    return time.time_ns() // 1_000_000


def soon() -> float:
    """Seconds until a bot is looked at again about which something is unsettled."""
    return min(SOON_S, settings().tick_interval_s)


def rules() -> TickRules:
    """What ticks of this process share, by its code and settings."""
    chosen = settings()
    t_safe_ms = chosen.recv_window_ms + chosen.settle_margin_ms
    return TickRules(code_hash(), t_safe_ms, int(chosen.close_max_age_s * 1000), other_hashes())


class Exchanges:
    """The accounts of one process, opened at first use and kept: 0.2 MB each, and 10 ms to open one anew."""

    def __init__(self, engine: Engine, limiter: Limiter, size: int = 512) -> None:
        self._engine, self._limiter = engine, limiter
        self._pool: Pool[CcxtExchange] = Pool(size)

    def of(self, target: Target) -> Exchange:
        """The exchange of a bot's account. InvalidInput without usable credentials."""
        key = (target.account_id, target.key_version, target.base_url)
        return self._pool.get(key, lambda: self._open(target))

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def _open(self, target: Target) -> "CcxtExchange":
        found = ticking.credentials(self._engine, target.account_id)
        return open_with(found, target.account_exchange, target.base_url, self._limiter)


@dataclass
class Turn:
    """What came of one bot's turn."""

    report: Report
    target: Target | None = None
    #: Seconds until it is due again; None: somebody else decides.
    next_s: float | None = None
    #: What ended it early.
    error: Exception | None = None


@dataclass
class Runner:
    """Ticks bots one after the other. Not thread-safe; one for each process."""

    engine: Engine
    exchanges: Exchanges
    rules: TickRules
    clock: Callable[[], int] = now_ms
    #: account -> failures in a row.
    _failures: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = NestedStore(self.engine)
        if self.rules.brain is None:
            self.rules = replace(self.rules, brain=StoreBrain(self.engine))

    def run(self, bot_id: int) -> Turn:
        """One bot's turn. Safe at any time, twice, in any process; never raises for what an exchange does."""
        turn = Turn(Report(bot_id))
        turn.target = target = ticking.target(self.engine, bot_id)
        if target is None:
            turn.report.skipped = "unknown"
        elif target.blocked_reason is not None:
            turn.report.skipped, turn.next_s = "blocked", self._longest_s
        elif target.paused_s > 0:
            turn.report.skipped, turn.next_s = "paused", target.paused_s
        else:
            self._tick(turn, target)
        if turn.next_s is not None:
            ticking.schedule(self.engine, bot_id, turn.next_s)
        return turn

    def _tick(self, turn: Turn, target: Target) -> None:
        report = turn.report
        try:
            if target.is_paper:
                self._paper(target, report)
                return
            exchange, full = self.exchanges.of(target), self._full(target)
            tick(target.bot_id, self.store, exchange, self.clock, self.rules, report, full)
            if full and report.skipped is None and not report.unclear:
                bots.reconciled(self.engine, target.bot_id)
        except RetryLater as error:
            turn.error, turn.next_s = error, max(error.after_s, 0.05)
            if error.banned:
                ticking.pause_account(self.engine, target.account_id, error.after_s)
        except AccountBlocked as error:
            turn.error = error
            ticking.block_account(self.engine, target.account_id, str(error))
        except (Unavailable, InvalidInput) as error:
            turn.error, turn.next_s = error, self._back_off(target)
            if isinstance(error, InvalidInput):
                self._note(target, error)
        else:
            self._failures.pop(target.account_id, None)
            self._after(turn, target)

    def _paper(self, target: Target, report: Report) -> None:
        quiet = target.wish == "run" and target.status in ("waiting", "running")
        if quiet and not ticking.has_news(self.engine, target.bot_id):
            report.skipped = "quiet"
        else:
            Paper(self.engine, self.store, self.rules, target, report).run()

    def _full(self, target: Target) -> bool:
        """Whether all of the bot's orders and executions are to be compared this time."""
        before = target.reconciled_at
        return before is None or self.clock() - before.timestamp() * 1000 > settings().reconcile_interval_s * 1000

    def _after(self, turn: Turn, target: Target) -> None:
        report = turn.report
        if report.skipped == "locked":
            # What woke this one may have come after the other tick looked.
            turn.next_s = soon()
        elif report.unknown or report.missing or report.unclear:
            turn.next_s = soon()

    def _back_off(self, target: Target) -> float:
        failures = self._failures[target.account_id] = self._failures.get(target.account_id, 0) + 1
        return float(min(soon() * 2 ** min(failures - 1, 10), self._longest_s))

    @property
    def _longest_s(self) -> float:
        return LONGEST * settings().tick_interval_s

    def _note(self, target: Target, error: InvalidInput) -> None:
        """The account cannot be opened: each look says so, a person reads it."""
        if self._failures[target.account_id] == 1:
            with self.engine.begin() as connection:
                event = Event("critical", "account_unusable", {"reason": str(error)})
                ticking.add_event(connection, target.bot_id, event)
