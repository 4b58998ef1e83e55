"""Sign-up, sign-in, tokens: what is let in and what is refused."""

from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
import sqlalchemy as sa

from autogrid.errors import InvalidInput
from autogrid.settings import settings
from autogrid.store import embedded_valkey
from services.api.keys import jwt_secret
from services.api.limiter import Limiter

from .conftest import PASSWORD, Make, Person, Server


def test_sign_up_sign_in_and_who_am_i(client: httpx.Client) -> None:
    new = {"email": "Ada@Example.org", "password": PASSWORD}
    answer = client.post("/v1/auth/signup", json=new)
    assert answer.status_code == 201
    assert answer.json()["role"] == "trader"
    assert "password" not in answer.text
    tokens = client.post("/v1/auth/login", json={"email": "ada@example.ORG", "password": PASSWORD}).json()
    me = client.get("/v1/users/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert me.json()["id"] == answer.json()["id"]


def test_an_email_address_is_unique_whatever_its_case(client: httpx.Client) -> None:
    assert client.post("/v1/auth/signup", json={"email": "ada@example.org", "password": PASSWORD}).status_code == 201
    again = client.post("/v1/auth/signup", json={"email": "ADA@example.org", "password": PASSWORD})
    assert again.status_code == 409
    assert again.headers["content-type"] == "application/problem+json"
    assert again.json()["type"] == "urn:autogrid:error:conflict"
    assert again.json()["request_id"] == again.headers["x-request-id"]


def test_sign_up_can_be_switched_off(client: httpx.Client, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.app.state, "signup", False)
    assert client.get("/v1/auth/options").json()["signup"] is False
    assert client.post("/v1/auth/signup", json={"email": "a@example.org", "password": PASSWORD}).status_code == 403


def test_a_wrong_password_and_an_unknown_address_look_alike(client: httpx.Client, person: Make) -> None:
    person()
    wrong = client.post("/v1/auth/login", json={"email": "trader@example.org", "password": "something else"})
    unknown = client.post("/v1/auth/login", json={"email": "nobody@example.org", "password": "something else"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["detail"] == unknown.json()["detail"]


def test_refresh_rotates_and_a_second_use_ends_the_session(client: httpx.Client, person: Make) -> None:
    user = person()
    first = user.tokens["refresh_token"]
    second = client.post("/v1/auth/refresh", json={"refresh_token": first}).json()
    assert user.get("/v1/users/me").status_code == 200
    reused = client.post("/v1/auth/refresh", json={"refresh_token": first})
    assert reused.status_code == 401
    assert "used before" in reused.json()["detail"]
    # The whole family is gone: the newer refresh token and every access token of it.
    assert client.post("/v1/auth/refresh", json={"refresh_token": second["refresh_token"]}).status_code == 401
    assert user.get("/v1/users/me").status_code == 401


def test_logout_ends_the_access_token_at_once(client: httpx.Client, person: Make) -> None:
    user = person()
    assert client.post("/v1/auth/logout", json={"refresh_token": user.tokens["refresh_token"]}).status_code == 204
    assert user.get("/v1/users/me").status_code == 401


def _claims(server: Server, user: Person) -> dict[str, object]:
    secret = server.app.state.jwt_secret
    return jwt.decode(user.tokens["access_token"], secret, ["HS256"], audience="autogrid-api")


def test_forged_and_expired_access_tokens_are_refused(client: httpx.Client, server: Server, person: Make) -> None:
    user = person()
    secret: str = server.app.state.jwt_secret
    good = _claims(server, user)
    past = datetime.now(UTC) - timedelta(hours=1)
    bad = {
        "other key": jwt.encode(good, "x" * 48, "HS256"),
        "no signature": jwt.encode(good, None, "none"),
        "other algorithm": jwt.encode(good, secret, "HS512"),
        "expired": jwt.encode(good | {"iat": past, "exp": past + timedelta(minutes=1)}, secret, "HS256"),
        "never expires": jwt.encode({k: v for k, v in good.items() if k != "exp"}, secret, "HS256"),
        "no audience": jwt.encode({k: v for k, v in good.items() if k != "aud"}, secret, "HS256"),
        "another's session": jwt.encode(good | {"sub": str(user.id + 1)}, secret, "HS256"),
        "garbage": "x.y.z",
        "refresh token": user.tokens["refresh_token"],
    }
    for name, token in bad.items():
        answer = client.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, name
        assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get("/v1/users/me", headers={"Authorization": "Basic YTpi"}).status_code == 401
    assert user.get("/v1/users/me").status_code == 200


def test_api_keys_work_until_revoked_and_can_do_less(client: httpx.Client, person: Make) -> None:
    user = person()
    made = user.post("/v1/api-keys", {"name": "laptop", "role": "viewer"}).json()
    bearer = {"Authorization": f"Bearer {made['key']}"}
    assert client.get("/v1/users/me", headers=bearer).json()["id"] == user.id
    refused = client.post("/v1/api-keys", json={"name": "more"}, headers=bearer)
    assert refused.status_code == 403
    listed = user.get("/v1/api-keys").json()["items"]
    assert [item["prefix"] for item in listed] == [made["key"][:9]]
    assert listed[0]["last_used_at"] is not None
    assert made["key"] not in user.get("/v1/api-keys").text
    assert user.call("DELETE", f"/v1/api-keys/{made['id']}").status_code == 204
    assert client.get("/v1/users/me", headers=bearer).status_code == 401


def test_a_key_never_has_more_rights_than_its_user(person: Make) -> None:
    assert person().post("/v1/api-keys", {"name": "x", "role": "admin"}).json()["role"] == "trader"


def test_a_new_password_ends_every_session(client: httpx.Client, person: Make) -> None:
    user = person()
    new = "another long password"
    path = "/v1/users/me"
    assert user.call("PATCH", path, json={"password": new, "current_password": "wrong"}).status_code == 403
    assert user.call("PATCH", path, json={"password": new, "current_password": PASSWORD}).status_code == 200
    assert user.get(path).status_code == 401
    assert client.post("/v1/auth/login", json={"email": user.email, "password": new}).status_code == 200


def test_switching_a_user_off_locks_it_out(client: httpx.Client, person: Make) -> None:
    user, boss = person(), person("admin")
    key = user.post("/v1/api-keys", {"name": "x"}).json()["key"]
    assert boss.call("PATCH", f"/v1/users/{user.id}", json={"active": False}).status_code == 200
    assert user.get("/v1/users/me").status_code == 401
    assert client.get("/v1/users/me", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    assert client.post("/v1/auth/login", json={"email": user.email, "password": PASSWORD}).status_code == 401


def test_the_last_admin_stays(person: Make) -> None:
    boss = person("admin")
    answer = boss.call("PATCH", f"/v1/users/{boss.id}", json={"role": "viewer"})
    assert answer.status_code == 409
    assert "only active admin" in answer.json()["detail"]


def test_guessing_is_slowed_down(
    client: httpx.Client, server: Server, person: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    person()
    monkeypatch.setattr(server.app.state, "limiter", Limiter(embedded_valkey.limits_url(), 3))
    wrong = {"email": "trader@example.org", "password": "wrong"}
    answers = [client.post("/v1/auth/login", json=wrong) for _ in range(4)]
    # The right password does not help either, nor do other letters in the address.
    answers.append(client.post("/v1/auth/login", json={"email": "TRADER@example.org", "password": PASSWORD}))
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60


def test_production_does_not_start_without_a_secret(store: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGRID_ENV", "production")
    settings.cache_clear()
    with pytest.raises(InvalidInput, match="JWT_SECRET: expected a secret outside development"):
        jwt_secret(settings())
    monkeypatch.setenv("JWT_SECRET", "short")
    settings.cache_clear()
    with pytest.raises(InvalidInput, match="at least 32 characters, found 5"):
        jwt_secret(settings())


def test_the_development_key_is_private_and_stays(store: sa.Engine) -> None:
    one = jwt_secret(settings())
    assert one == jwt_secret(settings())
    assert (settings().autogrid_home / "jwt.key").stat().st_mode & 0o777 == 0o600
