"""Every endpoint x every kind of caller: nobody gets at what is not theirs. Made from the routes themselves."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute, iter_route_contexts

from services.api.app import create_app
from services.api.route import Guarded
from services.api.studies.models import EXAMPLE

from .conftest import Make, Person
from .seed import everything

#: Bodies that are valid; {names} stand for ids of the owner of the things in the path.
BODIES: dict[str, Any] = {
    "change_me": {"time_zone": "Europe/Berlin"},
    "change_user": {"active": True},
    "make_api_key": {"name": "{new}"},
    "add_account": {"name": "{new}", "exchange": "paper"},
    "change_account": {"name": "renamed"},
    "add_study": {"name": "{new}", "text": EXAMPLE},
    "replace_study": {"name": "changed", "text": EXAMPLE},
    "check_study": {"text": EXAMPLE},
    "start_backtest": {"study_id": "{study_id}"},
    "start_promotion": {"study_id": "{study_id}", "to": "paper", "account_id": "{spare_account_id}"},
    "add_bot": {"passport_id": "{passport_id}", "account_id": "{spare_account_id}", "name": "{new}"},
    "pause_bot": {},
    "stop_bot": {},
    "kill_bot": {},
    "make_report": {"template": "bot_daily", "params": {"bot_id": "{bot_id}"}},
    "add_schedule": {"template": "bot_daily", "params": {"bot_id": "{bot_id}"}, "cron": "0 8 * * *"},
    "change_schedule": {"enabled": False},
    "add_alert_target": {"name": "{new}", "url": "json://127.0.0.1:9/hook", "kinds": ["digest"]},
    "change_alert_target": {"enabled": False},
    "kill": {"scope": "account", "id": "{account_id}"},
}
#: Bodies that name things of somebody, beside the path.
POINTS_AT_OTHERS = {"start_backtest", "start_promotion", "add_bot", "make_report", "add_schedule", "kill"}
QUERIES = {"get_candles": {"exchange": "binance", "symbol": "BTC/USDT", "timeframe": "1m"}}
#: Answers of endpoints for their owner that are not 2xx, and why.
OWN = {
    "get_candles": 404,  # nothing is stored in this test
    "change_user": 200,
    "delete_account": 409,  # a bot uses it
    "change_account": 200,
}
RANK = {"public": 0, "viewer": 1, "trader": 2, "admin": 3}


@dataclass(frozen=True)
class Endpoint:
    """A route."""

    method: str
    path: str
    name: str
    role: str

    @property
    def mutates(self) -> bool:
        return self.method not in ("GET", "HEAD")


def endpoints() -> list[Endpoint]:
    """All routes of the application but the pages that describe it."""
    found = []
    for route in iter_route_contexts(create_app().routes):
        original = route.original_route
        if route.path in ("/openapi.json", "/docs", "/docs/oauth2-redirect"):
            continue
        assert isinstance(original, APIRoute), f"{route.path}: a route without a policy"
        for method in route.methods or ():
            found.append(Endpoint(method, route.path or "", original.name, (original.openapi_extra or {})["x-role"]))
    return sorted(found, key=lambda each: (each.path, each.method))


ENDPOINTS = endpoints()
SKIP = {"signup", "login", "refresh", "logout", "stream_events"}  # test_auth and test_events have them


def test_every_route_is_guarded() -> None:
    assert len(ENDPOINTS) > 70
    for route in iter_route_contexts(create_app().routes):
        if (route.path or "").startswith(("/v1", "/healthz", "/readyz", "/metrics")):
            assert isinstance(route.original_route, Guarded), route.path
    open_doors = {each.name for each in ENDPOINTS if each.role == "public"}
    assert open_doors == {"healthz", "readyz", "prometheus", "auth_options", "signup", "login", "refresh", "logout"}


def test_a_route_without_a_policy_cannot_be_made() -> None:
    from services.api.route import router

    with pytest.raises(TypeError, match="open_to"):
        router("/v1", "x").get("/x")(lambda: None)


def _filled(value: Any, ids: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, ids) for key, item in value.items()}
    if isinstance(value, str) and value.startswith("{"):
        return ids[value.strip("{}")]
    return value


def _send(person: Person | None, client: Any, endpoint: Endpoint, ids: dict[str, Any]) -> Any:
    path = re.sub(r":\w+}", "}", endpoint.path).format(**ids)
    body = _filled(BODIES.get(endpoint.name), ids)
    options: dict[str, Any] = {"params": QUERIES.get(endpoint.name)}
    if body is not None:
        options["json"] = body
    if person is None:
        return client.request(endpoint.method, path, **options)
    return person.call(endpoint.method, path, **options)


def _expected(endpoint: Endpoint, role: str, owns: bool) -> set[int]:
    if endpoint.role == "public":
        return {200}
    if RANK[role] < RANK[endpoint.role]:
        return {403}
    names_things = "{" in endpoint.path or endpoint.name in POINTS_AT_OTHERS
    private = names_things and not owns and role != "admin"
    # API keys are personal: not even an admin sees those of others.
    if private or (endpoint.name == "revoke_api_key" and not owns):
        return {404}
    return {OWN[endpoint.name]} if endpoint.name in OWN else {200, 201, 202, 204}


def _things(store: sa.Engine, owner: Person, counter: Iterator[int]) -> dict[str, Any]:
    with store.begin() as connection:
        connection.execute(sa.text("SET LOCAL synchronous_commit TO off"))
        number = next(counter)
        return everything(connection, owner.id, number) | {"new": f"new {number}"}


def test_endpoint_x_role_x_owner(person: Make, store: sa.Engine, client: Any) -> None:
    counter = iter(range(1, 10_000))
    callers = {role: person(role) for role in ("viewer", "trader", "admin")}
    stranger = person("trader", "stranger")
    cells = 0
    wrong: list[object] = []
    kept = {each.id: _things(store, each, counter) for each in (*callers.values(), stranger)}
    for endpoint in ENDPOINTS:
        if endpoint.name in SKIP:
            continue
        answer = _send(None, client, endpoint, kept[stranger.id])
        cells += 1
        if answer.status_code not in ({200} if endpoint.role == "public" else {401}):
            wrong.append((endpoint, "nobody", answer.status_code, answer.text[:200]))
        for role, caller in callers.items():
            for owner in (caller, stranger):
                # Calls that change or delete get things of their own.
                changes = endpoint.mutates and RANK[role] >= RANK[endpoint.role]
                things = _things(store, owner, counter) if changes else kept[owner.id]
                answer = _send(caller, client, endpoint, things)
                cells += 1
                if answer.status_code not in _expected(endpoint, role, owner is caller):
                    wrong.append((endpoint, role, owner is caller, answer.status_code, answer.text[:200]))
                if answer.status_code == 404 and owner is not caller and role != "admin":
                    _nothing_leaked(answer, things)
    sys.stdout.write(json.dumps({"matrix_cells": cells, "endpoints": len(ENDPOINTS), "open": len(wrong)}) + "\n")
    assert not wrong, "\n".join(map(str, wrong))


def _nothing_leaked(answer: Any, things: dict[str, Any]) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert "thing" not in answer.text.replace("something", "")


def test_lists_show_only_what_is_yours(person: Make, store: sa.Engine) -> None:
    mine, other, boss = person("trader"), person("trader", "other"), person("admin")
    counter = iter(range(1, 100))
    own, foreign = _things(store, mine, counter), _things(store, other, counter)
    for path, name in {
        "/v1/accounts": "account_id", "/v1/studies": "study_id", "/v1/jobs": "job_id", "/v1/passports": "passport_id",
        "/v1/bots": "bot_id", "/v1/reports": "report_id", "/v1/schedules": "schedule_id",
        "/v1/alert-targets": "target_id", "/v1/api-keys": "key_id",
    }.items():  # fmt: skip
        seen = {item["id"] for item in mine.get(path).json()["items"]}
        assert own[name] in seen, path
        assert foreign[name] not in seen, path
        all_of_them = {item["id"] for item in boss.get(path).json()["items"]}
        assert ({own[name], foreign[name]} <= all_of_them) == (path != "/v1/api-keys"), path
    assert {entry["user_id"] for entry in other.get("/v1/audit").json()["items"]} == {other.id}
