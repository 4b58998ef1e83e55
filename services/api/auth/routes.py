"""Sign-up, sign-in, refresh, sign-out."""

from datetime import UTC, datetime
from importlib.metadata import version

from fastapi import Request

from autogrid.errors import NotAllowed, NotSignedIn
from autogrid.store import passwords, sessions, users
from services.api.access import PUBLIC, open_to
from services.api.auth.models import Login, Options, Refresh, Signup, Tokens
from services.api.deps import Db
from services.api.route import router
from services.api.tokens import ACCESS, REFRESH, access_token
from services.api.users.models import User
from services.common import metrics
from services.common.news import News, publish_to_admins

routes = router("/v1/auth", "sign-in")


@routes.get("/options", **open_to(PUBLIC))
def auth_options(request: Request) -> Options:
    """What can be done without signing in."""
    return Options(signup=request.app.state.signup, version=version("autogrid"))


@routes.post("/signup", status_code=201, **open_to(PUBLIC, 403, 409, 422, 429))
def signup(request: Request, new: Signup, db: Db) -> User:
    """Create yourself a user (role trader), where that is switched on."""
    state = request.app.state
    if not state.signup:
        raise NotAllowed("sign-up is switched off here: ask an admin to add you (autogrid users add EMAIL)")
    state.limiter.hit("signup", _address(request))
    hashed = passwords.hash_of(new.password.get_secret_value())
    with db.begin() as connection:
        row = users.add(connection, new.email, hashed, "trader")
        told = News("signup", f"signup:{row['id']}", "A new user signed up", f"{row['email']} signed up as a trader.")
        publish_to_admins(connection, told, row["created_at"])
    request.state.subject = row["id"]
    metrics.SIGNUPS.inc()
    return User(**row)


@routes.post("/login", **open_to(PUBLIC, 401, 422, 429))
def login(request: Request, who: Login, db: Db) -> Tokens:
    """Sign in with e-mail address and password."""
    request.app.state.limiter.hit("login", _address(request), who.email)
    with db.begin() as connection:
        row = users.by_email(connection, who.email)
    right = passwords.matches(who.password.get_secret_value(), row["password_hash"] if row else None)
    if row is None or not right or not row["active"]:
        raise NotSignedIn("e-mail address or password is wrong")
    request.state.subject = row["id"]
    now = datetime.now(UTC)
    with db.begin() as connection:
        session_id, token = sessions.start(connection, row["id"], now + REFRESH)
    access = access_token(request.app.state.jwt_secret, row["id"], session_id, now)
    return Tokens(access_token=access, refresh_token=token, expires_in=int(ACCESS.total_seconds()))


@routes.post("/refresh", **open_to(PUBLIC, 401, 422))
def refresh(request: Request, given: Refresh, db: Db) -> Tokens:
    """Trade a refresh token for a new pair. Using one twice ends the session, since one of the two was a thief."""
    now = datetime.now(UTC)
    with db.begin() as connection:
        found = sessions.refresh(connection, given.refresh_token, now, now + REFRESH)
    request.state.subject = found.user_id
    if found.token is None or found.session_id is None or found.user_id is None:
        why = "was used before, so the session has been ended" if found.reused else "is unknown, expired or revoked"
        raise NotSignedIn(f"the refresh token {why}: sign in again")
    access = access_token(request.app.state.jwt_secret, found.user_id, found.session_id, now)
    return Tokens(access_token=access, refresh_token=found.token, expires_in=int(ACCESS.total_seconds()))


@routes.post("/logout", status_code=204, **open_to(PUBLIC, 422))
def logout(given: Refresh, db: Db) -> None:
    """End the session of a refresh token; its access tokens stop working at once."""
    with db.begin() as connection:
        session_id = sessions.session_of(connection, given.refresh_token)
        if session_id is not None:
            sessions.revoke(connection, session_id, "logout")


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
