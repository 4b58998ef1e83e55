"""Outside development no user makes the server talk to what is behind it."""

import pytest

from autogrid.settings import settings
from autogrid.store.secrets import new_key

from .conftest import Make, Server


@pytest.fixture
def production(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGRID_ENV", "production")
    monkeypatch.setenv("ENCRYPTION_KEY", new_key())
    monkeypatch.setenv("OUTBOUND_ALLOW", "127.0.0.2")
    settings.cache_clear()


def test_private_webhooks_and_servers_are_refused(person: Make, production: None) -> None:
    trader = person("trader")
    account = {"name": "a", "exchange": "binance", "keys": {"api_key": "k", "api_secret": "s"}}
    for url, expected in (("http://127.0.0.1:8000", 422), ("http://[::1]/x", 422), ("http://127.0.0.2:9", 201)):
        answer = trader.post("/v1/accounts", account | {"base_url": url})
        assert answer.status_code == expected, answer.text
        if expected == 422:
            assert "base_url: expected a host of the public internet, found" in answer.json()["detail"]
    target = {"name": "t", "kinds": ["digest"]}
    for url, expected in (
        ("json://169.254.169.254/latest", 422), ("exec://rm", 422), ("jsons://localhost/x", 422),
        ("json://127.0.0.2:9/hook", 201), ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", 201),
    ):  # fmt: skip
        answer = trader.post("/v1/alert-targets", target | {"url": url})
        assert answer.status_code == expected, answer.text
    kept = trader.get("/v1/alert-targets").json()["items"][0]["id"]
    changed = trader.call("PATCH", f"/v1/alert-targets/{kept}", json={"url": "json://10.0.0.1"})
    assert changed.status_code == 422
    assert "OUTBOUND_ALLOW" in changed.json()["detail"]


def test_what_was_saved_when_it_was_allowed_is_refused_when_it_is_not(
    person: Make, production: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    trader = person("trader")
    account = {"name": "a", "exchange": "binance", "keys": {"api_key": "k", "api_secret": "s"}}
    bot = trader.post("/v1/accounts", account | {"base_url": "http://127.0.0.2:9"}).json()["id"]
    hook = trader.post("/v1/alert-targets", {"name": "t", "kinds": ["digest"], "url": "json://127.0.0.2:9/x"}).json()[
        "id"
    ]
    monkeypatch.setenv("OUTBOUND_ALLOW", "")
    settings.cache_clear()
    asked = trader.post(f"/v1/accounts/{bot}/test")
    assert asked.status_code == 422
    assert "found 127.0.0.2" in asked.json()["detail"]
    told = trader.post(f"/v1/alert-targets/{hook}/test").json()
    assert told["delivered"] is False
    assert "found 127.0.0.2" in told["detail"]
