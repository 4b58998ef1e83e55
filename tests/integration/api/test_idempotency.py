"""A request sent twice takes effect once."""

import threading
from typing import Any

from cryptography.fernet import Fernet, MultiFernet

from .conftest import Make, Server


def _key(key: str = "order-1") -> dict[str, Any]:
    return {"headers": {"Idempotency-Key": key}}


def test_the_same_request_gets_the_same_answer_and_nothing_happens_twice(person: Make) -> None:
    user = person()
    first = user.post("/v1/api-keys", {"name": "laptop"}, **_key())
    again = user.post("/v1/api-keys", {"name": "laptop"}, **_key())
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()  # the key itself included, which is shown in no other way
    assert again.headers["idempotent-replayed"] == "true"
    assert len(user.get("/v1/api-keys").json()["items"]) == 1


def test_a_key_serves_one_request_of_one_user(person: Make) -> None:
    user, other = person(), person("trader", "other")
    user.post("/v1/api-keys", {"name": "laptop"}, **_key())
    assert user.post("/v1/api-keys", {"name": "phone"}, **_key()).status_code == 422
    assert user.post("/v1/accounts", {"name": "laptop", "exchange": "paper"}, **_key()).status_code == 422
    assert other.post("/v1/api-keys", {"name": "phone"}, **_key()).status_code == 201
    assert user.post("/v1/api-keys", {"name": "phone"}, **_key("not a key!")).status_code == 422


def test_a_refused_request_leaves_the_key_free(person: Make) -> None:
    user = person()
    assert user.post("/v1/accounts", {"name": "a", "exchange": "no exchange"}, **_key()).status_code == 422
    assert user.post("/v1/accounts", {"name": "a", "exchange": "paper"}, **_key()).status_code == 201


def test_while_the_first_is_at_work_the_second_waits(person: Make) -> None:
    user = person()
    answers: list[int] = []
    lock = threading.Lock()

    def send() -> None:
        answer = user.post("/v1/accounts", {"name": "once", "exchange": "paper"}, **_key("race"))
        with lock:
            answers.append(answer.status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Whoever came while the first was at work was told so; whoever came later got its answer.
    assert set(answers) <= {201, 409}
    assert 201 in answers
    assert [item["name"] for item in user.get("/v1/accounts").json()["items"]] == ["once"]


def test_an_answer_nobody_can_decrypt_any_more_is_not_given_out_as_new(
    person: Make, server: Server, monkeypatch: Any
) -> None:
    user = person()
    user.post("/v1/api-keys", {"name": "laptop"}, **_key())
    monkeypatch.setattr(server.app.state, "sealer", MultiFernet([Fernet(Fernet.generate_key())]))
    answer = user.post("/v1/api-keys", {"name": "laptop"}, **_key())
    assert answer.status_code == 409
    assert "is gone" in answer.json()["detail"]
