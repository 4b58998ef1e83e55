"""From a stored account to its exchange."""

from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from autogrid.errors import InvalidInput
from autogrid.exchange.limiter import Limiter
from autogrid.exchange.open import open_exchange
from autogrid.store import accounts

if TYPE_CHECKING:
    from autogrid.exchange.ccxt_adapter import CcxtExchange


def open_account(connection: Connection, account: accounts.Account, limiter: Limiter) -> "CcxtExchange":
    """The account's exchange, with its credentials; nothing is sent yet. InvalidInput for a paper account."""
    if account.exchange == accounts.PAPER:
        raise InvalidInput(f"account {account.name!r} is a paper account: it has no exchange to ask")
    return open_with(accounts.credentials(connection, account.id), account.exchange, account.base_url, limiter)


def open_with(found: accounts.Credentials, exchange: str, base_url: str | None, limiter: Limiter) -> "CcxtExchange":
    """An exchange with these credentials; nothing is sent yet."""
    return open_exchange(
        exchange,
        api_key=found.api_key,
        secret=found.secret,
        password=found.password or "",
        base_url=base_url or "",
        limiter=limiter,
    )
