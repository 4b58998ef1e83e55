"""`autogrid up --web`: the page, the API and all that bots need, and after SIGTERM nothing of it."""

import signal
import socket

import httpx
import pytest

from tests.e2e.test_up import House, house, until  # noqa: F401
from tests.e2e.web.site import PASSWORD
from tests.ports import free_ports

#: On a machine that is busy with other tests.
TIMEOUT_S = 60


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30).is_success
    except httpx.TransportError:
        return False


@pytest.mark.timeout(600)
def test_up_with_the_page_starts_all_and_leaves_nothing_behind(house: House) -> None:  # noqa: F811
    api, web = free_ports(2)
    ports = {"API_PORT": str(api), "WEB_PORT": str(web)}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", web))
        taken.listen()
        process = house.start("up", "--web", **ports)
        assert process.wait(180) == 75
        assert f"127.0.0.1:{web} is taken by another process" in house.log()

    process = house.up("--web", **ports)
    page, rest = f"http://127.0.0.1:{web}", f"http://127.0.0.1:{api}"
    until(lambda: answers(f"{rest}/readyz") and answers(f"{page}/healthz"), "API and page")
    assert f"The page: {page}, the REST API: {rest}/docs. Nobody can sign in yet" in house.log()
    shown = httpx.get(page, follow_redirects=True, timeout=TIMEOUT_S)
    assert shown.url.path == "/sign-in"
    assert "Sign in to AutoGrid" in shown.text
    who = {"email": "ada@example.org", "password": PASSWORD}
    made = httpx.post(f"{rest}/v1/auth/signup", json=who, timeout=TIMEOUT_S)
    assert made.status_code == 201, made.text
    token = httpx.post(f"{rest}/v1/auth/login", json=who, timeout=TIMEOUT_S).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}

    def workers() -> object:
        return httpx.get(f"{rest}/v1/system/workers", headers=headers, timeout=TIMEOUT_S).json()["workers"]

    until(workers, "a worker that answers")

    process.send_signal(signal.SIGTERM)
    assert process.wait(180) == 0
    until(lambda: not house.left(), f"nothing left of {house.left()}")
    assert house.sockets() == []
    assert not answers(f"{rest}/healthz")
    assert not answers(f"{page}/healthz")
