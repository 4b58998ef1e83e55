"""Ports for servers that tests start."""

import os
import random
import socket


def free_ports(count: int = 1) -> list[int]:
    """So many ports in a row that nobody listens on.

    Below those that the kernel gives to outgoing connections: one of these could take a port between the look here and
    the server's start. Each xdist worker draws from ports of its own.
    """
    own = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 8
    starts = range(16_000 + own * 2_000, 18_000 + own * 2_000 - count)
    for _ in range(1_000):
        ports = range(start := random.choice(starts), start + count)
        if all(_is_free(port) for port in ports):
            return list(ports)
    raise RuntimeError(f"no {count} free ports in a row in {starts}")


def free_port() -> int:
    """A port that nobody listens on."""
    return free_ports()[0]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
