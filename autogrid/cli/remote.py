"""`autogrid --api URL ...`: the same commands, carried out by a REST API somewhere else."""

from typing import TYPE_CHECKING, Any

from autogrid.errors import (
    AutogridError,
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotSignedIn,
    OutcomeUnknown,
    TooMany,
    Unavailable,
)

if TYPE_CHECKING:
    import httpx

#: Status -> the error of our tree; others are InvalidInput below 500 and Unavailable from there on.
_ERRORS: dict[int, type[AutogridError]] = {
    401: NotSignedIn,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    504: OutcomeUnknown,
}
_chosen: list["Remote"] = []


class Remote:
    """A REST API and the key for it."""

    def __init__(self, url: str, key: str, transport: "httpx.BaseTransport | None" = None) -> None:
        import httpx

        headers = {"Authorization": f"Bearer {key}"}
        self._client = httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=30, transport=transport)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **query: Any) -> Any:
        """The answer's JSON; an error of the tree with the API's own words otherwise."""
        answer = self._ask(method, path, body, **query)
        return answer.json() if answer.content else None

    def text(self, path: str) -> str:
        """A document; errors as `call`."""
        return self._ask("GET", path).text

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None, **query: Any) -> "httpx.Response":
        import httpx

        headers = {"Idempotency-Key": _key()} if method == "POST" else {}
        given = {name: value for name, value in query.items() if value is not None}
        try:
            answer = self._client.request(method, path, json=body, params=given, headers=headers)
        except httpx.ConnectError as error:
            raise Unavailable(f"{self._client.base_url}: expected the API to answer, found: {error}") from error
        except httpx.TransportError as error:
            kind = Unavailable if method == "GET" else OutcomeUnknown
            raise kind(f"{self._client.base_url}: no whole answer came ({error}): look before you repeat it") from error
        if answer.is_success:
            return answer
        raise _error(answer)

    def pages(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All items of a list, in the order of their ids."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.call("GET", path, limit=500, cursor=cursor, **query)
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items[::-1]


def choose(url: str | None) -> None:
    """Use this API from now on; None: that of the settings, if there is one."""
    from autogrid.settings import settings

    leave()
    url = url or settings().autogrid_api_url
    if url is None:
        return
    key = settings().autogrid_api_key
    if key is None:
        raise InvalidInput("--api needs a key: make one at /v1/api-keys and set AUTOGRID_API_KEY")
    _chosen.append(Remote(url, key.get_secret_value()))


def leave() -> None:
    """Close the connection to the API that was chosen."""
    while _chosen:
        _chosen.pop().close()


def api() -> Remote:
    """The API that was chosen."""
    return _chosen[0]


def _key() -> str:
    import uuid

    return uuid.uuid4().hex


def _error(answer: "httpx.Response") -> AutogridError:
    try:
        text = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        text = f"{answer.request.url}: expected an answer of AutoGrid's API, found status {answer.status_code}"
    if answer.status_code == 429:
        return TooMany(text, float(answer.headers.get("Retry-After", 1)))
    kind = _ERRORS.get(answer.status_code, InvalidInput if answer.status_code < 500 else Unavailable)
    return kind(text)
