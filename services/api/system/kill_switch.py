"""The kill switch: engaged it kills at once, and nothing it covers starts until somebody releases it."""

from typing import Annotated

from fastapi import Query

from autogrid.errors import NotAllowed
from autogrid.store import accounts, bots, kill_switch
from services.api.access import ADMIN, TRADER, VIEWER, Caller, open_to
from services.api.deps import Db, Id, Who
from services.api.paging import Page, Paged
from services.api.route import router
from services.api.system.models import Kill, Killed, Switch

routes = router("/v1/kill-switch", "kill switch")


@routes.get("", **open_to(VIEWER, 422))
def list_kill_switches(
    page: Paged, who: Who, db: Db,
    released: Annotated[bool, Query(description="Those of the past instead of the engaged ones.")] = False,
) -> Page[Switch]:  # fmt: skip
    """The kill switches that are engaged and concern you (an admin: all). An empty list: nothing is stopped."""
    with db.read() as connection:
        return page.of(
            lambda row: _shape(row, who),
            lambda at, limit: kill_switch.page(connection, who.sees, at, limit, released=released),
        )


@routes.post("", **open_to(TRADER, 404, idempotent=True))
def kill(kill: Kill, who: Who, db: Db) -> Killed:
    """Engage the switch for a bot, all bots of an account, all of yours or all there are.

    Their orders are cancelled and they are halted at once. Until the switch is released every start, resume and
    promotion of them is refused with 409. Engaged twice it stays engaged, and kills again.
    """
    if kill.scope == "everything" and who.role != ADMIN:
        raise NotAllowed("scope everything needs the role admin: use scope mine")
    with db.begin() as connection:
        if kill.scope == "bot":
            bots.get(connection, kill.id or 0, who.sees)
        elif kill.scope == "account":
            accounts.get(connection, kill.id or 0, who.sees)
        which = who.id if kill.scope == "mine" else kill.id
        switch, killed = kill_switch.engage(connection, kill.scope, which, kill.reason, who.id)
    return Killed(bots=killed, switch=_shape(switch, who))


@routes.post("/{switch_id}/release", **open_to(TRADER, 404, 409, 422))
def release_kill_switch(switch_id: Id, who: Who, db: Db) -> Switch:
    """Release a switch: its bots stay halted, and may be resumed one by one."""
    with db.begin() as connection:
        return _shape(kill_switch.release(connection, switch_id, who.id, as_admin=who.role == ADMIN), who)


def _shape(found: kill_switch.Switch, who: Caller) -> Switch:
    mine = kill_switch.may_release(found, who.id, as_admin=who.role == ADMIN)
    return Switch(**vars(found), may_release=mine and found.released_at is None)
