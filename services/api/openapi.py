"""The OpenAPI document: FastAPI's, with our own error model in the place of its."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.api.errors import PROBLEM, Problem

_DESCRIPTION = """\
Money, prices and amounts are decimal strings; times are UTC. Lists are pages: hand `next_cursor` back as `cursor`.
Errors are problem details (RFC 9457). A POST that creates or starts something takes an `Idempotency-Key`: sent again
with the same key and body it changes nothing and returns the first answer.
Things of other people do not exist for you (404), unless you are an admin.
"""


def install(app: FastAPI) -> None:
    """Make `app.openapi()` return our document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _build(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _build(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=_DESCRIPTION, routes=app.routes
    )
    models = schema["components"]["schemas"]
    model = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    models.update(model.pop("$defs", {}))
    models["Problem"] = model
    for name in ("HTTPValidationError", "ValidationError"):
        models.pop(name, None)
    for path in schema["paths"].values():
        for operation in path.values():
            if operation.get("x-role") != "public":
                operation["security"] = [{"HTTPBearer": []}]
            for answer in operation.get("responses", {}).values():
                if "HTTPValidationError" in str(answer):
                    answer["content"] = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return schema
