"""Bots: watch them, steer them."""

from typing import Annotated

from fastapi import Query, Request

from autogrid.core.bot import Bot, Status
from autogrid.core.pnl import Pnl
from autogrid.exchange.open import open_limiter
from autogrid.live.enrol import Enrolment, enrol
from autogrid.live.explain import explain
from autogrid.store import accounts, bot_history, bot_summaries, bots, engaged, passports
from autogrid.store.bot_summaries import BotSummary
from services.api.access import TRADER, VIEWER, Caller, open_to
from services.api.bots.models import Cells, Equity, Event, Fill, NewBot, Order, Pause, Stop, Twin, Why
from services.api.bots.shapes import cells_of, equities_of, fill_of, order_of
from services.api.deps import Database, Db, Id, Who
from services.api.paging import Page, Paged
from services.api.route import router
from services.api.times import Moment

routes = router("/v1/bots", "bots")


@routes.get("", **open_to(VIEWER, 422))
def list_bots(
    page: Paged, who: Who, db: Db,
    status: Annotated[Status | None, Query()] = None,
    account_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Page[BotSummary]:  # fmt: skip
    """Your bots."""
    with db.read() as connection:
        return page.of(
            lambda found: found,
            lambda at, limit: bot_summaries.page(
                connection, who.sees, at, limit, status=status, account_id=account_id
            ),
        )  # fmt: skip


@routes.post("", status_code=201, **open_to(TRADER, 404, idempotent=True))
def add_bot(request: Request, new: NewBot, who: Who, db: Db) -> BotSummary:
    """Make another bot from a passport; /v1/promotions makes passport and bot in one go."""
    with db.begin() as connection:
        passport = passports.get(connection, new.passport_id, who.sees)
        account = accounts.get(connection, new.account_id, who.sees)
        engaged.require_account(connection, account.id, who.id)
    wanted = Enrolment(account=account, name=new.name, start=new.start, owner_id=who.id)
    made = enrol(db.engine, passport, wanted, open_limiter(request.app.state.redis))
    return get_bot(made, who, db)


@routes.get("/{bot_id}", **open_to(VIEWER, 404, 422))
def get_bot(bot_id: Id, who: Who, db: Db) -> BotSummary:
    """One bot."""
    with db.read() as connection:
        return bot_summaries.get(connection, bot_id, who.sees)


@routes.post("/{bot_id}/start", **open_to(TRADER, 404, idempotent=True))
def start_bot(bot_id: Id, who: Who, db: Db) -> BotSummary:
    """Let a bot trade. 409 while a kill switch that covers it is engaged."""
    return _ask(db, bot_id, who, "run")


@routes.post("/{bot_id}/pause", **open_to(TRADER, 404, idempotent=True))
def pause_bot(bot_id: Id, pause: Pause, who: Who, db: Db) -> BotSummary:
    """Stop trading for now; its orders are cancelled unless they are to be kept."""
    return _ask(db, bot_id, who, "hold" if pause.keep_orders else "pause")


@routes.post("/{bot_id}/resume", **open_to(TRADER, 404, idempotent=True))
def resume_bot(bot_id: Id, who: Who, db: Db) -> BotSummary:
    """Go on after a pause, or after a halt whose cause you have seen to. 409 while a kill switch is engaged."""
    return _ask(db, bot_id, who, "run")


@routes.post("/{bot_id}/stop", **open_to(TRADER, 404, idempotent=True))
def stop_bot(bot_id: Id, stop: Stop, who: Who, db: Db) -> BotSummary:
    """End a bot: its orders are cancelled, its base kept or sold at the market. Final."""
    return _ask(db, bot_id, who, "stop_sell" if stop.sell else "stop")


@routes.post("/{bot_id}/kill", **open_to(TRADER, 404, idempotent=True))
def kill_bot(bot_id: Id, why: Why, who: Who, db: Db) -> BotSummary:
    """Cancel all of its orders at once and halt it until it is resumed; /v1/kill-switch keeps it from that, too."""
    return _ask(db, bot_id, who, "kill", why.reason)


@routes.get("/{bot_id}/cells", **open_to(VIEWER, 404, 422))
def explain_bot(request: Request, bot_id: Id, who: Who, db: Db) -> Cells:
    """For every cell what should rest, what rests, and why the two differ."""
    ticks = request.app.state.ticks
    with db.read() as connection:
        account_id = bot_summaries.get(connection, bot_id, who.sees).account_id
        blocked = accounts.get(connection, account_id).blocked_reason
    problem = f"account blocked: {blocked}" if blocked else None
    bot: Bot = ticks.load(bot_id)
    return cells_of(bot, explain(bot, ticks.live_orders(bot_id), problem))


@routes.get("/{bot_id}/pnl", **open_to(VIEWER, 404, 422))
def get_bot_pnl(bot_id: Id, who: Who, db: Db) -> Pnl | None:
    """Its profit and loss at the last price; null before its grid has started."""
    return get_bot(bot_id, who, db).pnl


@routes.get("/{bot_id}/orders", **open_to(VIEWER, 404, 422))
def list_bot_orders(bot_id: Id, page: Paged, who: Who, db: Db) -> Page[Order]:
    """Its orders, newest first."""
    with db.read() as connection:
        market = bot_history.subject(connection, bot_id, who.sees).market
        return page.of(
            lambda row: order_of(market, row), lambda at, limit: bot_history.orders(connection, bot_id, at, limit)
        )


@routes.get("/{bot_id}/fills", **open_to(VIEWER, 404, 422))
def list_bot_fills(bot_id: Id, page: Paged, who: Who, db: Db) -> Page[Fill]:
    """Its executions, newest first."""
    with db.read() as connection:
        market = bot_history.subject(connection, bot_id, who.sees).market
        return page.of(
            lambda row: fill_of(market, *row), lambda at, limit: bot_history.newest_fills(connection, bot_id, at, limit)
        )


@routes.get("/{bot_id}/events", **open_to(VIEWER, 404, 422))
def list_bot_events(bot_id: Id, page: Paged, who: Who, db: Db) -> Page[Event]:
    """What happened to it, newest first."""
    with db.read() as connection:
        bot_history.subject(connection, bot_id, who.sees)
        return page.of(
            lambda row: Event(**vars(row)), lambda at, limit: bot_history.events(connection, bot_id, at, limit)
        )


@routes.get("/{bot_id}/equity", **open_to(VIEWER, 404, 422))
def get_bot_equity(
    bot_id: Id, who: Who, db: Db,
    start: Annotated[Moment | None, Query()] = None, end: Annotated[Moment | None, Query()] = None,
    points: Annotated[int, Query(ge=2, le=5000, description="Most points; the series is thinned to it.")] = 1000,
) -> list[Equity]:  # fmt: skip
    """What it was worth, oldest first, beside what holding would have been."""
    with db.read() as connection:
        subject = bot_history.subject(connection, bot_id, who.sees)
        return equities_of(subject, bot_history.equity_points(connection, bot_id, start, end, points))


@routes.get("/{bot_id}/twins", **open_to(VIEWER, 404, 422))
def list_bot_twins(bot_id: Id, who: Who, db: Db, days: Annotated[int, Query(ge=1, le=1000)] = 30) -> list[Twin]:
    """Its days against the replay of the same candles, oldest first."""
    with db.read() as connection:
        bot_history.subject(connection, bot_id, who.sees)
        return [Twin(**vars(row)) for row in bot_history.twins(connection, bot_id, days)]


def _ask(db: Database, bot_id: int, who: Caller, wish: str, reason: str = "") -> BotSummary:
    with db.begin() as connection:
        bots.ask(connection, bot_id, who.sees, wish, reason)
        return bot_summaries.get(connection, bot_id, who.sees)
