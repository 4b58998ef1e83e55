"""What one worker process keeps between tasks, and what happens when it starts."""

import gc
import logging
import threading
from typing import TYPE_CHECKING, Any

from celery import signals  # type: ignore[import-untyped,unused-ignore]
from sqlalchemy.exc import SQLAlchemyError

from autogrid.errors import AutogridError
from autogrid.exchange.open import open_limiter
from autogrid.live import brain
from autogrid.live.run import Exchanges, Runner, rules
from autogrid.settings import settings
from autogrid.store import embedded_valkey, ticking
from autogrid.store import engine as engines
from services.common import logs, metrics, watches
from services.worker import slots

if TYPE_CHECKING:
    import redis

_local = threading.local()


def client() -> "redis.Redis":
    """This process's Redis client."""
    import redis

    if not hasattr(_local, "client"):
        _local.client = redis.Redis.from_url(embedded_valkey.redis_url())
    found: redis.Redis = _local.client
    return found


def once(name: str, seconds: float) -> bool:
    """True for one caller of all processes in so many seconds."""
    return bool(client().set(f"autogrid:once:{name}", 1, nx=True, px=int(seconds * 1000)))


def runner() -> Runner:
    """This process's (and thread's) runner; opened at first use, that is after the fork."""
    found: Runner | None = getattr(_local, "runner", None)
    if found is None:
        engine = engines.engine()
        watches.pool(engine)
        found = _local.runner = Runner(engine, Exchanges(engine, open_limiter(client())), rules())
    return found


def _logging(**_: Any) -> None:
    """Ours instead of Celery's."""
    logs.configure(level=settings().log_level)
    # A line for each task sent, received and done, every second, says nothing that the metrics do not.
    for name in ("celery.beat", "celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)


def serve_metrics(component: str, facts: bool = False) -> None:
    """Answer scrapes, if the settings name a port. With `facts` they tell how bots, orders and queues are."""
    metrics.build(component)
    port = settings().metrics_port
    if port is None:
        return
    from services.worker.app import QUEUES

    url = embedded_valkey.redis_url()
    watches.database(engines.libpq_url(), facts, open_limiter(url) if facts else None)
    watches.redis(url, QUEUES if facts else ())
    metrics.serve(port)


def _started(sender: Any = None, **_: Any) -> None:
    slots.make(getattr(sender, "concurrency", None) or 1)
    serve_metrics("worker")
    _preload(_ticks(sender))


def _ticks(sender: Any) -> bool:
    """Whether this worker takes ticks."""
    return "live" in sender.app.amqp.queues.consume_from


def _ready(sender: Any, **_: Any) -> None:
    """Have everything looked at: whatever ran before may have died with it in its hands."""
    if _ticks(sender):
        sender.app.send_task("live.dispatch", kwargs={"everything": True}, queue="live", ignore_result=True)


def _beat_started(**_: Any) -> None:
    serve_metrics("beat", facts=True)


def _preload(ticks: bool) -> None:
    """Load what every child needs before they fork, so that they share its memory; more where they take `ticks`."""
    from autogrid.exchange.ccxt_load import exchange_class

    exchange_class("binance")
    rules()
    if ticks and _decides():
        brain.load()
    gc.collect()
    gc.freeze()


def _decides() -> bool:
    """Whether bots are there whose strategy decides; else children load pandas when one has come."""
    if settings().database_url is None:
        return False  # starting the embedded server is its children's business
    try:
        engine = engines.connect(engines.libpq_url())
        try:
            return ticking.any_decides(engine)
        finally:
            engine.dispose()  # connections are not to be shared with children
    except (AutogridError, SQLAlchemyError):
        return False  # ticks will say what is wrong


def _ending(**_: Any) -> None:
    found: Runner | None = getattr(_local, "runner", None)
    if found is not None:
        found.exchanges.close()
        engines.close()


signals.setup_logging.connect(_logging)
signals.worker_init.connect(_started)
signals.worker_ready.connect(_ready)
signals.beat_init.connect(_beat_started)
signals.worker_process_shutdown.connect(_ending)
