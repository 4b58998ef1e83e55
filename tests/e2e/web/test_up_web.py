"""`autogrid up --web`: the page, the API and all that bots need, and after SIGTERM nothing of it."""

import signal
import socket

import httpx
import pytest

from tests.e2e.test_up import House, house, until  # noqa: F401
from tests.e2e.web.site import PASSWORD, free_port


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False


@pytest.mark.timeout(180)
def test_up_with_the_page_starts_all_and_leaves_nothing_behind(house: House) -> None:  # noqa: F811
    api, web = free_port(), free_port()
    ports = {"API_PORT": str(api), "WEB_PORT": str(web)}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", web))
        taken.listen()
        process = house.start("up", "--web", **ports)
        assert process.wait(30) == 75
        assert f"127.0.0.1:{web} is taken by another process" in house.log()

    process = house.up("--web", **ports)
    page, rest = f"http://127.0.0.1:{web}", f"http://127.0.0.1:{api}"
    until(lambda: answers(f"{rest}/readyz") and answers(f"{page}/healthz"), "API and page")
    assert f"The page: {page}, the REST API: {rest}/docs. Nobody can sign in yet" in house.log()
    shown = httpx.get(page, follow_redirects=True, timeout=20)
    assert shown.url.path == "/sign-in"
    assert "Sign in to AutoGrid" in shown.text
    made = httpx.post(f"{rest}/v1/auth/signup", json={"email": "ada@example.org", "password": PASSWORD}, timeout=20)
    assert made.status_code == 201, made.text
    token = httpx.post(f"{rest}/v1/auth/login", json={"email": "ada@example.org", "password": PASSWORD}).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    until(lambda: httpx.get(f"{rest}/v1/system/workers", headers=headers).json()["workers"], "a worker that answers")

    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    until(lambda: not house.left(), f"nothing left of {house.left()}", 5)
    assert house.sockets() == []
    assert not answers(f"{rest}/healthz")
    assert not answers(f"{page}/healthz")
