"""Is it alive, is it ready, its numbers."""

from fastapi import Request, Response

from services.api.access import PUBLIC, open_to
from services.api.route import router
from services.api.system.models import Health, Readiness
from services.api.system.ready import checks
from services.common import metrics

probes = router("", "system")


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
