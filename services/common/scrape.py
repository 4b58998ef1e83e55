"""Answering a scrape: run what has to be looked up, then write all metrics as text."""

import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Gauge, start_http_server
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from services.common import multiproc

#: The longest a scrape waits for all checks together. Prometheus gives up after 10 s; a hanging database
#: must not take the other metrics away.
PATIENCE_S = 3.0


@dataclass
class _Watch:
    name: str
    check: Callable[[], None]
    up: Gauge
    lock: threading.Lock = field(default_factory=threading.Lock)
    run: threading.Event | None = None

    def start(self) -> threading.Event:
        """Run the check in a thread of its own, or join the run of another scrape; the event is set at its end."""
        with self.lock:
            if self.run is None:
                self.run = threading.Event()
                threading.Thread(target=self._run, args=(self.run,), daemon=True).start()
            return self.run

    def _run(self, ended: threading.Event) -> None:
        try:
            self.check()
        except Exception as error:  # noqa: BLE001 - whatever it is, the dependency is not usable and the scrape goes on
            self.up.set(0)
            structlog.get_logger().warning("dependency_down", dependency=self.name, error=str(error))
        else:
            self.up.set(1)
        finally:
            with self.lock:
                self.run = None
            ended.set()


class Scrape(Collector):
    """All metrics of this service, looked up afresh at each scrape."""

    def __init__(self, dependency_up: Gauge) -> None:
        """`dependency_up` has the label `dependency` and says what `watch` found."""
        self._up = dependency_up
        self._watches: dict[str, _Watch] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def watch(self, name: str, check: Callable[[], None]) -> None:
        """At each scrape run `check`, which raises if the dependency `name` is down and may set gauges on the way.

        A second check of the same name replaces the first. Checks run in threads; one that does not end within
        PATIENCE_S counts as down.
        """
        self._watches[name] = _Watch(name, check, self._up.labels(name))

    def render(self) -> tuple[bytes, str]:
        """The metrics as text, and its content type. Blocks for up to PATIENCE_S: keep it off an event loop."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def serve(self, port: int, host: str = "0.0.0.0") -> Callable[[], None]:
        """Answer /metrics on `port` from a background thread; the returned function stops it."""
        server, thread = start_http_server(port, host, self._registry)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop

    def collect(self) -> Iterable[Any]:
        """What prometheus_client calls at a scrape."""
        self._look()
        if multiproc.VARIABLE in os.environ:
            multiproc.forget_dead()
            return MultiProcessCollector(None).collect()  # type: ignore[no-untyped-call,no-any-return]
        return REGISTRY.collect()

    def _look(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        for item, ended in [(item, item.start()) for item in list(self._watches.values())]:
            if not ended.wait(max(0.0, deadline - time.monotonic())):
                item.up.set(0)
