"""Fault rules: which requests go wrong, and how. Deterministic for a seed and an order of requests."""

import random
import re
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from services.loopback.params import Call

#: Faults of the transport: the first that matches decides what the client sees.
TRANSPORT = ("hang", "reset", "close", "truncate", "status", "garbage", "empty", "error", "delay", "late")
#: Faults inside the exchange: what the endpoints do differently.
ENGINE = ("lag", "short", "skip_trades", "fill_first", "kill", "duplicate")
#: Faults of websockets.
STREAM = ("mute", "cut")
BODIES = {
    "html": "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n"
    "</body>\r\n</html>\r\n",
    "empty": "",
    "garbage": "\x15\x03\x01 not json {{[",
}


@dataclass
class Rule:
    """One fault. The patterns are searched (re.search); None matches everything."""

    action: str
    #: Where a request is: method, path ("/api/v3/order$"), account name, symbol, client order id.
    method: str | None = None
    path: str | None = None
    account: str | None = None
    symbol: str | None = None
    client: str | None = None
    #: "before": the request never reaches the matching engine; "after": it has been carried out.
    stage: str = "after"
    #: hang and delay: how long; late: when the request arrives; lag: how long an order stays unseen; mute: how long.
    seconds: float = 0.0
    #: status: HTTP status; error: HTTP status of the refusal (default 400).
    status: int | None = None
    #: status: html, empty, garbage, or the body itself.
    body: str = "html"
    #: error: code and message.
    code: int = -1000
    message: str = "An unknown error occurred while processing the request."
    #: Seconds in the Retry-After header.
    retry_after: int | None = None
    #: short: how many of the newest orders are left out; skip_trades: how many trades, drawn at random for each page.
    drop: int = 1
    #: fill_first, kill: part of the order's amount that fills, "0" to "1"; kill: the final status.
    fill: str = "0"
    final: str = "EXPIRED"
    #: late: what the client sees meanwhile: hang (for `seconds`), reset or close.
    reply: str = "hang"
    #: Spare the first `skip` matches; fire at most `times`, each with `probability`.
    skip: int = 0
    times: int | None = None
    probability: float = 1.0
    #: Name of the rule, to clear or count it.
    name: str = ""
    matched: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        if self.action not in TRANSPORT + ENGINE + STREAM:
            raise ValueError(f"action: expected one of {', '.join(TRANSPORT + ENGINE + STREAM)}, found {self.action!r}")
        if self.stage not in ("before", "after"):
            raise ValueError(f"stage: expected before or after, found {self.stage!r}")

    @property
    def spent(self) -> bool:
        """True when it will not fire again."""
        return self.times is not None and self.fired >= self.times

    def fits(self, facts: dict[str, str]) -> bool:
        """True if every pattern is found."""
        wanted = ((name, getattr(self, name)) for name in ("method", "path", "account", "symbol", "client"))
        return all(pattern is None or re.search(pattern, facts.get(name, "")) for name, pattern in wanted)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Rule":
        """A rule from JSON; ValueError for an unknown field."""
        unknown = set(values) - {item.name for item in fields(cls)} | set(values) & {"matched", "fired"}
        if unknown or "action" not in values:
            raise ValueError(
                f"rule: expected action and known fields, found {', '.join(sorted(unknown)) or 'no action'}"
            )
        return cls(**values)


@dataclass
class Faults:
    """The rules in force."""

    seed: int = 0
    rules: list[Rule] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def reseed(self, seed: int) -> None:
        """Start the draws anew."""
        self.seed, self.random = seed, random.Random(seed)

    def clear(self, name: str | None = None) -> None:
        """Drop all rules, or those of a name."""
        self.rules = [rule for rule in self.rules if name is not None and rule.name != name]

    def show(self) -> list[dict[str, Any]]:
        """The rules with their counts."""
        return [asdict(rule) for rule in self.rules]

    def fire(self, facts: dict[str, str], kinds: tuple[str, ...]) -> list[Rule]:
        """The rules of these kinds that hit a request or event; of the transport's only the first."""
        hits: list[Rule] = []
        for rule in self.rules:
            taken = rule.action in TRANSPORT and any(hit.action in TRANSPORT for hit in hits)
            if rule.action not in kinds or rule.spent or taken or not rule.fits(facts):
                continue
            rule.matched += 1
            if rule.matched <= rule.skip or (rule.probability < 1 and self.random.random() >= rule.probability):
                continue
            rule.fired += 1
            hits.append(rule)
        return hits


def facts_of(call: Call, account: str, client: str) -> dict[str, str]:
    """What rules can match of a request."""
    return {
        "method": call.method,
        "path": call.path,
        "account": account,
        "symbol": call.params.peek("symbol") or "",
        "client": client,
    }


def body_of(rule: Rule, status: int) -> str:
    """The body of a disturbed reply."""
    return BODIES.get(rule.body, rule.body).replace("{status}", str(status))
