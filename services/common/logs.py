"""Logs: one JSON object a line, a constant event name with the data in fields, ids bound once, no secrets.

    log = get_logger()
    with bound(request_id="..."):                       # every line of this task or thread carries it
        log.info("order_placed", side="buy", price="95.00")

Lines of other libraries (standard logging) go through the same chain.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars
from structlog.typing import Processor

from services.common import redact

__all__ = ["bind", "bound", "clear", "configure", "get_logger"]

#: Ids of what is being worked on: request_id, task_id, bot_id. `with bound(bot_id=7):` undoes itself.
bound = bound_contextvars
bind = bind_contextvars
clear = clear_contextvars
#: Servers that bring handlers of their own; theirs are taken off so that no line is written twice.
_FOREIGN = ("uvicorn", "uvicorn.error", "uvicorn.access", "celery", "celery.task", "celery.redirected", "nicegui")


def get_logger(name: str = "autogrid") -> structlog.stdlib.BoundLogger:
    """A logger; `name` becomes the field `logger`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def configure(json: bool = True, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Route structlog and standard logging of this process to `stream` (default: standard error).

    json: one object a line; otherwise lines for a person at a terminal. Call it once, at the start of a
    service, after whatever configures logging by itself; calling it again replaces the earlier choice.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if not json:
        renderer = structlog.dev.ConsoleRenderer(colors=False)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _redact, renderer],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _FOREIGN:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # These log whole requests, and with them keys, at DEBUG and INFO.
    for name in ("httpx", "httpcore", "ccxt", "urllib3", "apprise"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *(item for item in shared if not isinstance(item, structlog.stdlib.ExtraAdder)),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    logging.captureWarnings(True)


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """The last step before writing: nothing after it adds to the line."""
    cleaned: dict[str, Any] = redact.anything(event)
    return cleaned
