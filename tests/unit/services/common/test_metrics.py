"""The registry obeys its own rules."""

import pytest
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from services.common import metrics

METRICS = {name: item for name, item in vars(metrics).items() if isinstance(item, MetricWrapperBase)}
#: Every label is one of these small, closed sets.
LABELS = {
    "route", "method", "status_class", "component", "outcome", "error", "state", "mode", "exchange", "side", "queue",
    "task", "stream", "budget", "timeframe", "dependency", "kind", "version", "python",
}  # fmt: skip


def test_all_are_declared_here_and_named_autogrid() -> None:
    declared = {item._name for item in METRICS.values()}
    registered = {name for name in REGISTRY._names_to_collectors if name.startswith("autogrid_")}
    assert {name.removesuffix("_created").removesuffix("_total") for name in registered} >= declared
    owners = {id(REGISTRY._names_to_collectors[name]) for name in registered}
    assert owners == {id(item) for item in METRICS.values()}
    assert len(METRICS) > 30


@pytest.mark.parametrize("name", METRICS)
def test_labels_are_closed_sets(name: str) -> None:
    assert set(METRICS[name]._labelnames) <= LABELS


@pytest.mark.parametrize("name", [name for name, item in METRICS.items() if isinstance(item, Gauge)])
def test_gauges_say_how_processes_are_joined(name: str) -> None:
    assert METRICS[name]._multiprocess_mode in ("mostrecent", "max", "livesum")


@pytest.mark.parametrize("name", METRICS)
def test_names_carry_the_unit(name: str) -> None:
    item = METRICS[name]
    if isinstance(item, Histogram):
        assert item._name.endswith("_seconds")
    if not isinstance(item, Counter):
        assert not item._name.endswith("_total")
    assert item._documentation.endswith(".") or item is metrics.BUILD
