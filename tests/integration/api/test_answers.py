"""Errors, headers, limits, and secrets that must not come out anywhere."""

import json
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from autogrid import errors as tree
from autogrid.store import secrets
from services.api import errors

from .conftest import PASSWORD, Make, Server
from .seed import everything


def test_every_class_of_the_tree_has_a_status() -> None:
    kinds = [each for each in vars(tree).values() if isinstance(each, type) and issubclass(each, tree.AutogridError)]
    for kind in kinds:
        made = kind.__new__(kind)
        assert errors.status_of(made) == (
            errors.STATUS.get(kind) or next(errors.STATUS[base] for base in kind.__mro__ if base in errors.STATUS)
        )
        assert kind is tree.AutogridError or errors.status_of(made) != 500
    assert errors.status_of(ValueError()) == 500


def test_security_headers_request_ids_and_no_cors(client: httpx.Client) -> None:
    answer = client.get("/healthz", headers={"Origin": "https://evil.example", "X-Request-Id": "abcdef0123456789"})
    assert answer.headers["x-request-id"] == "abcdef0123456789"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "access-control-allow-origin" not in answer.headers
    strange = client.get("/healthz", headers={"X-Request-Id": "<script>"}).headers["x-request-id"]
    assert strange != "<script>"
    assert client.get("/nowhere").headers["content-type"] == "application/problem+json"
    wrong = client.put("/v1/bots")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, POST")


def test_a_body_that_is_too_large_or_no_json_is_refused(person: Make, client: httpx.Client) -> None:
    user = person()
    large = user.call("POST", "/v1/studies", content=b"x" * 1_100_000, headers={"Content-Type": "application/json"})
    assert large.status_code == 413
    broken = user.call("POST", "/v1/studies", content=b"{", headers={"Content-Type": "application/json"})
    assert broken.status_code == 422


def test_readiness_names_what_is_missing(client: httpx.Client, server: Server) -> None:
    import redis

    assert client.get("/readyz").json() == {
        "ready": True,
        "checks": {"database": "ok", "migrations": "ok", "redis": "ok"},
    }
    state = server.app.state
    working, state.redis = state.redis, redis.Redis(port=9, socket_timeout=1)
    try:
        answer = client.get("/readyz")
    finally:
        state.redis = working
    assert answer.status_code == 503
    assert answer.json()["checks"]["redis"] == "ConnectionError"


def test_numbers_for_prometheus_by_template(client: httpx.Client, person: Make) -> None:
    person().get("/v1/bots/4711")
    text = client.get("/metrics").text
    assert 'autogrid_http_requests_total{method="GET",route="/v1/bots/{bot_id}",status_class="4xx"}' in text
    assert "bots/4711" not in text


def test_secrets_come_out_nowhere(
    person: Make, store: sa.Engine, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every secret type goes in; every GET, the audit, errors and alerts are read; none comes out."""
    user, boss = person(), person("admin")
    planted = {"key": "PlantedApiKey0123456789", "secret": "PlantedSecret9876543210", "hook": "planted-hook-token"}
    keys = {"api_key": planted["key"], "api_secret": planted["secret"], "passphrase": "planted-phrase"}
    account = user.post("/v1/accounts", {"name": "a", "exchange": "binance", "keys": keys}).json()
    assert account["key_hint"] == planted["key"][-4:]
    url = f"json://user:{planted['hook']}@127.0.0.1:9/x"
    target = user.post("/v1/alert-targets", {"name": "t", "url": url, "kinds": ["digest"]}).json()
    with store.begin() as connection:
        everything(connection, user.id)
    texts = [json.dumps(account), json.dumps(target)]
    texts += [user.post(f"/v1/alert-targets/{target['id']}/test").text]
    # The wrong key: a clear error, and nothing of the secret in it.
    monkeypatch.setattr(secrets, "_keys", lambda: [secrets.new_key()])
    refused = user.post(f"/v1/accounts/{account['id']}/test")
    assert refused.status_code == 422
    assert "open with none of the keys" in refused.json()["detail"]
    monkeypatch.undo()
    wrong: dict[str, Any] = {"name": "b", "exchange": "binance", "keys": keys | {"api_secret": 7}}
    texts += [refused.text, user.post("/v1/accounts", wrong).text]
    for path in ("accounts", "alert-targets", "alerts", "audit", "users/me", "api-keys", "system", "jobs", "bots"):
        texts += [user.get(f"/v1/{path}").text, boss.get(f"/v1/{path}").text]
    everything_said = "\n".join(texts)
    for secret in (*planted.values(), "planted-phrase", PASSWORD):
        assert secret not in everything_said
    with store.begin() as connection:
        kept = connection.execute(sa.text("SELECT credentials FROM account WHERE id = :i"), {"i": account["id"]})
        assert planted["secret"].encode() not in bytes(kept.scalar_one())


def test_what_was_done_is_written_down(person: Make) -> None:
    user = person()
    user.post("/v1/accounts", {"name": "a", "exchange": "paper"})
    user.call("DELETE", "/v1/accounts/999999")
    entries = user.get("/v1/audit").json()["items"]
    assert [(each["action"], each["outcome"]) for each in entries[:3]] == [
        ("delete_account", 404), ("add_account", 201), ("login", 200),
    ]  # fmt: skip
    assert all(each["request_id"] and each["ip"] == "127.0.0.1" for each in entries)
