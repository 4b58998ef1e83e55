"""The page's client against the running API: tokens that run out, streams that end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from autogrid.store import jobs
from services.api.studies.models import EXAMPLE
from services.web import client
from services.web.client import Api, ApiError, SignedOut, Tokens, connect

from .conftest import PASSWORD, Make, Person, Server

Kept = list[Tokens | None]


def run(server: Server, tokens: Tokens | None, work: Callable[[Api], Awaitable[Any]]) -> tuple[Any, Kept]:
    """What `work` returns, and every change of tokens on the way."""
    kept: Kept = []

    async def main() -> Any:
        http = connect(server.url)
        try:
            return await asyncio.wait_for(work(Api(http, tokens, kept.append)), 60)
        finally:
            await http.aclose()

    return asyncio.run(main()), kept


def tokens_of(person: Person, access: str | None = None) -> Tokens:
    return Tokens(access or person.tokens["access_token"], person.tokens["refresh_token"])


def test_sign_up_signs_in_and_sign_out_revokes(server: Server, person: Make) -> None:
    async def work(api: Api) -> tuple[dict[str, Any], Tokens]:
        await api.sign_up("new@example.org", PASSWORD, "203.0.113.5")
        me, tokens = await api.get("/v1/users/me"), api.tokens
        assert tokens is not None
        await api.sign_out()
        return me, tokens

    (me, tokens), kept = run(server, None, work)
    assert me["email"] == "new@example.org"
    assert kept == [tokens, None]
    with pytest.raises(SignedOut):
        run(server, tokens, lambda api: api.get("/v1/users/me"))


def test_an_access_token_that_ran_out_is_renewed_once_for_all_callers(server: Server, person: Make) -> None:
    ada = person()

    async def work(api: Api) -> list[Any]:
        return await asyncio.gather(*(api.get("/v1/users/me") for _ in range(12)))

    found, kept = run(server, tokens_of(ada, "expired"), work)
    assert [each["email"] for each in found] == [ada.email] * 12
    # A second renewal with the same refresh token would have ended the session.
    assert len(kept) == 1
    again, _ = run(server, kept[0], lambda api: api.get("/v1/users/me"))
    assert again["id"] == ada.id


def test_a_refresh_token_used_twice_ends_the_session(server: Server, person: Make) -> None:
    ada = person()
    _, kept = run(server, tokens_of(ada, "expired"), lambda api: api.get("/v1/users/me"))

    async def work(api: Api) -> None:
        with pytest.raises(SignedOut, match="sign in again"):
            await api.get("/v1/users/me")

    _, told = run(server, tokens_of(ada, "expired"), work)
    assert told == [None]
    with pytest.raises(SignedOut):
        run(server, kept[0], lambda api: api.get("/v1/users/me"))


def test_a_session_that_ended_is_told_from_one_that_was_signed_out(server: Server, person: Make) -> None:
    ada = person()

    async def work(api: Api) -> list[bool]:
        said = [api.ended]
        for _tab in range(2):
            with pytest.raises(SignedOut):
                await api.get("/v1/users/me")
        said.append(api.ended)
        await api.sign_in(ada.email, PASSWORD)
        said.append(api.ended)
        await api.sign_out()
        with pytest.raises(SignedOut):
            await api.get("/v1/users/me")
        return [*said, api.ended]

    assert run(server, Tokens("forged", "forged"), work)[0] == [False, True, False, False]


def test_errors_are_in_the_words_of_the_api(server: Server, person: Make) -> None:
    async def work(api: Api) -> list[ApiError]:
        found = []
        for body in ({"name": "x", "text": "no toml ="}, {"name": "x"}):
            with pytest.raises(ApiError) as caught:
                await api.post("/v1/studies", body)
            found.append(caught.value)
        return found

    (wrong, missing), _ = run(server, tokens_of(person()), work)
    assert wrong.status == missing.status == 422
    assert "TOML" in str(wrong)
    assert "\ntext: " in str(missing)


def test_an_api_that_is_away_is_said_to_be(person: Make) -> None:
    away = Server(app=None, url="http://127.0.0.1:9")  # type: ignore[arg-type]
    with pytest.raises(ApiError, match="does not answer") as caught:
        run(away, Tokens("a", "b"), lambda api: api.get("/v1/bots"))
    assert caught.value.status == 503


def test_events_arrive_and_expired_tokens_are_renewed_for_them(server: Server, store: sa.Engine, person: Make) -> None:
    ada = person()

    async def work(api: Api) -> list[tuple[str, dict[str, Any]]]:
        found = []
        stream = api.events()
        async for name, data in stream:
            found.append((name, data))
            if name == "connected":
                await asyncio.to_thread(add)
            else:
                break
        await stream.aclose()  # type: ignore[attr-defined]
        return found

    def add() -> None:
        with store.begin() as connection:
            jobs.add(connection, ada.id, "backtest", {"text": "x"})

    found, kept = run(server, tokens_of(ada, "expired"), work)
    assert [name for name, _ in found] == ["connected", "job"]
    assert found[1][1]["status"] == "queued"
    assert len(kept) == 1


def test_the_same_click_sent_twice_happens_once(server: Server, person: Make) -> None:
    async def work(api: Api) -> list[dict[str, Any]]:
        for _ in range(2):
            await api.post("/v1/backtests", {"text": EXAMPLE}, key="click-1")
        return await api.every("/v1/jobs")

    found, _ = run(server, tokens_of(person()), work)
    assert len(found) == 1


def test_lists_are_read_page_after_page(server: Server, person: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE", 2)

    async def work(api: Api) -> list[tuple[list[str], bool]]:
        for number in range(5):
            await api.post("/v1/studies", {"name": f"study {number}", "text": EXAMPLE})
        read = [await api.first("/v1/studies", wanted) for wanted in (3, 5, 9)]
        return [([each["name"][-1] for each in items], more) for items, more in read]

    found, _ = run(server, tokens_of(person()), work)
    assert found == [(["4", "3", "2"], True), (["4", "3", "2", "1", "0"], False), (["4", "3", "2", "1", "0"], False)]
