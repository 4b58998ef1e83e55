"""The page's side of the REST API: one signed-in visitor, tokens renewed when they run out."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx

TIMEOUT_S = 20.0
#: The API sends a ping every 15 s; a stream that is silent for longer is dead.
SILENCE_S = 45.0
#: The API's longest page, and where reading a whole list ends.
PAGE, EVERY = 500, 5000
Items = list[dict[str, Any]]


class ApiError(Exception):
    """What the API answered instead (RFC 9457), in words a visitor can act on."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class SignedOut(ApiError):
    """The session is over: sign in again."""


@dataclass(frozen=True)
class Tokens:
    """What a sign-in brings. Kept on the server side of the page, never sent to the browser."""

    access: str
    refresh: str


def connect(base_url: str, origin_token: str | None = None) -> httpx.AsyncClient:
    """Connections to the API, shared by all visitors. Every open page holds one for its events.

    `origin_token`: what the API asks of requests that name a visitor's address (services.common.edge).
    """
    headers = {"X-Origin-Token": origin_token} if origin_token else {}
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT_S, limits=limits, headers=headers)


class Api:
    """Calls to the REST API for one visitor, from all of its tabs.

    `keep` is told whenever the tokens change (None: signed out). A refresh token is good for one use, so there must
    be one Api for one session: two with the same tokens would look like a thief.
    """

    def __init__(self, http: httpx.AsyncClient, tokens: Tokens | None, keep: Callable[[Tokens | None], None]) -> None:
        self.tokens = tokens
        #: Whether the last session ended otherwise than by signing out.
        self.ended = False
        self.keep = keep
        self._http = http
        self._renewing = asyncio.Lock()

    async def sign_in(self, email: str, password: str, address: str | None = None) -> None:
        """Raises ApiError with the API's own words. `address` is the visitor's: attempts are counted by it."""
        body = {"email": email, "password": password}
        self._use(await self._send("POST", "/v1/auth/login", body, headers=_for(address), signed=False))

    async def sign_up(self, email: str, password: str, address: str | None = None) -> None:
        """Create a user and sign in."""
        body = {"email": email, "password": password}
        await self._send("POST", "/v1/auth/signup", body, headers=_for(address), signed=False)
        await self.sign_in(email, password, address)

    async def sign_out(self) -> None:
        """Revoke the tokens; signed out even if the API cannot be reached."""
        tokens = self.tokens
        self._forget()
        if tokens is not None:
            try:
                await self._send("POST", "/v1/auth/logout", {"refresh_token": tokens.refresh}, signed=False)
            except ApiError:
                return

    async def get(self, path: str, **params: Any) -> Any:
        """The answer's JSON, or text. Parameters that are None are left out."""
        return await self._send("GET", path, params={k: v for k, v in params.items() if v is not None})

    async def post(self, path: str, body: Any = None, key: str | None = None) -> Any:
        """`key` is the Idempotency-Key: the same click sent twice happens once."""
        return await self._send("POST", path, body, headers={"Idempotency-Key": key} if key else None)

    async def patch(self, path: str, body: Any) -> Any:
        """Change something."""
        return await self._send("PATCH", path, body)

    async def put(self, path: str, body: Any) -> Any:
        """Replace something."""
        return await self._send("PUT", path, body)

    async def delete(self, path: str) -> Any:
        """Remove something."""
        return await self._send("DELETE", path)

    async def first(self, path: str, wanted: int, **params: Any) -> tuple[Items, bool]:
        """The first `wanted` items of a list, page after page, and whether there are more."""
        found: Items = []
        cursor = None
        while True:
            limit = min(PAGE, wanted - len(found))
            page = await self.get(path, limit=limit, cursor=cursor, **params)
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None or len(found) >= wanted:
                return found, cursor is not None

    async def every(self, path: str, **params: Any) -> Items:
        """A whole list, or its first EVERY items where it is longer."""
        return (await self.first(path, EVERY, **params))[0]

    async def events(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Server-sent events as (name, data), until the API ends the stream; first ("connected", {})."""
        for attempt in (1, 2):
            token = self.tokens
            try:
                async for event in self._events():
                    yield event
                return
            except httpx.TransportError as error:
                raise _silent(error) from error
            except ApiError as error:
                if error.status != httpx.codes.UNAUTHORIZED:
                    raise
                if attempt == 2 or not await self._renew(token):
                    raise self._over() from error

    async def _events(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        timeout = httpx.Timeout(TIMEOUT_S, read=SILENCE_S)
        headers = self._headers(None, signed=True)
        async with self._http.stream("GET", "/v1/events", headers=headers, timeout=timeout) as answer:
            if answer.status_code != httpx.codes.OK:
                await answer.aread()
                raise _error(answer)
            yield "connected", {}
            name, data = "message", ""
            async for line in answer.aiter_lines():
                if line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:"):
                    data += line[5:].removeprefix(" ") + "\n"
                elif not line:
                    if data:
                        yield name, json.loads(data)
                    name, data = "message", ""

    async def _send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        signed: bool = True,
    ) -> Any:
        token = self.tokens
        try:
            answer = await self._request(method, path, body, params, headers, signed)
            if answer.status_code == httpx.codes.UNAUTHORIZED and signed and await self._renew(token):
                answer = await self._request(method, path, body, params, headers, signed)
        except httpx.TransportError as error:
            raise _silent(error) from error
        if answer.status_code == httpx.codes.UNAUTHORIZED and signed:
            raise self._over()
        if answer.is_error:
            raise _error(answer)
        if not answer.content:
            return None
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.json() if is_json else answer.text

    async def _request(
        self,
        method: str,
        path: str,
        body: Any,
        params: dict[str, Any] | None,
        headers: dict[str, str] | None,
        signed: bool,
    ) -> httpx.Response:
        return await self._http.request(
            method, path, json=body, params=params, headers=self._headers(headers, signed=signed)
        )

    def _headers(self, more: dict[str, str] | None, *, signed: bool) -> dict[str, str]:
        found = dict(more or {})
        if signed and self.tokens is not None:
            found["Authorization"] = f"Bearer {self.tokens.access}"
        return found

    async def _renew(self, refused: Tokens | None) -> bool:
        """New tokens in place of `refused`; True if there are other ones now. One caller renews, the others wait."""
        async with self._renewing:
            if self.tokens is not refused:
                return self.tokens is not None
            if refused is None:
                return False
            body = {"refresh_token": refused.refresh}
            answer = await self._request("POST", "/v1/auth/refresh", body, None, None, False)
            if answer.is_server_error:
                raise _error(answer)
            if answer.is_error:
                return False
            self._use(answer.json())
            return True

    def _use(self, answer: dict[str, Any]) -> None:
        self.tokens, self.ended = Tokens(answer["access_token"], answer["refresh_token"]), False
        self.keep(self.tokens)

    def _forget(self) -> None:
        self.tokens = None
        self.keep(None)

    def _over(self) -> SignedOut:
        # Another tab may have signed out, or have seen the end before.
        self.ended = self.ended or self.tokens is not None
        self._forget()
        return SignedOut(401, "Your session is over: please sign in again.")


def _for(address: str | None) -> dict[str, str] | None:
    return {"X-Forwarded-For": address} if address else None


def _silent(error: httpx.TransportError) -> ApiError:
    return ApiError(503, f"The API does not answer ({type(error).__name__}). Is it running? Try again in a moment.")


def _error(answer: httpx.Response) -> ApiError:
    try:
        problem = answer.json()
        detail = str(problem.get("detail") or problem.get("title"))
        for each in problem.get("errors") or ():
            detail += f"\n{each['at'].removeprefix('body.')}: {each['message']}"
    except (ValueError, AttributeError, KeyError, TypeError):
        detail = f"The API answered {answer.status_code}."
    return ApiError(answer.status_code, detail)
