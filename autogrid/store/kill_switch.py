"""The kill switch: what is engaged kills at once and keeps bots from starting until somebody releases it."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from autogrid.core.grid import one_of
from autogrid.errors import Conflict, InvalidInput, NotAllowed, NotFound
from autogrid.store import bots
from autogrid.store.live_tables import account, bot
from autogrid.store.user_tables import SWITCHES
from autogrid.store.user_tables import kill_switch as switch


@dataclass(frozen=True)
class Switch:
    """A kill switch, engaged or released."""

    id: int
    #: One of SWITCHES.
    scope: str
    bot_id: int | None
    account_id: int | None
    #: Whose things it stops; None: everybody's, or things without an owner.
    owner_id: int | None
    reason: str
    #: None: the command line of the machine.
    engaged_by: int | None
    engaged_at: datetime
    released_by: int | None
    #: None while it is engaged.
    released_at: datetime | None


_COLUMNS = [switch.c[name] for name in Switch.__dataclass_fields__]


def engage(
    connection: Connection, scope: str, which: int | None, reason: str, by: int | None
) -> tuple[Switch, list[int]]:
    """Engage a switch and kill what it covers; the switch, and the ids of the bots that were alive.

    which: a bot, an account, a user (scope "mine"), None for everything. by: the user, None for the command line.
    Engaged already: the first reason stays, and what is alive all the same is killed again.
    """
    one_of("scope", scope, SWITCHES)
    values = {"scope": scope, "reason": reason, "engaged_by": by, **_subject(connection, scope, which)}
    subject = [switch.c[name].is_not_distinct_from(values.get(name)) for name in ("bot_id", "account_id", "owner_id")]
    new = postgresql.insert(switch).values(values).on_conflict_do_nothing().returning(*_COLUMNS)
    row = connection.execute(new).one_or_none()
    if row is None:
        same = sa.select(*_COLUMNS).where(switch.c.scope == scope, switch.c.released_at.is_(None), *subject)
        row = connection.execute(same).one_or_none()
        if row is None:
            raise Conflict("the switch was released just now: engage it again")
    # After the row: a bot that starts meanwhile is seen by this update, or sees the row.
    killed = bots.kill(
        connection,
        bot_id=which if scope == "bot" else None,
        account_id=which if scope == "account" else None,
        owner_id=which if scope == "mine" else None,
        reason=reason,
    )
    return Switch(*row), killed


def changed(connection: Connection, since: datetime) -> list[Switch]:
    """Switches of everybody that were engaged or released since then, oldest first."""
    query = sa.select(*_COLUMNS).where(sa.or_(switch.c.engaged_at >= since, switch.c.released_at >= since))
    return [Switch(*row) for row in connection.execute(query.order_by(switch.c.id))]


def _subject(connection: Connection, scope: str, which: int | None) -> dict[str, int | None]:
    if scope == "everything":
        return {}
    if which is None:
        raise InvalidInput(f"scope {scope}: expected the id of what to stop, found none")
    if scope == "mine":
        return {"owner_id": which}
    table = bot if scope == "bot" else account
    row = connection.execute(sa.select(table.c.owner_id).where(table.c.id == which)).one_or_none()
    if row is None:
        raise NotFound(f"{scope} {which} does not exist")
    return {f"{scope}_id": which, "owner_id": row.owner_id}


def release(connection: Connection, switch_id: int, by: int | None, *, as_admin: bool) -> Switch:
    """Release a switch: its bots may be started again, one by one; none starts by itself.

    Owners release what they engaged on their own things; admins, and the command line (`by` None), all of them.
    """
    row = connection.execute(sa.select(*_COLUMNS).where(switch.c.id == switch_id).with_for_update()).one_or_none()
    found = None if row is None else Switch(*row)
    if found is None or not (as_admin or found.scope == "everything" or found.owner_id == by):
        raise NotFound(f"there is no kill switch {switch_id} of yours")
    if not may_release(found, by, as_admin=as_admin):
        raise NotAllowed(f"kill switch {switch_id} ({found.scope}) was engaged by an admin: an admin may release it")
    if found.released_at is not None:
        raise Conflict(f"kill switch {switch_id} was released already, at {found.released_at:%Y-%m-%d %H:%M:%S %Z}")
    values = {"released_by": by, "released_at": sa.func.now()}
    change = sa.update(switch).where(switch.c.id == switch_id).values(values).returning(*_COLUMNS)
    return Switch(*connection.execute(change).one())


def may_release(found: Switch, by: int | None, *, as_admin: bool) -> bool:
    """Whether this user may release it."""
    return as_admin or (found.scope != "everything" and found.owner_id == by and found.engaged_by == by)


def page(
    connection: Connection, owner_id: int | None, before: int | None = None, limit: int = 50, *, released: bool = False
) -> list[Switch]:
    """Engaged switches that concern an owner (None: all of them), newest first; with `released` those of the past."""
    query = sa.select(*_COLUMNS).order_by(switch.c.id.desc()).limit(limit)
    query = query.where(switch.c.released_at.is_not(None) if released else switch.c.released_at.is_(None))
    if owner_id is not None:
        query = query.where(sa.or_(switch.c.owner_id == owner_id, switch.c.scope == "everything"))
    if before is not None:
        query = query.where(switch.c.id < sa.literal(before, sa.BigInteger))
    return [Switch(*row) for row in connection.execute(query)]
