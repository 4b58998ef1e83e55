"""Coins of an account that belong to its bots: two bots cannot spend the same ones."""

from collections.abc import Mapping
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from autogrid.errors import InvalidInput
from autogrid.store.live_tables import account, bot


def reserve(
    connection: Connection,
    bot_id: int,
    needed: Mapping[str, Decimal],
    balances: Mapping[str, Decimal],
) -> None:
    """Give a bot a budget of its account's coins, before it starts; again replaces what it had.

    needed: the bot's quote coin, base coin or both -> amount. balances: coin -> all the account has of it, free or
    in orders, fetched just before. InvalidInput if not as much is free of other bots. From the first fill on,
    each commit of a tick keeps the reservation at what the bot's books hold; `stopped` ends it.
    """
    mine = connection.execute(
        sa.select(bot.c.symbol, account.c.id, account.c.name)
        .join(account, account.c.id == bot.c.account_id)
        .where(bot.c.id == bot_id)
        .with_for_update(of=account)  # one reservation at a time for each account
    ).one_or_none()
    if mine is None:
        raise InvalidInput(f"bot {bot_id} does not exist; autogrid bots list shows those that do")
    taken = reserved(connection, mine.id, without=bot_id)
    base, quote = _coins(mine.symbol)
    for coin, amount in needed.items():
        if coin not in (base, quote):
            raise InvalidInput(f"bot {bot_id} trades {mine.symbol}; it can reserve {base} and {quote}, was {coin}")
        has, others = balances.get(coin, Decimal(0)), taken.get(coin, Decimal(0))
        free = max(has - others, Decimal(0))
        if amount > free:
            raise InvalidInput(
                f"account {mine.name!r} must have {amount} {coin} that no other bot uses, was {free} "
                f"({has} less {others} reserved): deposit {amount - free} {coin}, lower the investment, or stop a bot"
            )
    zero = Decimal(0)
    amounts = {"reserved_base": needed.get(base, zero), "reserved_quote": needed.get(quote, zero)}
    connection.execute(sa.update(bot).where(bot.c.id == bot_id).values(amounts))


def release(connection: Connection, bot_id: int) -> None:
    """The bot's coins are free again."""
    zero = Decimal(0)
    connection.execute(sa.update(bot).where(bot.c.id == bot_id).values(reserved_quote=zero, reserved_base=zero))


def reserved(connection: Connection, account_id: int, without: int | None = None) -> dict[str, Decimal]:
    """coin -> what the account's bots have reserved of it."""
    query = sa.select(bot.c.symbol, bot.c.reserved_base, bot.c.reserved_quote).where(bot.c.account_id == account_id)
    if without is not None:
        query = query.where(bot.c.id != without)
    found: dict[str, Decimal] = {}
    for symbol, in_base, in_quote in connection.execute(query):
        for coin, amount in zip(_coins(symbol), (in_base, in_quote), strict=True):
            if amount:
                found[coin] = found.get(coin, Decimal(0)) + amount
    return found


def _coins(symbol: str) -> tuple[str, str]:
    base, _, quote = symbol.partition("/")
    return base, quote.split(":")[0]
