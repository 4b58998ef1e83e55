"""Which addresses users may make this machine talk to: webhooks and `base_url`s must not reach what is behind it.

Outside development an address has to be one of the public internet, or be named in OUTBOUND_ALLOW. That is checked
when something is saved and, since a name may mean another address a moment later, whenever a socket connects under
`guarded`: an audit hook of the interpreter sees the address itself, whatever library asks for it.
"""

import errno
import functools
import ipaddress
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from autogrid.errors import InvalidInput
from autogrid.settings import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Public by number, yet not of the internet: protocol assignments (a cloud's metadata at .192), 6to4 relays, and the
#: address at which virtual machines of Azure find their host.
_NOT_PUBLIC = [ipaddress.ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")]
#: All of IPv6 that is given out to the internet.
_INTERNET6 = ipaddress.IPv6Network("2000::/3")
#: Translators hide an IPv4 address in the last 32 bits of these.
_TRANSLATED = [ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96")]
_REMEDY = "use an address of the public internet, or have an admin name it in OUTBOUND_ALLOW"
_EVENTS = frozenset(("socket.connect", "socket.sendto", "socket.sendmsg"))


class _Refused(PermissionError):
    """A connection that was not made. An OSError: all libraries take it for a connection that failed."""


_guarded: ContextVar[bool] = ContextVar("autogrid_outbound_guarded", default=False)


def check_url(url: str, what: str) -> None:
    """InvalidInput if the URL's host is, or resolves to, an address that users may not reach."""
    try:
        host = urlsplit(url).hostname
    except ValueError:  # brackets that do not close
        host = None
    if not host:
        raise InvalidInput(f"{what}: expected a URL with a host such as https://example.org, found none")
    check_host(host, what)


def check_host(host: str, what: str) -> None:
    """As `check_url`, of a name or address. A name that does not resolve passes: connecting to it is guarded, too."""
    host = host.strip("[]")
    if not restricted() or host.lower() in _names():
        return
    for address in resolve(host):
        if not allowed(address):
            found = host if host == str(address) else f"{host} ({address})"
            raise InvalidInput(f"{what}: expected a host of the public internet, found {found}: {_REMEDY}")


def restricted() -> bool:
    """Whether there is anything that users may not reach: everywhere but in development."""
    return settings().autogrid_env != "development"


def allowed(address: Address) -> bool:
    """Whether users may reach the address."""
    plain = _plain(address)
    return is_public(plain) or any(plain in network for network in _networks(settings().outbound_allow))


def is_public(address: Address) -> bool:
    """Whether the address, or the IPv4 address that it hides, belongs to the public internet."""
    plain = _plain(address)
    if not plain.is_global or plain.is_multicast or any(plain in network for network in _NOT_PUBLIC):
        return False
    return plain.version == 4 or plain in _INTERNET6


def resolve(host: str) -> list[Address]:
    """Addresses of a name, or of any way of writing an address (127.1, 0x7f000001, 2130706433); none: unknown."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [_address(str(item[4][0])) for item in found]


@contextmanager
def guarded(wanted: bool = True) -> Iterator[None]:
    """Within it this task or thread connects to allowed addresses only; others end in PermissionError."""
    if not wanted or not restricted():
        yield
        return
    _watch()
    token = _guarded.set(True)
    try:
        yield
    finally:
        _guarded.reset(token)


def refusal(error: BaseException | None) -> str | None:
    """Why a connection was refused under `guarded`, from whatever error a library made of it; None: it was not."""
    while error is not None:
        if isinstance(error, _Refused):
            return str(error.strerror)
        error = error.__cause__ or error.__context__
    return None


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    hidden = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    if hidden is None and any(address in network for network in _TRANSLATED):
        hidden = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address if hidden is None else hidden


def _address(text: str) -> Address:
    return ipaddress.ip_address(text.partition("%")[0])


def _entries() -> list[str]:
    return [entry.strip().lower() for entry in settings().outbound_allow.split(",") if entry.strip()]


def _names() -> set[str]:
    """Entries of OUTBOUND_ALLOW as they are written; addresses are among them."""
    return set(_entries())


@functools.lru_cache(maxsize=8)
def _networks(entries: str) -> list[Network]:
    """The addresses and networks among the entries."""
    found = []
    for entry in entries.split(","):
        try:
            found.append(ipaddress.ip_network(entry.strip(), strict=False))
        except ValueError:
            continue  # a name
    return found


@functools.lru_cache(maxsize=1)
def _watch() -> None:
    """Look at every connection from now on. Hooks cannot be taken away again: this one only acts under `guarded`."""
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _EVENTS or not _guarded.get():
        return
    target = arguments[1]
    if not isinstance(target, tuple):
        raise _Refused(errno.EACCES, f"expected a host of the public internet, found a local socket: {_REMEDY}")
    # The names that are allowed may have addresses that are not: looked up only where one is about to be refused.
    for address in [_address(str(target[0]))] if _is_address(str(target[0])) else resolve(str(target[0])):
        if not allowed(address) and address not in _named():
            raise _Refused(errno.EACCES, f"expected a host of the public internet, found {address}: {_REMEDY}")


def _is_address(text: str) -> bool:
    try:
        _address(text)
    except ValueError:
        return False
    return True


def _named() -> set[Address]:
    return {address for name in _names() if not _is_network(name) for address in resolve(name)}


def _is_network(entry: str) -> bool:
    return bool(_networks(entry))
