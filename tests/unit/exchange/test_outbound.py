"""Which addresses are the public internet: every range, and every disguise of a private one."""

import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrid.errors import InvalidInput
from autogrid.exchange import outbound
from autogrid.settings import settings

#: Anything inside these must be refused.
PRIVATE = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
    "::/104", "::7f00:0/104", "::ffff:127.0.0.0/104", "64:ff9b::10.0.0.0/104", "64:ff9b:1::/48", "100::/64",
    "2001:db8::/32", "2002:7f00::/24", "2002:a9fe::/32", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
]  # fmt: skip
NETWORKS = [ipaddress.ip_network(each) for each in PRIVATE]
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.1", "100.63.255.255", "169.253.0.1",
    "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
]  # fmt: skip
#: Ways of writing an address that resolvers accept.
SPELLED = [
    "127.0.0.1", "localhost", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
    "0", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:7f00:0001", "169.254.169.254",
    "2852039166", "0xa9fea9fe", "fd00::1", "fd00:ec2::254", "fe80::1", "10.0.0.1", "192.168.1.1", "224.0.0.1",
]  # fmt: skip

Environment = Callable[..., None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    def choose(name: str = "production", allow: str = "") -> None:
        monkeypatch.setenv("AUTOGRID_ENV", name)
        monkeypatch.setenv("OUTBOUND_ALLOW", allow)
        settings.cache_clear()

    return choose


@pytest.fixture(autouse=True)
def _settings_as_they_were() -> object:
    yield
    settings.cache_clear()


@given(st.sampled_from(NETWORKS), st.data())
def test_no_address_of_a_private_range_is_public(network: outbound.Network, data: st.DataObject) -> None:
    host = data.draw(st.integers(0, network.num_addresses - 1))
    assert not outbound.is_public(network[host]), network[host]


@given(st.ip_addresses(v=4))
def test_a_disguise_changes_nothing(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    disguises = {
        "mapped": (0xFFFF << 32) + number,
        "compatible": number,
        "nat64": (0x64FF9B << 96) + number,
        "6to4": (0x2002 << 112) + (number << 80),
        "teredo": (0x20010000 << 96) + (0x41BCD001 << 64) + (number ^ 0xFFFFFFFF),
    }
    for name, value in disguises.items():
        assert outbound.is_public(ipaddress.IPv6Address(value)) == outbound.is_public(address), (name, address)


@pytest.mark.parametrize("text", PUBLIC)
def test_the_internet_is_public(text: str) -> None:
    assert outbound.is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("host", SPELLED)
def test_however_it_is_written_it_is_refused(host: str, environment: Environment) -> None:
    environment("production")
    with pytest.raises(InvalidInput, match=r"expected a host of the public internet, found .*OUTBOUND_ALLOW"):
        outbound.check_host(host, "url")
    url = f"http://[{host}]:8080/x" if ":" in host else f"http://user:pass@{host}:8080/x"
    with pytest.raises(InvalidInput, match="base_url: expected") as error:
        outbound.check_url(url, "base_url")
    assert "pass" not in str(error.value)


@pytest.mark.parametrize(
    ("host", "allow", "passes"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", " 127.0.0.0/8 , example", True),
        ("127.1", "127.0.0.1", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("localhost", "LOCALHOST", True),
        ("127.0.0.2", "127.0.0.1", False),
        ("10.1.2.3", "10.1.0.0/16", True),
        ("10.2.2.3", "10.1.0.0/16", False),
        ("fd00::7", "fd00::/8", True),
        ("fe80::7", "fd00::/8", False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "*", False),
        ("no-such-name.invalid", "", True),
        ("8.8.8.8", "", True),
    ],
)
def test_what_an_admin_names_passes(host: str, allow: str, passes: bool, environment: Environment) -> None:
    environment("staging", allow)
    if passes:
        outbound.check_host(host, "url")
    else:
        with pytest.raises(InvalidInput):
            outbound.check_host(host, "url")


def test_in_development_any_host_may_be_reached(environment: Environment) -> None:
    environment("development")
    outbound.check_host("127.0.0.1", "url")
    with pytest.raises(InvalidInput, match="expected a URL with a host"):
        outbound.check_url("nonsense", "base_url")
