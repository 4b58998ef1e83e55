"""Live updates by server-sent events."""

import asyncio
from collections.abc import AsyncIterable
from typing import Annotated

from fastapi import Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from autogrid.store import overview
from services.api.access import VIEWER, open_to
from services.api.deps import Who
from services.api.events.feed import Feed
from services.api.route import router
from services.api.tokens import ACCESS

routes = router("/v1", "events")


@routes.get("/events", response_class=EventSourceResponse, **open_to(VIEWER, 422))
async def stream_events(
    request: Request, who: Who,
    after: Annotated[int | None, Query(ge=0, le=2**62, description="Id of the last bot_event you know.")] = None,
    last_event_id: Annotated[str | None, Header(pattern=r"^[0-9]{1,18}$")] = None,
) -> AsyncIterable[ServerSentEvent]:  # fmt: skip
    """What happens to your bots and jobs, as it happens.

    `bot_event`: an event of a bot. `bot`: a bot traded; read it again. `job`: a job changed. `kill_switch`: one that
    concerns you was engaged or released. The stream ends after 15 minutes, when an access token would: connect again,
    and with Last-Event-ID no bot_event is lost.
    """
    feed: Feed = request.app.state.feed
    known = int(last_event_id) if last_event_id else after
    deadline = asyncio.get_running_loop().time() + ACCESS.total_seconds()
    async with feed.listen(who.sees) as following:
        yield ServerSentEvent(comment="connected", retry=2000)
        told: set[int] = set()
        while known is not None:
            missed = await run_in_threadpool(_missed, request, known, who.sees)
            known = missed[-1].id if missed else None
            for event in missed:
                told.add(event.id)
                data = {name: value for name, value in vars(event).items() if name != "owner_id"}
                yield ServerSentEvent(event="bot_event", id=str(event.id), data=data)
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            try:
                item = await asyncio.wait_for(following(), left)
            except TimeoutError:
                return
            if item is None:
                return
            if item.id in told:
                continue
            yield ServerSentEvent(event=item.kind, id=None if item.id is None else str(item.id), data=item.data)


def _missed(request: Request, after: int, sees: int | None) -> list[overview.News]:
    with request.app.state.database.begin() as connection:
        return overview.events_after(connection, after, sees)
