"""Backtests, sweeps, promotions, verifications: asked for here, done by a worker of the research queue."""

from typing import Annotated, Any

from fastapi import Query, Request

from autogrid.core.study import parse_study
from autogrid.errors import Conflict
from autogrid.store import accounts, engaged, jobs, passports, studies
from services.api.access import TRADER, VIEWER, Caller, open_to
from services.api.deps import Database, Db, Id, PassportId, Who
from services.api.jobs.models import FromStudy, Job, JobKind, NewBacktest, NewPromotion, Result, Status
from services.api.paging import Page, Paged
from services.api.route import router

routes = router("/v1", "jobs")


@routes.post("/backtests", status_code=202, **open_to(TRADER, 404, idempotent=True))
def start_backtest(request: Request, new: NewBacktest, who: Who, db: Db) -> Job:
    """Backtest a study on its stored candles, or with `sweep` many variations of its grid."""
    asked: dict[str, Any] = {} if new.sweep is None else {"sweep": new.sweep}
    return _start(request, db, who, "backtest" if new.sweep is None else "sweep", new, asked)


@routes.post("/promotions", status_code=202, **open_to(TRADER, 404, idempotent=True))
def start_promotion(request: Request, new: NewPromotion, who: Who, db: Db) -> Job:
    """Prove a study through the live engine and the gates, and make a passport and a bot of it.

    409 while a kill switch that covers the account is engaged.
    """
    with db.begin() as connection:
        account = accounts.get(connection, new.account_id, who.sees)
        engaged.require_account(connection, account.id, who.id)
    return _start(request, db, who, "promotion", new, new.model_dump(include={"to", "account_id", "name"}))


@routes.post("/passports/{passport_id}/verify", status_code=202, **open_to(TRADER, 404, idempotent=True))
def start_verification(request: Request, passport_id: PassportId, who: Who, db: Db) -> Job:
    """Derive a passport anew and compare."""
    with db.begin() as connection:
        found = passports.get(connection, passport_id, who.sees)
        row = jobs.add(connection, who.id, "verification", {"passport_id": found.id})
    return _sent(request, row)


@routes.get("/jobs", **open_to(VIEWER, 422))
def list_jobs(
    page: Paged, who: Who, db: Db,
    kind: Annotated[JobKind | None, Query()] = None, status: Annotated[Status | None, Query()] = None,
) -> Page[Job]:  # fmt: skip
    """Your jobs."""
    with db.read() as connection:
        return page.of(
            lambda row: Job(**row),
            lambda at, limit: jobs.listing(connection, who.sees, at, limit, kind=kind, status=status),
        )


@routes.get("/jobs/{job_id}", **open_to(VIEWER, 404, 422))
def get_job(job_id: Id, who: Who, db: Db) -> Job:
    """One job."""
    with db.read() as connection:
        return Job(**jobs.get(connection, job_id, who.sees))


@routes.get("/jobs/{job_id}/result", **open_to(VIEWER, 404, 409, 422))
def get_job_result(job_id: Id, who: Who, db: Db) -> Result:
    """What a job found; 409 until it is done."""
    with db.read() as connection:
        row = jobs.get(connection, job_id, who.sees, result=True)
    if row["result"] is None:
        raise Conflict(f"job {job_id} has no result: it is {row['status']}")
    return Result(**row)


@routes.post("/jobs/{job_id}/cancel", **open_to(TRADER, 404, 409, 422))
def cancel_job(job_id: Id, who: Who, db: Db) -> Job:
    """Stop a job that is queued or running."""
    with db.begin() as connection:
        return Job(**jobs.cancel(connection, job_id, who.sees))


def _start(request: Request, db: Database, who: Caller, kind: str, source: FromStudy, asked: dict[str, Any]) -> Job:
    with db.begin() as connection:
        text = source.text
        if source.study_id is not None:
            kept = studies.get(connection, source.study_id, who.sees)
            text = kept["text"]
            asked = {"study_name": kept["name"]} | asked
        parse_study(text or "")
        row = jobs.add(connection, who.id, kind, asked | {"text": text}, source.study_id)
    return _sent(request, row)


def _sent(request: Request, row: Any) -> Job:
    # After the commit: a worker must find the row.
    request.app.state.queue.send("research.run", job_id=row["id"])
    return Job(**row)
