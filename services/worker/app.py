"""The Celery app: queues, delivery rules, and the two things that beat sends.

A task may be delivered twice and a worker may die at any line: tasks are acknowledged when they have ended, a killed
child's task is delivered again at once, and a lost worker's after the visibility timeout. All of them are safe to run
twice. Names begin with their queue's: live.tick, research.run.

    celery -A services.worker.app worker -Q live
    celery -A services.worker.app beat
"""

from typing import Any

from celery import Celery  # type: ignore[import-untyped,unused-ignore]

from autogrid.settings import settings
from autogrid.store.embedded_valkey import broker_url

QUEUES = ("live", "research", "reports", "default")
INCLUDE = ["services.worker.tasks", "services.worker.research", "services.worker.reports", "services.worker.chores"]
#: Seconds between two rounds of chores.
CHORES_S = 5.0
#: Seconds after which a live task is told to end, and after which its process is killed.
SOFT_S, HARD_S = 20, 30


def route(name: str, *_: Any, **__: Any) -> dict[str, str]:
    """The queue of a task: the first part of its name."""
    first = name.partition(".")[0]
    return {"queue": first if first in QUEUES else "default"}


def make(broker: str) -> Celery:
    """The app on a broker; tasks are loaded when a worker starts."""
    app = Celery("autogrid", broker=broker, include=INCLUDE)
    app.conf.update(
        task_default_queue="default",
        task_routes=(route,),
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        broker_transport_options={"visibility_timeout": 90, "socket_timeout": 10, "socket_connect_timeout": 10},
        broker_connection_retry_on_startup=True,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        worker_max_tasks_per_child=10_000,
        timezone="UTC",
        # Its entries are static, so beat keeps nothing on disk and any number of them may run.
        beat_scheduler="celery.beat:Scheduler",
        beat_max_loop_interval=1,
        beat_schedule={
            "dispatch": {
                "task": "live.dispatch",
                "schedule": settings().dispatch_interval_s,
                "options": {"queue": "live", "expires": max(2.0, settings().dispatch_interval_s)},
            },
            "chores": {
                "task": "default.chores",
                "schedule": CHORES_S,
                "options": {"queue": "default", "expires": CHORES_S},
            },
        },
    )
    return app


app = make(broker_url())

from services.worker import process  # noqa: E402, F401 - connects its signal handlers
