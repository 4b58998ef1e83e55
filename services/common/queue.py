"""Sends tasks to workers by name, so that whoever sends need not import the worker.

Send after the commit of what the task will read. A task that gets lost (Redis was down) is sent again by beat, which
looks for rows that still wait.
"""

from typing import Any

from celery import Celery  # type: ignore[import-untyped,unused-ignore]
from kombu.exceptions import OperationalError

from services.common.logs import get_logger

QUEUES = ("live", "research", "reports", "default")
#: name -> queue. Keyword arguments: ids only.
TASKS = {
    "research.run": "research",
    "reports.make": "reports",
}
_PATIENCE = {"max_retries": 1, "interval_start": 0.1, "interval_step": 0.1}


class Queue:
    """The way to the workers."""

    def __init__(self, broker_url: str) -> None:
        self._celery = Celery("autogrid-sender", broker=broker_url, set_as_current=False)
        self._celery.conf.update(broker_connection_timeout=2, task_ignore_result=True)

    def send(self, task: str, **ids: Any) -> bool:
        """Send a task of TASKS. False if the broker is away: beat sends it later."""
        try:
            self._celery.send_task(
                task, kwargs=ids, queue=TASKS[task], ignore_result=True, retry=True, retry_policy=_PATIENCE
            )
        except (OperationalError, OSError) as error:
            get_logger().warning("task_not_sent", task=task, error=str(error), **ids)
            return False
        return True

    def workers(self, timeout_s: float = 0.5) -> list[str]:
        """Names of the workers that answer within a while; none where the broker is away."""
        try:
            answers = self._celery.control.ping(timeout=timeout_s)
        except (OperationalError, OSError):
            return []
        return sorted(name for answer in answers for name in answer)

    def close(self) -> None:
        """Give the connections back."""
        self._celery.close()
