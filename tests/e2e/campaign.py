"""Random schedules of faults and kills, through Celery: `python -m tests.e2e.campaign --schedules 300 --seed 1`.

Each schedule is one bot on its own market and account; a round runs several at once on the same workers, because a
ban, a killed child and a killed worker hit all of them. A third of the bots have a strategy, which decides another grid
whenever a minute closes outside of the present one, while all of that goes on. After a round the faults end, the bots
tick until they are quiet, and the exchange's books are compared with ours.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from autogrid.core.decision import UNDECIDED
from autogrid.core.grid import Grid
from autogrid.core.orders import REGRID
from autogrid.live.code import code_hash
from autogrid.store import accounts
from tests.e2e.books import Compared, compare
from tests.e2e.campaign_rules import READS, RULES
from tests.e2e.stack import Stack

STEPS = 6
#: How many of the bots have a strategy.
SHARE = 1 / 3
PARAMS = {"width": "0.03", "cells": 8, "every": "1m", "spacing": "arithmetic"}
KINDS = ("duplicates", "lost", "orphans", "unexplained", "unsettled")
_CHANGES = "SELECT count(*) FROM bot_event WHERE bot_id = :b AND name = 'grid_changed'"
_BETWEEN = f"SELECT count(*) FROM bot_order WHERE bot_id = :b AND kind = {REGRID} AND filled > 0"


@dataclass
class Schedule:
    """One bot and what was done to it."""

    seed: int
    account: str
    symbol: str
    bot_id: int = 0
    #: Whether it has a strategy, which decides its grids.
    decides: bool = False
    done: list[str] = field(default_factory=list)
    price: Decimal = Decimal(101)
    #: Whether one id may have been accepted twice by the exchange.
    twice: bool = False

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)


@dataclass
class Totals:
    """What a campaign did and found."""

    schedules: int = 0
    orders: int = 0
    fills: int = 0
    #: Schedules of bots whose strategy decides, grids that took another one's place, orders between two grids.
    decided: int = 0
    regrids: int = 0
    regrid_orders: int = 0
    child_kills: int = 0
    worker_kills: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def show(self) -> dict[str, Any]:
        counted = ("schedules", "orders", "fills", "decided", "regrids", "regrid_orders", "child_kills", "worker_kills")
        return {
            **{name: getattr(self, name) for name in counted}, "faults": dict(self.faults),
            **{kind: self.found[kind] for kind in KINDS}, "problems": self.problems[:20],
        }  # fmt: skip


class Campaign:
    """Rounds of schedules on one stack. `size` schedules at once, a `share` of them of bots with a strategy."""

    def __init__(self, stack: Stack, seed: int, size: int, kills: float = 0.3, share: float = SHARE) -> None:
        self.stack, self.seed, self.size, self.kills, self.share = stack, seed, size, kills, share
        self.random = random.Random(seed)
        self.totals = Totals()
        self._next = 0

    def round(self) -> list[str]:
        """One round; what was found wrong."""
        stack, control = self.stack, self.stack.loopback.control
        batch = [self._schedule(n) for n in range(self.size)]
        for each in batch:
            each.bot_id = self._begin(each)
        ids = [each.bot_id for each in batch]
        ticked = "SELECT count(*) FROM bot WHERE id = ANY(:ids) AND last_tick_at IS NOT NULL"
        stack.until(lambda: stack.scalar(ticked, ids=ids) * 2 > self.size, "the first ticks")
        for _ in range(STEPS):
            for each in batch:
                self._step(each)
            self._kill()
            time.sleep(self.random.uniform(0.2, 0.8))
            assert stack.supervisor is not None
            stack.supervisor.check()
        # On a busy machine the bots may not have looked yet.
        stack.until(lambda: sum(rule["fired"] for rule in control("faults")["rules"]) > 1, "faults to happen")
        fired = control("faults")["rules"]
        for rule in fired:
            self.totals.faults[rule["action"]] += rule["fired"]
        self._calm()
        for each in batch:
            stack.wish(each.bot_id, "run")
        found = self._settle(batch)
        for each in batch:
            stack.wish(each.bot_id, "kill")
        return found

    def _schedule(self, n: int) -> Schedule:
        seed = self.seed * 1_000_003 + self._next
        self._next += 1
        each = Schedule(seed, f"a{self._next}", f"C{n}/USDT")
        each.decides = each.random.random() < self.share
        return each

    def _begin(self, each: Schedule) -> int:
        stack, draw = self.stack, each.random
        stack.price(each.symbol, each.price)
        account = stack.account(each.account, USDT="100000", BNB="10")
        cells = draw.choice((4, 6, 8))
        work: dict[str, Any] = {"grid": Grid(lower="90", upper="110", cells=cells, amount="1")}
        if each.decides:
            stack.closes(each.symbol, each.price)
            work = {"grid": UNDECIDED, "strategy": "recentre", "params": PARAMS, "code_hash": code_hash("recentre")}
        window = draw.choice((None, None, 3))
        if draw.random() < 0.3:
            self._fault(each)  # things go wrong from the first order on
        return stack.bot(account, each.symbol, window=window, cash=Decimal(2000), **work)

    def _step(self, each: Schedule) -> None:
        draw, control = each.random, self.stack.loopback.control
        if draw.random() < 0.8:
            self._fault(each)
        move = draw.choice((-9, -6, -4, 4, 6, 9))
        each.price = max(Decimal(89), min(Decimal(112), each.price + move))
        if draw.random() < 0.15:
            state = control("state", account=each.account)["accounts"][each.account]
            resting = [o for o in state["orders"] if o["status"] == "NEW"]
            if resting:
                order = draw.choice(resting)
                part = str(draw.choice(("0.001", "0.3", "0.5", "0.999")))
                control("fill", order_id=order["orderId"], qty=part)
                each.done.append(f"partial {part} of {order['clientOrderId']}")
        if draw.random() < 0.15:
            wish = draw.choice(("pause", "hold"))
            self.stack.wish(each.bot_id, wish)
            each.done.append(wish)
        elif draw.random() < 0.5:
            self.stack.wish(each.bot_id, "run")
        each.done.append(f"price {each.price}")
        self.stack.price(each.symbol, each.price)
        if each.decides and draw.random() < 0.9:
            each.done.append("a minute closes")
            self.stack.closes(each.symbol, each.price)
            self.stack.decide_again(each.bot_id)

    def _fault(self, each: Schedule) -> None:
        draw, control = each.random, self.stack.loopback.control
        kind = draw.random()
        if kind < 0.72:
            row = draw.choice(sorted(RULES))
            rule = draw.choice(RULES[row])
            if rule.get("method") == "DELETE" and each.bot_id:
                self.stack.wish(each.bot_id, "pause")
            each.twice |= row == 9
            each.done.append(f"row {row} {rule['action']}")
            control("fault", **{"account": f"^{each.account}$", "times": draw.randint(1, 3), **rule})
        elif kind < 0.9:
            rule = draw.choice(READS)
            each.done.append(f"read {rule['action']}")
            control("fault", **{"account": f"^{each.account}$", "times": draw.randint(1, 3), **rule})
        else:
            asset = draw.choice(("received", "quote", "BNB"))
            each.done.append(f"fee {asset}")
            control("fee", account=each.account, fee_asset=asset)

    def _kill(self) -> None:
        if self.random.random() < self.kills:
            self.totals.child_kills += 1
            self.stack.kill_child(self.random.randrange(100))
        if self.random.random() < self.kills / 4:
            self.totals.worker_kills += 1
            self.stack.kill_worker(self.random.randrange(100))

    def _calm(self) -> None:
        """All faults end; blocks and pauses too, as a person would end them."""
        control = self.stack.loopback.control
        control("clear")
        control("limits", lift=True)
        with self.stack.engine.begin() as connection:
            for account in accounts.listing(connection):
                if account.blocked_reason is not None:
                    accounts.unblock(connection, account.id)

    def _compare(self, each: Schedule) -> Compared:
        state = self.stack.loopback.control("state", account=each.account)
        account = state["accounts"][each.account]
        return compare(self.stack.engine, each.bot_id, account, state["problems"], twice=each.twice)

    def _settle(self, batch: list[Schedule], seconds: float = 300.0) -> list[str]:
        """Wait until every bot agrees with the exchange, twice in a row; then say what never did."""
        deadline = time.monotonic() + seconds
        waiting = {each.bot_id: each for each in batch}
        last: dict[int, Compared] = {}
        calm: Counter[int] = Counter()
        while waiting and time.monotonic() < deadline:
            time.sleep(0.3)
            assert self.stack.supervisor is not None
            self.stack.supervisor.check()
            for bot_id, each in list(waiting.items()):
                last[bot_id] = found = self._compare(each)
                calm[bot_id] = calm[bot_id] + 1 if found.quiet else 0
                if calm[bot_id] >= 2:
                    del waiting[bot_id]
        return self._count(batch, last)

    def _count(self, batch: list[Schedule], last: dict[int, Compared]) -> list[str]:
        problems = []
        for each in batch:
            found = last[each.bot_id]
            self.totals.schedules += 1
            self.totals.orders += found.orders
            self.totals.fills += found.fills
            self.totals.decided += each.decides
            self.totals.regrids += self.stack.scalar(_CHANGES, b=each.bot_id)
            self.totals.regrid_orders += self.stack.scalar(_BETWEEN, b=each.bot_id)
            for kind in KINDS:
                self.totals.found[kind] += len(getattr(found, kind))
            row = self.stack.row(each.bot_id)
            wrong = found.problems + found.unsettled
            if row.status not in ("running",):
                wrong.append(f"status {row.status}: {row.reason}")
            if wrong:
                problems.append(f"seed {each.seed} bot {each.bot_id} {each.account}: {wrong} after {each.done}")
        self.totals.problems += problems
        return problems


def run(schedules: int, seed: int, size: int = 8, kills: float = 0.3, share: float = SHARE) -> Totals:
    """A campaign on a stack of its own."""
    with Stack([f"C{n}/USDT" for n in range(size)], workers=2, concurrency=2, beats=2) as stack:
        campaign = Campaign(stack, seed, size, kills, share)
        while campaign.totals.schedules < schedules:
            began = time.monotonic()
            problems = campaign.round()
            sys.stderr.write(
                f"{campaign.totals.schedules} schedules, {time.monotonic() - began:.1f} s, {len(problems)} problems\n"
            )
            for problem in problems:
                sys.stderr.write(problem + "\n")
        if campaign.totals.problems:
            kept = Path(tempfile.gettempdir()) / f"autogrid-campaign-{seed}.log"
            shutil.copy(stack.log, kept)
            sys.stderr.write(f"the log of all processes: {kept}\n")
        return campaign.totals


def main() -> int:
    """Print the totals; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=12)
    parser.add_argument("--kills", type=float, default=0.3)
    parser.add_argument("--share", type=float, default=SHARE)
    args = parser.parse_args()
    totals = run(args.schedules, args.seed, args.size, args.kills, args.share)
    sys.stdout.write(json.dumps(totals.show()) + "\n")
    return 1 if totals.problems else 0


if __name__ == "__main__":
    sys.exit(main())
