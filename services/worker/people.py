"""From what happens to bots to what their owners are told."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection, Engine

from autogrid.store import bot_summaries, markers, overview, users
from autogrid.store.bot_summaries import BotSummary
from autogrid.store.overview import Day
from services.common.news import Kind, News, publish

#: Events that are news; every other critical event is told as bot_halted.
_KINDS: dict[str, Kind] = {"stop_reached": "stop_hit", "strategy_stopped": "stop_hit"}
#: An order refused so often in a row is missing.
TRIES = 3
#: Hour of the day, in the user's time zone, from which the digest is due.
DIGEST_HOUR = 8


def read_events(engine: Engine, now: datetime) -> int:
    """Turn new events of bots into news; how many events were read. Each is read once, by one worker."""
    with engine.begin() as connection:
        after = markers.take(connection, "news", overview.newest(connection)[0])
        if after is None:
            return 0
        found = overview.settled_events(connection, after, now)
        for event in found:
            news = _news(event)
            if news is not None and event.owner_id is not None:
                publish(connection, event.owner_id, news, now)
        if found:
            markers.move(connection, "news", found[-1].id)
        return len(found)


def look_for_missing(engine: Engine, now: datetime) -> None:
    """Tell owners of bots whose orders are refused again and again."""
    with engine.begin() as connection:
        if not _due(connection, "missing", now, timedelta(minutes=1)):
            return
        for bot_id, owner_id, name, reason in overview.stuck(connection, TRIES):
            if owner_id is not None:
                text = f"{reason}. See the bot's cells for each of them."
                title = f"{name} (bot {bot_id}): orders are missing"
                news = News("missing_orders", f"missing_orders:{bot_id}", title, text)
                publish(connection, owner_id, news, now)


def send_digests(engine: Engine, now: datetime) -> int:
    """Write yesterday's digest for every user for whom it is due; how many."""
    written = 0
    with engine.begin() as connection:
        if not _due(connection, "digest", now, timedelta(minutes=5)):
            return 0
        for user_id, time_zone, last in users.digests(connection):
            here = now.astimezone(ZoneInfo(time_zone))
            if here.hour < DIGEST_HOUR or (last is not None and last >= here.date()):
                continue
            publish(connection, user_id, digest(connection, user_id, now, here.date().isoformat()), now)
            users.digest_written(connection, user_id, here.date())
            written += 1
    return written


def digest(connection: Connection, user_id: int, now: datetime, day: str) -> News:
    """A user's bots: PnL split, and the last 24 hours' fills, twin divergence and incidents."""
    bots = bot_summaries.page(connection, user_id, limit=500)
    days = overview.day(connection, user_id, now - timedelta(days=1))
    lines = [_line(bot, days[bot.id]) for bot in bots if bot.id in days]
    incidents = sum(each.incidents for each in days.values())
    fills = sum(each.fills for each in days.values())
    head = f"{_count(len(bots), 'bot')}, {_count(fills, 'fill')}, {_count(incidents, 'incident')} in 24 hours."
    return News("digest", f"digest:{day}", f"AutoGrid, {day}", "\n".join([head, *lines]))


def _line(bot: BotSummary, day: Day) -> str:
    text = f"{bot.name} ({bot.symbol}, {bot.status}): {_count(day.fills, 'fill')}"
    if bot.pnl is not None:
        parts = {"total": bot.pnl.total, "grid profit": bot.pnl.grid_profit, "inventory": bot.pnl.inventory}
        parts |= {"fees": bot.pnl.fees, "versus hold": bot.pnl.versus_hold}
        text += ", " + ", ".join(f"{name} {value:.2f}" for name, value in parts.items())
    if day.divergence_bps is not None:
        text += f", {day.divergence_bps:.1f} bps from its replay"
    return text + (f", {_count(day.incidents, 'incident')}" if day.incidents else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _news(event: overview.News) -> News | None:
    reason = str(event.data.get("reason") or event.data.get("stop") or "")
    if event.name == "strategy_stopped":
        reason = f"Its strategy ended it at {event.data.get('price')}."
    if event.name == "wish_changed":
        if event.data.get("wish") != "kill":
            return None
        kind: Kind = "bot_killed"
    elif event.level == "critical" or event.name in _KINDS:
        kind = _KINDS.get(event.name, "bot_halted")
    else:
        return None
    what = "killed" if kind == "bot_killed" else event.name.removeprefix("bot_").replace("_", " ")
    text = reason.replace("_", " ") if kind == "stop_hit" else reason
    title = f"{event.bot_name} (bot {event.bot_id}): {what}"
    return News(kind, f"{kind}:{event.bot_id}", title, text or "No reason was given.")


def _due(connection: Connection, name: str, now: datetime, every: timedelta) -> bool:
    """Whether it is time, for one worker only; True moves the marker."""
    last = markers.take(connection, name)
    if last is None or now.timestamp() < last + every.total_seconds():
        return False
    markers.move(connection, name, int(now.timestamp()))
    return True
