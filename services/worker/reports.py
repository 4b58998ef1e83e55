"""Tasks of the reports queue."""

from celery import shared_task  # type: ignore[import-untyped,unused-ignore]
from sqlalchemy.engine import Engine

from autogrid.store import engine as engines
from autogrid.store import reports
from services.common import logs, metrics
from services.worker import child, slots

#: A report that fails for want of something (a server, memory) is tried so often.
ATTEMPTS = 3


@shared_task(name="reports.make", ignore_result=True)  # type: ignore[untyped-decorator,unused-ignore]
def make(*, report_id: int) -> None:
    """Make a report, if there is a slot for it. Delivered twice, it is made once: who comes second finds it taken."""
    engine = engines.engine()
    slots.work(engine, lambda: _make(engine, report_id))


def _make(engine: Engine, report_id: int) -> None:
    with engine.begin() as connection:
        row = reports.start(connection, report_id)
    if row is None:
        return

    def alive() -> bool:
        with engine.begin() as connection:
            return reports.alive(connection, report_id)

    with metrics.TASK_SECONDS.labels("reports.make").time():
        problem = child.run("autogrid.promotion.reporting", report_id, alive)
    if problem is not None:
        with engine.begin() as connection:
            reports.fail(connection, report_id, problem, again=row["attempts"] < ATTEMPTS)
    with engine.begin() as connection:
        status = reports.get(connection, report_id, None)["status"]
    outcome = {"done": "ok", "queued": "retry"}.get(status, "error")
    metrics.WORK.labels("reports", "ok" if outcome == "ok" else "error").inc()
    metrics.TASKS.labels("reports.make", outcome).inc()
    logs.get_logger().info("report_ended", report_id=report_id, template=row["template"], status=status)
