"""Is it alive, is it ready, its numbers; who did what."""

from datetime import UTC, datetime
from importlib.metadata import version

import redis
from fastapi import Request, Response

from autogrid.store import audit, overview
from services.api.access import PUBLIC, VIEWER, open_to
from services.api.deps import Db, Who
from services.api.paging import Page, Paged
from services.api.route import router
from services.api.system.models import Entry, Health, Readiness, Server, System, Workers
from services.api.system.ready import checks
from services.common import metrics
from services.common.queue import QUEUES

probes = router("", "system")
routes = router("/v1", "system")


@probes.get("/healthz", **open_to(PUBLIC))
async def healthz() -> Health:
    """The process answers."""
    return Health(status="ok")


@probes.get("/readyz", **open_to(PUBLIC))
def readyz(request: Request, response: Response) -> Readiness:
    """Database, migrations and Redis answer; 503 while one does not."""
    found = checks(request.app.state)
    ready = all(item is None for item in found.values())
    if not ready:
        response.status_code = 503
    return Readiness(ready=ready, checks={name: error or "ok" for name, error in found.items()})


@probes.get("/metrics", response_class=Response, **open_to(PUBLIC))
def prometheus() -> Response:
    """Numbers for Prometheus."""
    body, kind = metrics.render()
    return Response(body, media_type=kind)


@routes.get("/system", **open_to(VIEWER))
def system(request: Request, who: Who, db: Db) -> System:
    """The state of the installation."""
    state = request.app.state
    found = checks(state)
    with db.read() as connection:
        counts = overview.bots_by_status(connection, who.sees)
        server = Server(**overview.server(connection))
    return System(
        version=version("autogrid"),
        time=datetime.now(UTC),
        ready=all(item is None for item in found.values()),
        checks={name: error or "ok" for name, error in found.items()},
        database=server,
        queues=_depths(state.redis),
        bots=counts,
    )


@routes.get("/system/workers", **open_to(VIEWER))
def list_workers(request: Request) -> Workers:
    """Workers that answer within half a second."""
    return Workers(workers=request.app.state.queue.workers())


@routes.get("/audit", **open_to(VIEWER, 422))
def list_audit(page: Paged, who: Who, db: Db) -> Page[Entry]:
    """What you did (an admin: what anybody did)."""
    with db.read() as connection:
        return page.of(lambda row: Entry(**row), lambda at, limit: audit.listing(connection, who.sees, at, limit))


def _depths(server: "redis.Redis") -> dict[str, int] | None:
    try:
        return {name: int(server.llen(name)) for name in QUEUES}
    except redis.RedisError:
        return None
