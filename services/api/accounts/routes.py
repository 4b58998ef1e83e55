"""Exchange accounts."""

from fastapi import Request

from autogrid.exchange import outbound
from autogrid.exchange.account import open_account
from autogrid.exchange.ccxt_table import profile
from autogrid.exchange.open import open_limiter
from autogrid.live.probe import probe
from autogrid.store import accounts
from services.api.access import TRADER, VIEWER, open_to
from services.api.accounts.models import Account, AccountChange, Coin, NewAccount, Probed
from services.api.deps import Db, Id, Who
from services.api.paging import Page, Paged
from services.api.route import router

routes = router("/v1/accounts", "accounts")


@routes.get("", **open_to(VIEWER, 422))
def list_accounts(page: Paged, who: Who, db: Db) -> Page[Account]:
    """Your accounts."""
    with db.read() as connection:
        return page.of(
            lambda row: Account(**vars(row)), lambda at, limit: accounts.page(connection, who.sees, at, limit)
        )


@routes.post("", status_code=201, **open_to(TRADER, idempotent=True))
def add_account(new: NewAccount, who: Who, db: Db) -> Account:
    """Keep an account; its credentials are encrypted and never shown again."""
    if new.exchange != accounts.PAPER:
        profile(new.exchange)
    if new.base_url is not None:
        outbound.check_url(new.base_url, "base_url")
    with db.begin() as connection:
        made = accounts.add(
            connection,
            name=new.name,
            exchange=new.exchange,
            credentials=None if new.keys is None else new.keys.plain(),
            base_url=new.base_url,
            owner_id=who.id,
        )
        return Account(**vars(accounts.get(connection, made, who.id)))


@routes.get("/{account_id}", **open_to(VIEWER, 404, 422))
def get_account(account_id: Id, who: Who, db: Db) -> Account:
    """One account."""
    with db.read() as connection:
        return Account(**vars(accounts.get(connection, account_id, who.sees)))


@routes.patch("/{account_id}", **open_to(TRADER, 404, 409, 422))
def change_account(account_id: Id, change: AccountChange, who: Who, db: Db) -> Account:
    """Rename an account or replace its credentials, which ends a block that the old ones caused."""
    with db.begin() as connection:
        accounts.get(connection, account_id, who.sees)
        if change.name is not None:
            accounts.rename(connection, account_id, change.name)
        if change.keys is not None:
            accounts.set_credentials(connection, account_id, change.keys.plain())
        return Account(**vars(accounts.get(connection, account_id, who.sees)))


@routes.delete("/{account_id}", status_code=204, **open_to(TRADER, 404, 409, 422))
def delete_account(account_id: Id, who: Who, db: Db) -> None:
    """Delete an account that no bot ever used."""
    with db.begin() as connection:
        accounts.get(connection, account_id, who.sees)
        accounts.remove(connection, account_id)


@routes.post("/{account_id}/unblock", **open_to(TRADER, 404, 422))
def unblock_account(account_id: Id, who: Who, db: Db) -> Account:
    """You have seen to what blocked the account: its bots go on."""
    with db.begin() as connection:
        accounts.get(connection, account_id, who.sees)
        accounts.unblock(connection, account_id)
        return Account(**vars(accounts.get(connection, account_id, who.sees)))


@routes.post("/{account_id}/test", **open_to(TRADER, 404, 422))
def try_account(request: Request, account_id: Id, who: Who, db: Db) -> Probed:
    """Ask the exchange what the key may and what the account holds; warns about a key that may withdraw."""
    with db.begin() as connection:
        found = accounts.get(connection, account_id, who.sees)
        if found.exchange == accounts.PAPER:
            return Probed(reachable=True, trade=True, withdraw=False, balances=[], warnings=["this is play money"])
        exchange = open_account(connection, found, open_limiter(request.app.state.redis))
    try:
        seen = probe(exchange)
    finally:
        exchange.close()
    coins = [Coin(asset=asset, free=each.free, total=each.total) for asset, each in sorted(seen.balances.items())]
    return Probed(**vars(seen) | {"balances": coins})
