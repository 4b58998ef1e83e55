"""Every metric of AutoGrid, in one place; the alert rules and dashboards in deploy/ are checked against this list.

Labels are small closed sets (route templates, exchanges, states ...), never a user, bot or order: those are
in the logs. Where several processes serve one endpoint, their numbers are added up (services.common.multiproc).

    metrics.TICK_SECONDS.labels("live").observe(0.12)
    metrics.watch("database", check)          # at each scrape: run the check, which may also set gauges
    metrics.serve(9100)                       # worker, beat, streams
    body, content_type = metrics.render()     # a route of api and web
"""

import platform
from functools import lru_cache
from importlib.metadata import version

from services.common import multiproc

multiproc.prepare()  # before prometheus_client is imported

from prometheus_client import Counter, Gauge, Histogram  # noqa: E402

from services.common.scrape import Scrape  # noqa: E402

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_TASK_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 3600.0)


def _recent(name: str, text: str, *labels: str) -> Gauge:
    """A fact about the whole system: whichever process stated it last is right."""
    return Gauge(name, text, labels, multiprocess_mode="mostrecent")


def _largest(name: str, text: str, *labels: str) -> Gauge:
    """A time stamp: the newest of all processes."""
    return Gauge(name, text, labels, multiprocess_mode="max")


# HTTP. route: the template, such as /v1/bots/{bot_id}; status_class: 2xx, 3xx, 4xx, 5xx.
HTTP_SECONDS = Histogram(
    "autogrid_http_request_duration_seconds", "Time to answer a request.", ("route", "method"), buckets=_SECONDS
)
HTTP_REQUESTS = Counter(
    "autogrid_http_requests_total", "Requests answered, by class of status.", ("route", "method", "status_class")
)

# Work and its errors. component: api, web, dispatch, tick, stream, candles, twins, research, reports, notify, backup.
WORK = Counter("autogrid_work_total", "Pieces of work finished.", ("component", "outcome"))  # outcome: ok | error
ERRORS = Counter("autogrid_errors_total", "Errors, by class of the error tree.", ("component", "error"))

# Bots and orders. mode: paper | live.
BOTS = _recent("autogrid_bots", "Bots, by state (running, paused, error, halted ...).", "state", "mode")
ORDERS = Counter(
    "autogrid_orders_total", "Orders, by outcome (open, filled, cancelled, rejected, unknown).", ("exchange", "outcome")
)
FILLS = Counter("autogrid_fills_total", "Fills booked.", ("exchange", "side"))
MISSING_ORDERS = _recent("autogrid_missing_orders", "Orders that should rest on an exchange and do not.", "exchange")
UNKNOWN_ORDERS = _recent("autogrid_unknown_orders", "Orders whose outcome is unknown.", "exchange")
UNKNOWN_ORDERS_OVERDUE = _recent(
    "autogrid_unknown_orders_overdue",
    "Orders unknown for longer than T_safe: a look-up should have settled them.",
    "exchange",
)
UNKNOWN_ORDER_AGE = _recent("autogrid_unknown_order_age_seconds", "Age of the oldest unknown order.", "exchange")
TWIN_DIVERGENCE = _recent(
    "autogrid_twin_divergence_bps",
    "Largest distance of a bot's equity from its replay, in basis points of equity.",
    "mode",
)

# The tick and what drives it.
TICK_SECONDS = Histogram("autogrid_tick_duration_seconds", "Time of one tick.", ("mode",), buckets=_SECONDS)
TICK_LAG = Histogram("autogrid_tick_lag_seconds", "From a tick being due to its start.", ("mode",), buckets=_SECONDS)
LAST_DISPATCH = _largest("autogrid_last_dispatch_timestamp_seconds", "When due bots were last dispatched.")
QUEUE_DEPTH = _recent("autogrid_queue_depth", "Tasks waiting in a Celery queue.", "queue")
TASKS = Counter("autogrid_tasks_total", "Celery tasks finished, by outcome (ok, error, retry).", ("task", "outcome"))
TASK_SECONDS = Histogram("autogrid_task_duration_seconds", "Time of one Celery task.", ("task",), buckets=_TASK_SECONDS)

# Exchanges and candles. budget: weight | orders.
STREAM_LAST_EVENT = _largest(
    "autogrid_stream_last_event_timestamp_seconds", "When a stream last delivered an event.", "exchange", "stream"
)
STREAM_CONNECTED = Gauge(
    "autogrid_stream_connected", "Open streams.", ("exchange", "stream"), multiprocess_mode="livesum"
)
STREAMS_WANTED = _recent("autogrid_streams_wanted", "Accounts whose orders a stream should follow.", "exchange")
RATE_BUDGET_LEFT = _recent(
    "autogrid_rate_budget_left_ratio", "Part of the rate limit that is left, 0 to 1.", "exchange", "budget"
)
CANDLE_LAG = _recent(
    "autogrid_candle_lag_seconds",
    "From the close of the newest candle due to now, worst market.",
    "exchange",
    "timeframe",
)

# Servers. state: in_use | idle (pool), active | idle | waiting (server).
POOL_CONNECTIONS = Gauge(
    "autogrid_database_pool_connections",
    "Connections of this service's pools.",
    ("state",),
    multiprocess_mode="livesum",
)
SERVER_CONNECTIONS = _recent("autogrid_database_server_connections", "Connections of the database server.", "state")
SERVER_CONNECTIONS_MAX = _recent("autogrid_database_server_connections_max", "Most the server allows.")
DATABASE_BYTES = _recent("autogrid_database_size_bytes", "Size of the database.")

DEPENDENCY_UP = _recent(
    "autogrid_dependency_up", "1 while the check of a dependency (database, redis, exchange ...) passes.", "dependency"
)

# People.
SIGNUPS = Counter("autogrid_signups_total", "Users who signed up.")
DIGESTS = Counter("autogrid_digests_total", "Daily digests, by outcome (sent, failed).", ("outcome",))
NOTICES = Counter("autogrid_notices_total", "Messages to people.", ("kind", "outcome"))

BUILD = _recent("autogrid_build_info", "1, with the version as labels.", "component", "version", "python")


def build(component: str) -> None:
    """State which version of which service this process is. Call once per service, at its start."""
    BUILD.labels(component, version("autogrid"), platform.python_version()).set(1)
    # Prometheus cannot see the first event of a counter that appears with it.
    for outcome in ("ok", "error"):
        WORK.labels(component, outcome)
    for outcome in ("sent", "failed"):
        DIGESTS.labels(outcome)


@lru_cache(maxsize=256)
def trades_at(exchange: str) -> None:
    """State that this process trades at an exchange: what has not happened yet counts as none, not as unknown."""
    for outcome in ("open", "cancelled", "rejected", "unknown"):
        ORDERS.labels(exchange, outcome)
    for side in ("buy", "sell"):
        FILLS.labels(exchange, side)


_scrape = Scrape(DEPENDENCY_UP)
watch = _scrape.watch
render = _scrape.render
serve = _scrape.serve
