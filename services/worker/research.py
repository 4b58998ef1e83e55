"""Tasks of the research queue."""

from celery import shared_task  # type: ignore[import-untyped,unused-ignore]
from sqlalchemy.engine import Engine

from autogrid.store import engine as engines
from autogrid.store import jobs
from services.common import logs, metrics
from services.worker import child, slots


@shared_task(name="research.run", ignore_result=True)  # type: ignore[untyped-decorator,unused-ignore]
def run(*, job_id: int) -> None:
    """Do a job, if there is a slot for it. Delivered twice, it is done once: who comes second finds it taken."""
    engine = engines.engine()
    slots.work(engine, lambda: _run(engine, job_id))


def _run(engine: Engine, job_id: int) -> None:
    with engine.begin() as connection:
        row = jobs.start(connection, job_id)
    if row is None:
        return

    def alive() -> bool:
        with engine.begin() as connection:
            return jobs.alive(connection, job_id)

    with metrics.TASK_SECONDS.labels("research.run").time():
        problem = child.run("autogrid.promotion.work", job_id, alive)
    if problem is not None:
        with engine.begin() as connection:
            jobs.fail(connection, job_id, problem)
    with engine.begin() as connection:
        status = jobs.get(connection, job_id, None)["status"]
    outcome = "ok" if status in ("done", "cancelled") else "error"
    metrics.WORK.labels("research", outcome).inc()
    metrics.TASKS.labels("research.run", outcome).inc()
    logs.get_logger().info("job_ended", job_id=job_id, kind=row["kind"], status=status)
