"""The page's side of the REST API: one signed-in visitor, tokens renewed when they run out."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx

TIMEOUT_S = 20.0


class ApiError(Exception):
    """What the API answered instead (RFC 9457), in words a visitor can act on."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class SignedOut(ApiError):
    """The session is over: sign in again."""


@dataclass
class Tokens:
    """What a sign-in brings. Kept on the server side of the page, never sent to the browser."""

    access: str
    refresh: str


class Api:
    """Calls to the REST API for one visitor. `keep` is told whenever the tokens change (None: signed out)."""

    def __init__(self, base_url: str, tokens: Tokens | None, keep: Callable[[Tokens | None], None]) -> None:
        self.tokens = tokens
        self._keep = keep
        self._http = httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT_S)

    async def close(self) -> None:
        await self._http.aclose()

    async def sign_in(self, email: str, password: str) -> None:
        """Raises ApiError with the API's own words."""
        answer = await self._send("POST", "/v1/auth/login", {"email": email, "password": password}, signed=False)
        self._use(answer)

    async def sign_up(self, email: str, password: str) -> None:
        """Create a user and sign in."""
        await self._send("POST", "/v1/auth/signup", {"email": email, "password": password}, signed=False)
        await self.sign_in(email, password)

    async def sign_out(self) -> None:
        """Revoke the tokens; signed out even if the API cannot be reached."""
        tokens, self.tokens = self.tokens, None
        self._keep(None)
        if tokens is not None:
            try:
                await self._send("POST", "/v1/auth/logout", {"refresh_token": tokens.refresh}, signed=False)
            except ApiError:
                return

    async def get(self, path: str, **params: Any) -> Any:
        return await self._send("GET", path, params={k: v for k, v in params.items() if v is not None})

    async def post(self, path: str, body: Any = None, key: str | None = None) -> Any:
        """`key` is the Idempotency-Key: the same click sent twice happens once."""
        return await self._send("POST", path, body, headers={"Idempotency-Key": key} if key else None)

    async def patch(self, path: str, body: Any) -> Any:
        return await self._send("PATCH", path, body)

    async def put(self, path: str, body: Any) -> Any:
        return await self._send("PUT", path, body)

    async def delete(self, path: str) -> Any:
        return await self._send("DELETE", path)

    async def items(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """The first page of a list."""
        found: list[dict[str, Any]] = (await self.get(path, **params))["items"]
        return found

    async def events(self) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Server-sent events as (name, data), until the connection ends."""
        headers = self._headers(None, signed=True)
        async with self._http.stream("GET", "/v1/events", headers=headers, timeout=None) as answer:
            if answer.status_code != httpx.codes.OK:
                await answer.aread()
                raise _error(answer)
            name = "message"
            async for line in answer.aiter_lines():
                if line.startswith("event:"):
                    name = line[6:].strip()
                elif line.startswith("data:"):
                    yield name, json.loads(line[5:])

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
        try:
            answer = await self._request(method, path, body, params, headers, signed)
            if answer.status_code == httpx.codes.UNAUTHORIZED and signed and await self._renew():
                answer = await self._request(method, path, body, params, headers, signed)
        except httpx.TransportError as error:
            raise ApiError(503, f"The API does not answer ({type(error).__name__}). Is it running?") from error
        if answer.status_code == httpx.codes.UNAUTHORIZED and signed:
            self.tokens = None
            self._keep(None)
            raise SignedOut(401, "Your session is over: please sign in again.")
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

    async def _renew(self) -> bool:
        if self.tokens is None:
            return False
        answer = await self._request(
            "POST", "/v1/auth/refresh", {"refresh_token": self.tokens.refresh}, None, None, False
        )
        if answer.is_error:
            return False
        self._use(answer.json())
        return True

    def _use(self, answer: dict[str, Any]) -> None:
        self.tokens = Tokens(answer["access_token"], answer["refresh_token"])
        self._keep(self.tokens)


def _error(answer: httpx.Response) -> ApiError:
    try:
        problem = answer.json()
        detail = str(problem.get("detail") or problem.get("title"))
        for each in problem.get("errors") or ():
            detail += f"\n{each['at']}: {each['message']}"
    except (ValueError, AttributeError, KeyError, TypeError):
        detail = f"The API answered {answer.status_code}."
    return ApiError(answer.status_code, detail)
