"""The one way into every endpoint: who is calling, may they, was it asked before, write down what was done."""

import hashlib
import re
from collections.abc import Callable, Coroutine
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import InvalidToken, MultiFernet
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from autogrid.errors import AutogridError, Conflict
from autogrid.store import audit, idempotency
from services.api import errors
from services.api.access import KEY, PUBLIC, Caller, require
from services.api.tokens import identify

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_EXPECTED = (AutogridError, RequestValidationError, HTTPException, sa.exc.SQLAlchemyError)
#: After these nothing has happened, so the same key may be tried again.
_HARMLESS = frozenset((400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503))


class Guarded(APIRoute):
    """A route that cannot be made without saying who may call it (`open_to`)."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **rest: Any) -> None:
        plain = not (iscoroutinefunction(endpoint) or isasyncgenfunction(endpoint))
        super().__init__(path, _threaded(endpoint) if plain else endpoint, **rest)

    def get_route_handler(self) -> Handler:
        inner = super().get_route_handler()
        extra = self.openapi_extra or {}
        if "x-role" not in extra:
            raise TypeError(f"{self.path}: expected **open_to(ROLE, ...) in the decorator, found none")
        role: str = extra["x-role"]
        once = bool(extra.get("x-idempotent"))
        mutating = not (self.methods or set()) <= {"GET", "HEAD"}

        async def handler(request: Request) -> Response:
            request.state.caller = None
            try:
                request.state.caller = caller = await _who(request) if role != PUBLIC else None
                require(caller, role)
            except AutogridError as error:
                if mutating:
                    await _record(request, self.name, errors.status_of(error))
                raise
            if not mutating:
                return await inner(request)
            key = request.headers.get("Idempotency-Key", "") if once else ""
            if caller is not None and re.fullmatch(KEY, key):
                return await _once(request, self.name, key, inner)
            return await _recorded(request, self.name, inner)

        return handler


def router(prefix: str, tag: str) -> APIRouter:
    """A router of guarded routes; `prefix` is the whole path before the routes' own."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=Guarded)


def _threaded(endpoint: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """A plain function as a coroutine. Left to the framework, a second thread would look over its answer."""

    @wraps(endpoint)
    async def run(**arguments: Any) -> Any:
        return await run_in_threadpool(endpoint, **arguments)

    return run


async def _who(request: Request) -> Caller | None:
    header = request.headers.get("Authorization")
    if not header:
        return None
    state = request.app.state

    def look() -> Caller:
        with state.database.read() as connection:
            return identify(connection, state.jwt_secret, header)

    return await run_in_threadpool(look)


async def _recorded(request: Request, action: str, inner: Handler) -> Response:
    status = 500
    try:
        response = await inner(request)
        status = response.status_code
        return response
    except _EXPECTED as error:
        status = errors.status_of(error)
        raise
    finally:
        await _record(request, action, status)


async def _record(request: Request, action: str, status: int) -> None:
    state, caller = request.app.state, request.state.caller
    #: Login has no caller yet, but knows whom it let in.
    user_id = getattr(request.state, "subject", None) if caller is None else caller.id
    ip = request.client.host if request.client else None

    def write() -> None:
        with state.database.begin() as connection:
            audit.add(connection, user_id, action, request.url.path, status, ip=ip, request_id=request.state.request_id)

    await run_in_threadpool(write)


def _replayed(sealer: MultiFernet, known: idempotency.Answer) -> Response:
    try:
        body = sealer.decrypt(known.body)
    except InvalidToken:
        raise Conflict(
            "the first request with this Idempotency-Key was answered, but the key that its answer was encrypted with "
            "is gone: look whether it took effect, and use a new Idempotency-Key"
        ) from None
    return Response(body, known.status, {"Idempotent-Replayed": "true"}, "application/json")


async def _once(request: Request, action: str, key: str, inner: Handler) -> Response:
    caller, state = request.state.caller, request.app.state
    text = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    fingerprint = hashlib.sha256(text + await request.body()).digest()

    async def store(work: Callable[[Any], Any]) -> Any:
        def run() -> Any:
            with state.database.begin() as connection:
                return work(connection)

        return await run_in_threadpool(run)

    known = await store(lambda c: idempotency.claim(c, caller.id, key, fingerprint))
    if known is not None:
        return _replayed(state.sealer, known)
    try:
        response = await _recorded(request, action, inner)
    except _EXPECTED as error:
        if errors.status_of(error) in _HARMLESS:
            await store(lambda c: idempotency.release(c, caller.id, key))
        # Else the key stays taken: what happened is not known, and only looking will tell.
        raise
    sealed = idempotency.Answer(response.status_code, state.sealer.encrypt(bytes(response.body)))
    await store(lambda c: idempotency.settle(c, caller.id, key, sealed))
    return response
