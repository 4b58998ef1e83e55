"""Users and their API keys."""

from autogrid.errors import NotAllowed
from autogrid.store import api_keys, passwords, users
from services.api.access import ADMIN, TRADER, VIEWER, open_to, weaker
from services.api.deps import Db, Id, Who
from services.api.paging import Page, Paged
from services.api.route import router
from services.api.users.models import Key, MadeKey, MeChange, NewKey, User, UserChange

routes = router("/v1", "users")


@routes.get("/users/me", **open_to(VIEWER))
def me(who: Who, db: Db) -> User:
    """You."""
    with db.read() as connection:
        return User(**users.get(connection, who.id))


@routes.patch("/users/me", **open_to(VIEWER, 422))
def change_me(change: MeChange, who: Who, db: Db) -> User:
    """Change your time zone or password. A new password signs you out everywhere."""
    hashed = None
    if change.password is not None:
        _require_password(change, who, db)
        hashed = passwords.hash_of(change.password.get_secret_value())
    with db.begin() as connection:
        return User(**users.update(connection, who.id, time_zone=change.time_zone, password_hash=hashed))


@routes.get("/users", **open_to(ADMIN, 422))
def list_users(page: Paged, db: Db) -> Page[User]:
    """All users."""
    with db.read() as connection:
        return page.of(lambda row: User(**row), lambda before, limit: users.listing(connection, before, limit))


@routes.patch("/users/{user_id}", **open_to(ADMIN, 404, 409, 422))
def change_user(user_id: Id, change: UserChange, db: Db) -> User:
    """Give a user another role, or switch it off or on."""
    with db.begin() as connection:
        return User(**users.update(connection, user_id, role=change.role, active=change.active))


@routes.get("/api-keys", **open_to(VIEWER, 422))
def list_api_keys(page: Paged, who: Who, db: Db) -> Page[Key]:
    """Your API keys."""
    with db.read() as connection:
        return page.of(
            lambda row: Key(**row), lambda before, limit: api_keys.listing(connection, who.id, before, limit)
        )


@routes.post("/api-keys", status_code=201, **open_to(TRADER, idempotent=True))
def make_api_key(new: NewKey, who: Who, db: Db) -> MadeKey:
    """Make an API key. This answer is the only one that holds it."""
    role = weaker(new.role or who.role, who.role)
    with db.begin() as connection:
        row, key = api_keys.add(connection, who.id, new.name, role)
    return MadeKey(**row, key=key)


@routes.delete("/api-keys/{key_id}", status_code=204, **open_to(TRADER, 404, 422))
def revoke_api_key(key_id: Id, who: Who, db: Db) -> None:
    """Revoke an API key at once."""
    with db.begin() as connection:
        api_keys.remove(connection, who.id, key_id)


def _require_password(change: MeChange, who: Who, db: Db) -> None:
    given = change.current_password.get_secret_value() if change.current_password else ""
    with db.begin() as connection:
        kept = users.get(connection, who.id)["password_hash"]
    if not passwords.matches(given, kept):
        raise NotAllowed("current_password: expected your present password, found another one")
