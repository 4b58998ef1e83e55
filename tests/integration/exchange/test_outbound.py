"""Nobody connects to what is behind this machine, whatever a name meant when it was looked at: real sockets."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from autogrid.errors import AutogridError, InvalidInput
from autogrid.exchange import outbound
from autogrid.exchange.ccxt_stream import Sockets, watch
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.exchange.open import connection_to, open_exchange
from autogrid.settings import settings
from services.common import messenger
from tests.loopback_client import Loopback

RULES = {"tick": "0.01", "lot": "0.001", "min_notional": "1", "maker_fee": "0.001", "taker_fee": "0.001"}
Allow = Callable[[str], None]


@pytest.fixture(scope="module")
def loopback() -> Iterator[Loopback]:
    with Loopback({"markets": [{"symbol": "BTC/USDT", **RULES}]}, "--no-limits") as running:
        running.control("account", name="main", balances={"USDT": "10000"})
        running.control("print", symbol="BTC/USDT", price="101")
        yield running


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Allow]:
    """Production, with OUTBOUND_ALLOW."""

    def choose(what: str) -> None:
        monkeypatch.setenv("AUTOGRID_ENV", "production")
        monkeypatch.setenv("OUTBOUND_ALLOW", what)
        settings.cache_clear()

    choose("")
    yield choose
    settings.cache_clear()


@pytest.fixture
def rebinding(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """`rebind.example` is on the internet when it is asked for once, and here from then on; the answers given."""
    real, answers = socket.getaddrinfo, []

    def resolve(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name != "rebind.example":
            return real(host, port, *rest, **named)
        answers.append("127.0.0.1" if answers else "93.184.216.34")
        return real(answers[-1], port, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


def _requests(loopback: Loopback) -> int:
    return int(sum(loopback.control("state")["requests"].values()))


def _port(loopback: Loopback) -> str:
    return loopback.url.rpartition(":")[2]


def test_a_guarded_connection_goes_only_where_users_may_go(loopback: Loopback, allow: Allow) -> None:
    url = f"{loopback.url}/api/v3/time"
    with outbound.guarded(), pytest.raises(requests.ConnectionError, match="expected a host of the public internet"):
        requests.get(url, timeout=60)
    # What is not guarded (the database, Redis) is left alone, and so is what an admin allows.
    assert requests.get(url, timeout=60).ok
    for named in ("127.0.0.1", "127.0.0.0/8", "localhost"):
        allow(named)
        with outbound.guarded():
            assert requests.get(url, timeout=60).ok
    allow("")
    with outbound.guarded(), pytest.raises(PermissionError), socket.socket(socket.AF_UNIX) as local:
        local.connect("/tmp/no-such-socket")
    with outbound.guarded(), pytest.raises(PermissionError), socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.sendto(b"x", ("127.0.0.1", 9))


def test_an_exchange_at_a_private_address_is_refused(loopback: Loopback, allow: Allow) -> None:
    with pytest.raises(InvalidInput, match=r"base_url: expected a host of the public internet, found 127\.0\.0\.1"):
        open_exchange("binance", base_url=loopback.url, limiter=MemoryLimiter())
    allow("127.0.0.1")
    exchange = open_exchange(
        "binance", api_key="mainkey", secret="mainsecret", base_url=loopback.url, limiter=MemoryLimiter()
    )
    assert exchange.price("BTC/USDT") == Decimal(101)
    exchange.close()


def test_an_exchange_whose_name_moves_is_never_asked(loopback: Loopback, allow: Allow, rebinding: list[str]) -> None:
    before = _requests(loopback)
    url = f"http://rebind.example:{_port(loopback)}"
    exchange = open_exchange("binance", api_key="mainkey", secret="mainsecret", base_url=url, limiter=MemoryLimiter())
    assert rebinding == ["93.184.216.34"]
    with pytest.raises(AutogridError, match="expected a host of the public internet, found 127"):
        exchange.price("BTC/USDT")
    exchange.close()
    assert rebinding[-1] == "127.0.0.1"
    assert _requests(loopback) == before


def test_nor_is_its_stream(loopback: Loopback, allow: Allow, rebinding: list[str]) -> None:
    url = f"http://rebind.example:{_port(loopback)}"
    connection = connection_to("binance", "mainkey", "mainsecret", base_url=url)
    lost: list[str] = []

    async def once() -> None:
        async with Sockets() as sockets:
            task = asyncio.ensure_future(watch(connection, sockets, lambda: None, lambda _: None, lost.append))
            while not lost and not task.done():
                await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(once(), 60))
    assert "expected a host of the public internet" in " ".join(lost)


def test_a_webhook_whose_name_moves_gets_nothing(loopback: Loopback, allow: Allow, rebinding: list[str]) -> None:
    before = _requests(loopback)
    url = f"json://rebind.example:{_port(loopback)}/api/v3/time"
    assert messenger.send(url, "title", "body") is not None
    assert rebinding == ["93.184.216.34", "127.0.0.1"]
    assert messenger.send(url, "title", "body") == (
        "url: expected a host of the public internet, found rebind.example (127.0.0.1): "
        "use an address of the public internet, or have an admin name it in OUTBOUND_ALLOW"
    )
    assert _requests(loopback) == before


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1/hook", "jsons://localhost", "xml://2130706433/", "forms://[::1]:8000/x", "gotify://10.0.0.7/t",
        "json://169.254.169.254/latest/meta-data", "mailto://user:password@example.org?smtp=127.0.0.1",
        "mailtos://user:password@192.168.1.1", "ntfy://127.0.0.1/topic",
        "rockets://user:password@127.0.0.1/#room", "matrixs://user:password@[fd00::7]/#room",
    ],
)  # fmt: skip
def test_webhooks_at_private_addresses_are_refused(url: str, allow: Allow) -> None:
    with pytest.raises(InvalidInput, match="expected a host of the public internet") as error:
        messenger.check(url)
    assert "password" not in str(error.value)
    assert "OUTBOUND_ALLOW" in str(messenger.send(url, "t", "b"))


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("exec://rm", "exec://"), ("file:///etc/passwd", "file://"), ("syslog://", "syslog://"),
        ("rsyslog://example.org", "rsyslog://"), ("dbus://", "dbus://"), ("windows://", "windows://"),
        ("glib://", "glib://"), ("blink1://", "another text"), ("mqtt://example.org/topic", "another text"),
        ("amqp://example.org", "another text"), ("smpp://u:p@example.org/1", "another text"), ("", "another text"),
        ("geheim", "another text"), ("https://example.org/hook", "https://"),
    ],
)  # fmt: skip
def test_only_known_schemes_are_taken(url: str, found: str) -> None:
    with pytest.raises(InvalidInput, match=f"expected an apprise URL .*, found {found}$") as error:
        messenger.check(url)
    assert "geheim" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?template=/etc/passwd",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?Template=file:///etc/hosts",
        "mailto://user:pass@example.org?pgpkey=http://127.0.0.1/key",
    ],
)
def test_urls_that_read_files_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="expected no parameter that reads files"):
        messenger.check(url)


def test_every_scheme_of_the_lists_is_one_of_apprise() -> None:
    from apprise.manager_plugins import NotificationManager

    messenger.check("json://example.org")
    known = set(NotificationManager().schemas())
    assert known >= messenger.HOSTED | messenger.SERVICES
    assert not messenger.HOSTED & messenger.SERVICES
