"""A bot's turn as metrics and log lines."""

from autogrid.errors import AutogridError
from autogrid.live.run import Turn
from services.common import logs, metrics

_LEVELS = {"info": "info", "warning": "warning", "critical": "critical"}


def turn(done: Turn, seconds: float) -> None:
    """Count one turn; log what a person may want to read."""
    report, target = done.report, done.target
    log = logs.get_logger()
    if target is None:
        log.warning("bot_unknown")
        return
    mode = "paper" if target.is_paper else "live"
    exchange = target.account_exchange
    metrics.trades_at(exchange)
    metrics.TICK_SECONDS.labels(mode).observe(seconds)
    metrics.WORK.labels("tick", "ok" if done.error is None else "error").inc()
    for outcome, count in (("open", report.placed), ("cancelled", report.canceled), ("rejected", report.rejected)):
        if count:
            metrics.ORDERS.labels(exchange, outcome).inc(count)
    if report.unknown:
        metrics.ORDERS.labels(exchange, "unknown").inc(report.unknown)
    for side, count in (("buy", report.bought), ("sell", report.sold)):
        if count:
            metrics.FILLS.labels(exchange, side).inc(count)
    for event in report.events:
        getattr(log, _LEVELS[event.level])(event.name, **{f"about_{k}": v for k, v in event.data.items()})
    if done.error is not None:
        error(done.error, "tick", wait_s=done.next_s)


def candles(lags: dict[str, float], errors: list[AutogridError]) -> None:
    """How far behind the candles of each exchange are."""
    for exchange, lag in lags.items():
        metrics.CANDLE_LAG.labels(exchange, "1m").set(lag)
    metrics.WORK.labels("candles", "error" if errors else "ok").inc()
    for each in errors:
        error(each, "candles")


def twins(worst: dict[str, float]) -> None:
    """How far bots are from their replays."""
    for mode, bps in worst.items():
        metrics.TWIN_DIVERGENCE.labels(mode).set(bps)


def error(found: Exception, component: str, **fields: object) -> None:
    """Count and log an error of the tree."""
    name = type(found).__name__
    metrics.ERRORS.labels(component, name).inc()
    level = "warning" if isinstance(found, AutogridError) else "error"
    getattr(logs.get_logger(), level)(f"{component}_error", error=name, message=str(found), **fields)
