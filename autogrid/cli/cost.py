"""What a deployment costs a month, from a table of list prices (cost.toml): pure arithmetic in Decimal."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from autogrid.errors import InvalidInput

_TABLE = Path(__file__).with_name("cost.toml")
#: Part of the app spec -> prefix of its prices.
_ENGINES = {"PG": "pg-", "VALKEY": "valkey-", "REDIS": "valkey-"}


@dataclass(frozen=True)
class Part:
    """Something that is paid for: `count` of `size`, up to `most` of them where it scales by itself."""

    name: str
    size: str
    count: int = 1
    most: int = 1


@dataclass(frozen=True)
class Tier:
    """A number of users and what serves them."""

    name: str
    users: str
    where: str
    #: What the tier is meant to cost, in dollars a month: "150" or "300-500".
    target: str
    parts: tuple[Part, ...]
    #: When it is outgrown, and what comes next.
    next: str


@dataclass(frozen=True)
class Cost:
    """Dollars a month: `low` with the least instances, `high` with the most."""

    low: Decimal
    high: Decimal


def table(path: Path = _TABLE) -> tuple[dict[str, Decimal], list[Tier]]:
    """Prices by size, and the tiers from the smallest up."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    prices = {size: Decimal(price) for size, price in data["prices"].items()}
    tiers = [
        Tier(**{**item, "parts": tuple(_part(part) for part in item["parts"])})
        for item in data["tiers"]
    ]  # fmt: skip
    return prices, tiers


def _part(item: Mapping[str, Any]) -> Part:
    count = item.get("count", 1)
    return Part(item["name"], item["size"], count, item.get("most", count))


def cost(parts: Iterable[Part], prices: Mapping[str, Decimal]) -> Cost:
    """The sum; InvalidInput names a size without a price."""
    low = high = Decimal(0)
    for part in parts:
        if part.size not in prices:
            raise InvalidInput(f"{part.name}: expected a size with a price in cost.toml, found {part.size!r}.")
        low += prices[part.size] * part.count
        high += prices[part.size] * part.most
    return Cost(low, high)


def parts_of(spec: Mapping[str, Any], databases: Mapping[str, tuple[str, int]]) -> list[Part]:
    """The parts of a DigitalOcean app spec. It names database clusters, not their sizes: `databases` gives them.

    databases: name in the spec -> (size, nodes). Jobs run for seconds and are left out.
    """
    found = []
    for item in [*spec.get("services", ()), *spec.get("workers", ())]:
        scaling = item.get("autoscaling")
        count = scaling["min_instance_count"] if scaling else item.get("instance_count", 1)
        most = scaling["max_instance_count"] if scaling else count
        found.append(Part(item["name"], item.get("instance_size_slug", "apps-s-1vcpu-0.5gb"), count, most))
    for item in spec.get("databases", ()):
        if item["name"] not in databases:
            raise InvalidInput(f"database {item['name']}: expected its size, found none. Give it as NAME=SIZE[xNODES].")
        size, nodes = databases[item["name"]]
        found.append(Part(item["name"], _ENGINES[item["engine"]] + size, nodes, nodes))
    return found
