"""Tasks: parse, call one function, return. Keyword-only, ids instead of objects, safe to run twice."""

import time
from datetime import UTC, datetime
from typing import Any

from celery import shared_task  # type: ignore[import-untyped,unused-ignore]

from autogrid.errors import AutogridError
from autogrid.live.run import Turn
from autogrid.settings import settings
from autogrid.store import bots
from services.common import logs, metrics
from services.worker import record
from services.worker.app import HARD_S, SOFT_S, app
from services.worker.process import client, once, runner

#: Most bots that one dispatch sends off; the next one comes a second later.
MOST = 2_000
#: Seconds between two looks at twins and history; each replaces what the one before wrote of the same day.
DAILY_S = 3_600.0
#: Priorities within the live queue, the smaller first: what a stream reported, and what is merely due.
WAKE, POLL = 0, 6
#: Redis keys: a tick of this priority and bot waits in the queue; a bot is to be looked at once more.
QUEUED, AGAIN = "autogrid:queued:", "autogrid:again:"


def send_tick(bot_ids: list[int], priority: int = POLL) -> None:
    """Have these bots ticked. What nobody has started when they are due again is dropped.

    A bot whose tick still waits is not sent again: that tick will see what happened until it starts.
    """
    if not bot_ids:
        return
    expires = max(settings().tick_interval_s, 1.0)
    with client().pipeline(transaction=False) as pipe:
        for bot_id in bot_ids:
            # Wakes do not wait behind a poll that is queued already.
            pipe.set(f"{QUEUED}{priority}:{bot_id}", 1, nx=True, px=int(expires * 1000))
        fresh = [bot_id for bot_id, new in zip(bot_ids, pipe.execute(), strict=True) if new]
    headers = {"sent_at": time.time()}
    with app.producer_or_acquire(None) as producer:
        for bot_id in fresh:
            app.send_task(
                "live.tick", kwargs={"bot_id": bot_id}, expires=expires, headers=headers, queue="live",
                priority=priority, producer=producer, ignore_result=True,
            )  # fmt: skip


@shared_task(name="live.dispatch", soft_time_limit=SOFT_S, time_limit=HARD_S, ignore_result=True)  # type: ignore[untyped-decorator,unused-ignore]
def dispatch(*, everything: bool = False) -> None:
    """Send a tick to every bot that is due; `everything`: to all, for a worker that has just started.

    What an earlier worker had taken from the queue when it died is then looked at at once, too.
    """
    metrics.LAST_DISPATCH.set(time.time())
    if everything:
        if waiting := list(client().scan_iter(f"{QUEUED}*", count=1000)):
            client().delete(*waiting)
        bots.wake(runner().engine)
    send_tick(bots.due(runner().engine, MOST, settings().tick_interval_s))
    interval_s = settings().tick_interval_s
    if once("candles", interval_s):
        app.send_task("default.candles", expires=max(1.0, interval_s), ignore_result=True)
    if once("daily", DAILY_S):
        app.send_task("default.daily", expires=DAILY_S, ignore_result=True)
    metrics.WORK.labels("dispatch", "ok").inc()


def turn(bot_id: int) -> Turn:
    """One turn, counted."""
    began = time.monotonic()
    done = runner().run(bot_id)
    record.turn(done, time.monotonic() - began)
    return done


@shared_task(name="live.tick", bind=True, soft_time_limit=SOFT_S, time_limit=HARD_S, ignore_result=True)  # type: ignore[untyped-decorator,unused-ignore]
def tick(self: Any, *, bot_id: int) -> None:
    """One bot's turn."""
    sent_at = (self.request.headers or {}).get("sent_at") or getattr(self.request, "sent_at", None)
    started = time.time()
    client().delete(f"{QUEUED}{WAKE}:{bot_id}", f"{QUEUED}{POLL}:{bot_id}")
    with logs.bound(bot_id=bot_id, task_id=self.request.id):
        done = turn(bot_id)
        if done.report.skipped == "locked":
            # What woke this one may have come after the other tick looked: it looks again, or has just ended.
            client().set(f"{AGAIN}{bot_id}", 1, px=HARD_S * 1000)
            done = turn(bot_id)
            if done.report.skipped != "locked":
                client().delete(f"{AGAIN}{bot_id}")
        elif client().delete(f"{AGAIN}{bot_id}"):
            turn(bot_id)
    if sent_at is not None and done.target is not None:
        metrics.TICK_LAG.labels("paper" if done.target.is_paper else "live").observe(max(0.0, started - sent_at))


@shared_task(name="default.candles", soft_time_limit=120, time_limit=150, ignore_result=True)  # type: ignore[untyped-decorator,unused-ignore]
def candles() -> None:
    """Fetch what paper bots wait for."""
    from autogrid.live.feed import feed

    record.candles(*feed(runner().engine))


@shared_task(name="default.daily", soft_time_limit=80, time_limit=90, ignore_result=True)  # type: ignore[untyped-decorator,unused-ignore]
def daily() -> None:
    """Have all bots compared with their twins."""
    from autogrid.live.daily import trading

    ids, worst = trading(runner().engine, datetime.now(UTC))
    record.twins(worst)
    for bot_id in ids:
        app.send_task("default.twin", kwargs={"bot_id": bot_id}, expires=DAILY_S, ignore_result=True)


@shared_task(name="default.twin", soft_time_limit=80, time_limit=90, ignore_result=True)  # type: ignore[untyped-decorator,unused-ignore]
def twin(*, bot_id: int) -> None:
    """Compare a bot with its twin and thin its history."""
    from autogrid.live.daily import daily

    with logs.bound(bot_id=bot_id):
        try:
            daily(runner().engine, bot_id, datetime.now(UTC))
        except AutogridError as error:
            record.error(error, "twins")
            metrics.WORK.labels("twins", "error").inc()
        else:
            metrics.WORK.labels("twins", "ok").inc()
