"""Errors become answers here and nowhere else: RFC 9457 problem details from the one error tree."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from autogrid import errors
from services.common import metrics, redact
from services.common.logs import get_logger

PROBLEM = "application/problem+json"
#: The status of each class; the nearest base counts.
STATUS: dict[type[errors.AutogridError], int] = {
    errors.InvalidInput: 422,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.NotAllowed: 403,
    errors.NotSignedIn: 401,
    errors.Unavailable: 503,
    errors.TooMany: 429,
    errors.Rejected: 409,
    errors.OutcomeUnknown: 504,
    errors.AccountBlocked: 409,
    errors.Halted: 409,
    errors.AutogridError: 500,
}
_UNEXPECTED = "something went wrong that nobody foresaw; the request id finds it in the log"


class FieldError(BaseModel):
    """What is wrong with one field."""

    at: str
    message: str


class Problem(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:autogrid:error:invalid-input",
                    "title": "Unprocessable Content",
                    "status": 422,
                    "detail": "lower must be below upper, was 65000 >= 60000",
                    "instance": "/v1/studies",
                    "request_id": "0f8fad5bd9cb469fa165",
                }
            ]
        }
    )

    #: One URN for each class of the error tree.
    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldError] | None = None


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route that can answer these statuses."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM: {"schema": schema}}}
        for status in sorted(set(statuses))
    }


def status_of(error: BaseException) -> int:
    """The HTTP status of any error."""
    if isinstance(error, HTTPException):
        # A body that is no JSON is as wrong as JSON that does not fit.
        return 422 if error.status_code == 400 else error.status_code
    if isinstance(error, RequestValidationError):
        return 422
    if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.TimeoutError):
        return 503
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def answer(request: Request, error: Exception) -> JSONResponse:
    """The problem document of an error."""
    status = status_of(error)
    content = {
        "type": f"urn:autogrid:error:{_slug(error)}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": redact.text(_detail(error, status)),
        "instance": request.url.path,
        "request_id": request.scope.get("state", {}).get("request_id", ""),
    }
    if isinstance(error, RequestValidationError):
        content["errors"] = [_field(item) for item in error.errors()]
    metrics.ERRORS.labels("api", type(error).__name__).inc()
    if status >= 500:
        get_logger().error("request_failed", status=status, exc_info=error)
    headers = _headers(error, status)
    if status == 405:
        headers["Allow"] = ", ".join(_methods(request))
    return JSONResponse(content, status, headers, PROBLEM)


def install(app: FastAPI) -> None:
    """Send every error of `app` through `answer`."""

    async def handler(request: Request, error: Exception) -> JSONResponse:
        return answer(request, error)

    handle: Callable[[Request, Exception], Awaitable[JSONResponse]] = handler
    for kind in (errors.AutogridError, RequestValidationError, HTTPException, sa.exc.DBAPIError, sa.exc.TimeoutError):
        app.add_exception_handler(kind, handle)


def _detail(error: Exception, status: int) -> str:
    if isinstance(error, errors.AutogridError) and type(error) is not errors.AutogridError:
        return str(error)
    if isinstance(error, HTTPException):
        return str(error.detail)
    if isinstance(error, RequestValidationError):
        first = _field(error.errors()[0])
        return f"{first['at']}: {first['message']}"
    return "the database cannot be reached now; try again" if status == 503 else _UNEXPECTED


def _field(item: dict[str, Any]) -> dict[str, str]:
    return {"at": ".".join(str(part) for part in item["loc"]), "message": redact.text(str(item["msg"]))}


def _headers(error: Exception, status: int) -> dict[str, str]:
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        headers["Retry-After"] = str(max(1, round(getattr(error, "after_s", 1.0))))
    return headers


def _methods(request: Request) -> list[str]:
    """Of all routes of a path; the framework names those of the first one only."""
    found: set[str] = set()
    for route in request.app.routes:
        for each in getattr(getattr(route, "original_router", None), "routes", [route]):
            regex = getattr(each, "path_regex", None)
            if regex is not None and regex.match(request.url.path):
                found |= set(each.methods or ())
    return sorted(found)


def _slug(error: Exception) -> str:
    if isinstance(error, errors.AutogridError):
        name = type(error).__name__
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
    if isinstance(error, RequestValidationError):
        return "invalid-input"
    return "http" if isinstance(error, HTTPException) else "unexpected"
