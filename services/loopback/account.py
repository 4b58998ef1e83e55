"""An account: keys, balances and how it pays fees."""

from dataclasses import dataclass, field
from typing import Any

from services.loopback.units import units_text


@dataclass
class Account:
    """Money in units per asset. `total` = free + locked; locked is the sum over open orders."""

    name: str
    key: str
    secret: str
    uid: int
    total: dict[str, int] = field(default_factory=dict)
    locked: dict[str, int] = field(default_factory=dict)
    #: What came in from outside, minus what went out: totals - deposits = what trading made.
    deposits: dict[str, int] = field(default_factory=dict)
    #: "received": a buy pays in base, a sell in quote (Binance's rule); "quote": always quote; else an asset, "BNB".
    fee_asset: str = "received"
    #: Price of one fee asset in quote, e8, and the part of the commission that is due then.
    fee_price: int = 600 * 10**8
    fee_share_percent: int = 75
    can_trade: bool = True
    can_withdraw: bool = False
    #: Extra flags or overrides for apiRestrictions.
    restrictions: dict[str, Any] = field(default_factory=dict)
    revoked: bool = False
    update_time: int = 0

    def free(self, asset: str) -> int:
        """What can be spent."""
        return self.total.get(asset, 0) - self.locked.get(asset, 0)

    def add(self, asset: str, amount: int) -> None:
        """Book trading's amount, negative to take."""
        self.total[asset] = self.total.get(asset, 0) + amount

    def deposit(self, asset: str, amount: int) -> None:
        """Money from outside, negative for a withdrawal."""
        self.deposits[asset] = self.deposits.get(asset, 0) + amount
        self.add(asset, amount)

    def lock(self, asset: str, amount: int) -> None:
        """Reserve for an order, negative to release."""
        self.locked[asset] = self.locked.get(asset, 0) + amount

    def balances(self) -> list[dict[str, str]]:
        """As the account endpoint shows them."""
        return [
            {"asset": name, "free": units_text(self.free(name)), "locked": units_text(self.locked.get(name, 0))}
            for name in sorted(self.total)
        ]
