"""A job that runs somewhere else: its progress here, its result when it is done."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from services.web.client import ApiError
from services.web.parts import asking, show
from services.web.parts.frame import Visit
from services.web.parts.tables import note, put

FINAL = ("done", "failed", "cancelled")
Shows = Callable[[dict[str, Any]], None]


class Work:
    """Follows one job at a time, the newest."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._followed: int | None = None
        self._job: dict[str, Any] | None = None
        self._shows: Shows | None = None
        with ui.element("div").classes("stack idle").props('aria-live="polite"') as self._all:
            with ui.row().classes("title") as self._row:
                self._state = ui.html(sanitize=False)
                self._message = ui.label().classes("soft")
                self._cancel = asking.button("Cancel", self._stop, kind="small")
            self._bar = ui.linear_progress(0, show_value=False, size="6px").props("rounded")
            self._bar.props('aria-label="Progress"')
            self._place = ui.element("div").classes("stack")
        self._visible(False)
        visit.live.on(self._refresh, self._wants)

    @property
    def busy(self) -> bool:
        """Whether a job is on its way."""
        return self._job is not None and self._job["status"] not in FINAL

    async def follow(self, job: dict[str, Any], shows: Shows) -> None:
        """Follow this job from now on. `shows` gets its result, inside this element."""
        self._place.clear()
        self._followed, self._job, self._shows = job["id"], None, shows
        await self._take(job)

    def _visible(self, visible: bool) -> None:
        self._row.set_visibility(visible)
        self._bar.set_visibility(visible)
        self._all.classes(add="" if visible else "idle", remove="idle" if visible else "")

    def _wants(self, name: str, data: dict[str, Any]) -> bool:
        return self._job is not None and name == "job" and data.get("id") == self._job["id"]

    async def _refresh(self) -> None:
        if self.busy:
            assert self._job is not None
            await self._take(await self._visit.api.get(f"/v1/jobs/{self._job['id']}"))

    async def _take(self, job: dict[str, Any]) -> None:
        if job["id"] != self._followed or (self._job is not None and not self.busy):
            return  # the answer to an older question
        self._job = job
        self._visible(True)
        put(self._state, show.state(job["status"]))
        waits = "Waits for a worker of the research queue (autogrid up)." if job["status"] == "queued" else ""
        self._message.set_text(job["message"] or waits)
        self._bar.set_value(1.0 if job["status"] == "done" else float(job["progress"]))
        self._bar.set_visibility(job["status"] not in FINAL)
        self._cancel.set_visibility(self.busy and self._visit.trades)
        if job["status"] == "failed":
            with self._place:
                note(job["error"] or "It failed without saying why: see the worker's log.", "bad")
        elif job["status"] == "done":
            await self._read(job["id"])

    async def _read(self, number: int) -> None:
        result, said = None, ""
        try:
            result = (await self._visit.api.get(f"/v1/jobs/{number}/result"))["result"]
        except ApiError as error:
            said = str(error)
        if number != self._followed or self._shows is None:
            return  # another one is followed since
        with self._place:
            if result is None:
                note(said, "bad")
            else:
                self._shows(result)

    async def _stop(self, key: str) -> None:
        if self._job is not None:
            await self._take(await self._visit.api.post(f"/v1/jobs/{self._job['id']}/cancel", key=key))
