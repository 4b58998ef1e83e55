"""Passports: what was proven."""

from datetime import UTC, datetime, timedelta

from autogrid.store import passports
from services.api.access import VIEWER, open_to
from services.api.deps import Db, PassportId, Who
from services.api.paging import Page, Paged
from services.api.passports.models import Listed, Passport
from services.api.route import router

routes = router("/v1/passports", "passports")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


@routes.get("", **open_to(VIEWER, 422))
def list_passports(page: Paged, who: Who, db: Db) -> Page[Listed]:
    """Your passports."""
    # Ids are hashes without an order: the cursor is the time, in microseconds.
    before = None if page.before is None else _EPOCH + min(page.before, 250_000_000_000_000_000) * _US
    with db.read() as connection:
        found = passports.listing(connection, who.sees, page.limit + 1, before)
    shown = [Listed(**vars(item)) for item in found[: page.limit]]
    more = len(found) > page.limit and shown[-1].created_at is not None
    return Page(items=shown, next_cursor=str((shown[-1].created_at - _EPOCH) // _US) if more else None)  # type: ignore[operator]


@routes.get("/{passport_id}", **open_to(VIEWER, 404, 422))
def get_passport(passport_id: PassportId, who: Who, db: Db) -> Passport:
    """One passport."""
    with db.read() as connection:
        return Passport(**vars(passports.get(connection, passport_id, who.sees)))
