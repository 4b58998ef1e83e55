"""Where people are told, and what they were told."""

from autogrid.store import secrets, targets
from services.api.access import TRADER, VIEWER, open_to
from services.api.alerts.models import Alert, NewTarget, Target, TargetChange, Tried
from services.api.deps import Db, Id, Who
from services.api.paging import Page, Paged
from services.api.route import router
from services.common import messenger

routes = router("/v1", "alerts")


@routes.get("/alert-targets", **open_to(VIEWER, 422))
def list_alert_targets(page: Paged, who: Who, db: Db) -> Page[Target]:
    """Your targets."""
    with db.read() as connection:
        return page.of(lambda row: Target(**row), lambda at, limit: targets.listing(connection, who.sees, at, limit))


@routes.post("/alert-targets", status_code=201, **open_to(TRADER, idempotent=True))
def add_alert_target(new: NewTarget, who: Who, db: Db) -> Target:
    """Be told by mail, Telegram, Slack, webhook, or whatever else apprise knows."""
    values = new.model_dump(exclude={"url"}) | {"url": _seal(new.url.get_secret_value())}
    with db.begin() as connection:
        return Target(**targets.add(connection, who.id, values))


@routes.patch("/alert-targets/{target_id}", **open_to(TRADER, 404, 422))
def change_alert_target(target_id: Id, change: TargetChange, who: Who, db: Db) -> Target:
    """Change a target."""
    values = change.model_dump(exclude={"url"}, exclude_none=True)
    if change.url is not None:
        values["url"] = _seal(change.url.get_secret_value())
    with db.begin() as connection:
        return Target(**targets.update(connection, target_id, who.sees, values))


@routes.delete("/alert-targets/{target_id}", status_code=204, **open_to(TRADER, 404, 422))
def delete_alert_target(target_id: Id, who: Who, db: Db) -> None:
    """Delete a target."""
    with db.begin() as connection:
        targets.remove(connection, target_id, who.sees)


@routes.post("/alert-targets/{target_id}/test", **open_to(TRADER, 404, 422))
def try_alert_target(target_id: Id, who: Who, db: Db) -> Tried:
    """Send a test message now."""
    with db.begin() as connection:
        row = targets.get(connection, target_id, who.sees, with_url=True)
    url = secrets.open_text(row["url"], f"alert target {target_id}")
    problem = messenger.send(url, "AutoGrid test", "This target works.")
    return Tried(delivered=problem is None, detail=problem or "delivered")


@routes.get("/alerts", **open_to(VIEWER, 422))
def list_alerts(page: Paged, who: Who, db: Db) -> Page[Alert]:
    """What you were told."""
    with db.read() as connection:
        return page.of(lambda row: Alert(**row), lambda at, limit: targets.told(connection, who.sees, at, limit))


def _seal(url: str) -> bytes:
    messenger.check(url)
    return secrets.seal_text(url)
