"""Answers that come in another order than their questions: what the visitor asked last is what is shown."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from nicegui import Client, core, ui

from services.web.client import ApiError
from services.web.pages.study import _Bench
from services.web.parts.away import lead, leaving
from services.web.parts.listing import Listing
from services.web.parts.work import Work


class Slow:
    """An API whose answers come when the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, asyncio.Future[Any]]] = []

    async def get(self, what: Any) -> Any:
        found: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.asked.append((what, found))
        return await found

    async def post(self, path: str, body: Any = None, key: str | None = None) -> Any:
        return await self.get((path, body))

    async def answer(self, which: int, answer: Any) -> None:
        """The question number `which` is answered, and what follows from it is done."""
        self.asked[which][1].set_result(answer)
        await settle()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def on_a_page(work: Callable[[Slow], Awaitable[None]]) -> None:
    async def main() -> None:
        # NiceGUI keeps what it is to do in the background for the loop of its server.
        with pytest.MonkeyPatch.context() as patch, Client(ui.page("/")) as client:
            patch.setattr(core, "loop", asyncio.get_running_loop())
            async with asyncio.timeout(60):
                await work(Slow())
            client.outbox.stop()
            await settle()

    asyncio.run(main())


def job(number: int, status: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "status": status, "progress": 0, "message": "", "error": None, **more}


def work_of(api: Slow) -> tuple[Work, Callable[[], Awaitable[None]]]:
    """A Work, and what its page does to read it again."""
    refreshes: list[Any] = []
    live = SimpleNamespace(on=lambda refresh, wants: refreshes.append(refresh))
    made = Work(SimpleNamespace(api=api, live=live, trades=True))  # type: ignore[arg-type]
    return made, refreshes[0]


def test_a_job_that_is_followed_is_not_given_up_for_the_one_before() -> None:
    async def work(api: Slow) -> None:
        made, refresh = work_of(api)
        shown: list[tuple[str, Any]] = []
        await made.follow(job(1, "running"), lambda result: shown.append(("first", result)))
        late = asyncio.create_task(refresh())  # type: ignore[arg-type]
        await settle()
        await made.follow(job(2, "queued"), lambda result: shown.append(("second", result)))
        await api.answer(0, job(1, "done"))
        await late
        assert made.busy, "the second one is followed"
        late = asyncio.create_task(refresh())  # type: ignore[arg-type]
        await settle()
        assert api.asked[1][0] == "/v1/jobs/2"
        await api.answer(1, job(2, "done"))
        await api.answer(2, {"result": "of the second"})
        await late
        assert shown == [("second", "of the second")]

    on_a_page(work)


def test_a_result_that_comes_late_is_not_shown_above_the_next_job() -> None:
    async def work(api: Slow) -> None:
        made, _ = work_of(api)
        shown: list[Any] = []
        first = asyncio.create_task(made.follow(job(1, "done"), shown.append))
        await settle()
        await made.follow(job(2, "queued"), shown.append)
        await api.answer(0, {"result": "of the first"})
        await first
        assert shown == []

    on_a_page(work)


def test_a_result_is_shown_once() -> None:
    async def work(api: Slow) -> None:
        made, refresh = work_of(api)
        shown: list[Any] = []
        await made.follow(job(1, "running"), shown.append)
        looks = [asyncio.create_task(refresh()) for _ in range(2)]  # type: ignore[arg-type]
        await settle()
        for which in (0, 1):
            await api.answer(which, job(1, "done"))
        await api.answer(2, {"result": 1})
        await asyncio.gather(*looks)
        assert shown == [1]

    on_a_page(work)


def test_a_list_shows_what_was_asked_last() -> None:
    async def work(api: Slow) -> None:
        shown: list[Any] = []
        made = Listing(api.get, shown.append, "things", size=2)
        first = asyncio.create_task(made.refresh())
        await settle()
        more = asyncio.create_task(made._more(""))
        await settle()
        await api.answer(1, ([1, 2, 3, 4], True))
        await api.answer(0, ([1, 2], True))
        await asyncio.gather(first, more)
        assert [wanted for wanted, _ in api.asked] == [2, 4]
        assert shown == [[1, 2, 3, 4]]

    on_a_page(work)


def test_a_list_that_cannot_start_anew_is_read_by_the_next_look() -> None:
    async def work(api: Slow) -> None:
        made = Listing(api.get, lambda items: None, "things")
        again = asyncio.create_task(made.restart())
        await settle()
        api.asked[0][1].set_exception(ApiError(503, "gone"))
        await again

    on_a_page(work)


@pytest.mark.parametrize("buttons", [1, 2])
def test_two_buttons_at_once_save_one_study(buttons: int) -> None:
    async def work(api: Slow) -> None:
        bench = _Bench(SimpleNamespace(api=api), None)  # type: ignore[arg-type]
        bench.name, bench.editor = SimpleNamespace(value="a"), SimpleNamespace(text="b")  # type: ignore[assignment]
        client = ui.context.client

        async def save() -> int:
            with client:
                return await bench.save()

        saved = [asyncio.create_task(save()) for _ in range(buttons)]
        await settle()
        await api.answer(0, {"id": 7, "name": "a", "text": "b"})
        assert await asyncio.gather(*saved) == [7] * buttons
        assert len(api.asked) == 1

    on_a_page(work)


def test_who_signs_out_is_not_told_that_the_session_has_ended() -> None:
    """The browser is told to stay first, whoever finds the session ended then; unless there is no leaving."""

    async def work(api: Slow) -> None:
        client = ui.context.client

        async def said() -> list[str]:
            await settle()
            return [data["code"] for _, kind, data in client.outbox.messages if kind == "run_javascript"]

        with leaving():
            lead("/sign-in", "The session is over.")
        first, second = await said()
        assert first == "window.leavingAt = Date.now();"
        assert "Date.now() - window.leavingAt" in second
        with pytest.raises(ApiError), leaving():
            raise ApiError(422, "The password is wrong.")
        assert (await said())[-1] == "window.leavingAt = undefined;"

    on_a_page(work)
