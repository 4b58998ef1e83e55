"""Whether a kill switch stands in the way. `autogrid.store.kill_switch` engages and releases them."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from autogrid.errors import Conflict
from autogrid.store.live_tables import account, bot
from autogrid.store.user_tables import kill_switch as switch

#: What may still be wished of a bot whose switch is engaged: nothing of it places an order.
HARMLESS = ("kill", "stop")
_SAID = sa.func.concat_ws(
    " ", "kill switch", switch.c.id, sa.literal("(") + switch.c.scope + ":", switch.c.reason + ")"
)


def covering_bot() -> "sa.ScalarSelect[str]":
    """For queries on `bot`: the engaged switch that covers the row, in words; NULL where there is none."""
    covers = sa.or_(
        switch.c.scope == "everything",
        switch.c.bot_id == bot.c.id,
        switch.c.account_id == bot.c.account_id,
        sa.and_(switch.c.scope == "mine", switch.c.owner_id == bot.c.owner_id),
    )
    found = sa.select(_SAID).where(switch.c.released_at.is_(None), covers)
    return found.order_by(switch.c.id).limit(1).correlate(bot).scalar_subquery()


def require_bot(connection: Connection, bot_id: int) -> None:
    """Conflict, with the remedy, if a switch that covers the bot is engaged."""
    _refuse(f"bot {bot_id}", connection.scalar(sa.select(covering_bot()).where(bot.c.id == bot_id)))


def require_account(connection: Connection, account_id: int, owner_id: int | None) -> None:
    """Conflict, with the remedy, if a switch keeps new bots of this owner on this account from being made."""
    owner = owner_id
    if owner is None:
        owner = connection.scalar(sa.select(account.c.owner_id).where(account.c.id == account_id))
    covers = sa.or_(
        switch.c.scope == "everything",
        switch.c.account_id == account_id,
        sa.and_(switch.c.scope == "mine", switch.c.owner_id == owner),
    )
    found = sa.select(_SAID).where(switch.c.released_at.is_(None), covers).order_by(switch.c.id).limit(1)
    _refuse(f"a new bot on account {account_id}", connection.scalar(found))


def _refuse(what: str, found: str | None) -> None:
    if found is not None:
        raise Conflict(
            f"{what}: expected no kill switch, found one that is engaged: {found}. "
            "See to its cause and release it (autogrid bots switches, or /v1/kill-switch), then start bots one by one"
        )
