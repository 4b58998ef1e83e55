"""Does an account work, and is its key no more powerful than it should be?"""

from dataclasses import dataclass
from decimal import Decimal

from autogrid.errors import AccountBlocked, Unavailable
from autogrid.exchange.port import Balance, Exchange


@dataclass(frozen=True)
class Probe:
    """What one look at an account showed."""

    reachable: bool
    #: Whether the key may; None where the exchange does not say.
    trade: bool | None
    withdraw: bool | None
    #: Coins the account holds.
    balances: dict[str, Balance]
    #: What a person should know before money is at stake.
    warnings: list[str]


def probe(exchange: Exchange) -> Probe:
    """Read permissions and balances; sends no order. An account that cannot be used is told, not raised."""
    try:
        allowed = exchange.permissions()
        balances = {coin: each for coin, each in exchange.balances().items() if each.total > Decimal(0)}
    except (AccountBlocked, Unavailable) as error:
        return Probe(False, None, None, {}, [f"the exchange does not answer for this account: {error}"])
    warnings = []
    if allowed.withdraw:
        warnings.append("the key may withdraw: make one without that right, a grid never needs it")
    if allowed.withdraw is None:
        warnings.append("the exchange does not say whether the key may withdraw: check on its page that it may not")
    if allowed.trade is False:
        warnings.append("the key may not trade: allow spot trading for it on the exchange's page")
    if not balances:
        warnings.append("the account is empty: deposit before starting a bot")
    return Probe(True, allowed.trade, allowed.withdraw, balances, warnings)
