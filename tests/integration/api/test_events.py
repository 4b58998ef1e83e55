"""Server-sent events: what happens to your bots and jobs arrives, what is not yours does not, nothing is missed."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import sqlalchemy as sa

from autogrid.store import jobs

from .conftest import Make, Person, Server
from .seed import everything


def _event(store: sa.Engine, bot_id: int, name: str) -> int:
    query = "INSERT INTO bot_event (bot_id, level, name, data) VALUES (:b, 'info', :n, '{}') RETURNING id"
    with store.begin() as connection:
        return int(connection.execute(sa.text(query), {"b": bot_id, "n": name}).scalar_one())


def _events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    kind = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))
        elif line.startswith(": connected"):
            yield "connected", None


def _listen(user: Person, server: Server, **headers: str) -> Any:
    headers["Authorization"] = f"Bearer {user.tokens['access_token']}"
    return httpx.stream("GET", f"{server.url}/v1/events", headers=headers, timeout=60)


def test_what_happens_arrives_and_only_what_is_yours(person: Make, store: sa.Engine, server: Server) -> None:
    user, other = person("trader"), person("trader", "other")
    with store.begin() as connection:
        mine, foreign = everything(connection, user.id, 1), everything(connection, other.id, 2)
    with _listen(user, server) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = _events(answer)
        assert next(stream) == ("connected", None)
        # Jobs that changed just now come first.
        _event(store, int(foreign["bot_id"]), "not_mine")
        first = _event(store, int(mine["bot_id"]), "one")
        with store.begin() as connection:
            assert jobs.progress(connection, int(mine["job_id"]), 0.5, "half way")
        seen: list[tuple[str, Any]] = []
        while not ({"bot_event", "job"} <= {kind for kind, _ in seen} and any(_half(data) for _, data in seen)):
            seen.append(next(stream))
    assert [data["name"] for kind, data in seen if kind == "bot_event"] == ["one"]
    assert {data["id"] for kind, data in seen if kind == "job"} == {mine["job_id"]}

    second = _event(store, int(mine["bot_id"]), "two")
    third = _event(store, int(mine["bot_id"]), "three")
    with _listen(user, server, **{"Last-Event-ID": str(first)}) as answer:
        missed = [data["id"] for kind, data in _take(_events(answer), 2) if kind == "bot_event"]
    assert missed == [second, third]


def test_a_kill_switch_tells_whom_it_concerns(person: Make, server: Server) -> None:
    user, other, boss = person("trader"), person("trader", "other"), person("admin")
    with _listen(user, server) as answer:
        stream = _events(answer)
        assert next(stream) == ("connected", None)
        own = user.post("/v1/kill-switch", {"scope": "mine", "reason": "leak"}).json()["switch"]["id"]
        assert next(stream) == ("kill_switch", _switch(own, "mine", engaged=True))
        # Another's is not told of; everybody's is.
        assert other.post("/v1/kill-switch", {"scope": "mine", "reason": "x"}).is_success
        every = boss.post("/v1/kill-switch", {"scope": "everything", "reason": "fire"}).json()["switch"]["id"]
        assert next(stream) == ("kill_switch", _switch(every, "everything", engaged=True))
        assert user.post(f"/v1/kill-switch/{own}/release").is_success
        assert next(stream) == ("kill_switch", _switch(own, "mine", engaged=False))
        assert boss.post(f"/v1/kill-switch/{every}/release").is_success
        assert next(stream) == ("kill_switch", _switch(every, "everything", engaged=False))


def _switch(number: int, scope: str, *, engaged: bool) -> dict[str, Any]:
    return {"id": number, "scope": scope, "bot_id": None, "account_id": None, "engaged": engaged}


def _half(data: Any) -> bool:
    return isinstance(data, dict) and data.get("message") == "half way"


def _take(stream: Iterator[tuple[str, Any]], events: int) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    while sum(kind == "bot_event" for kind, _ in found) < events:
        found.append(next(stream))
    return found
