"""One user over real HTTP: asks until there is an answer, and cuts some requests himself.

A request whose connection ended, whose answer is INTERNAL or UNAVAILABLE, or that took too long may
have been carried out or not. It is asked again until it is answered, with the same idempotency key
where the mutation makes something; all others may be repeated by their nature. One without an
answer may still be carried out late, from bytes that a network held up. A wish of one generation
(`at`) is refused by then, and one with a key does nothing: the next one is sent at once. After any
other nothing is until nothing can be under way any more.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx

_PATIENCE = 600.0
_TIMEOUT = 10.0
# What may be answered in the middle of a failure, and says nothing about the request.
_AGAIN = {"INTERNAL", "RATE_LIMITED", "UNAVAILABLE"}
_MISMATCH = "GENERATION_MISMATCH"


class Refused(Exception):  # noqa: N818 - an answer
    """A top-level error that stays; `code` is its code."""

    def __init__(self, code: str, answer: object) -> None:
        super().__init__(f"{code}: {answer}")
        self.code = code


class Caller:
    """`urls`: of the APIs, of which each request takes one; `cut` of the requests are cut; `calm`
    returns once nothing that was sent can be under way any more."""

    def __init__(
        self,
        urls: list[str],
        name: str,
        seed: str,
        cut: float,
        calm: Callable[[], Awaitable[None]],
    ) -> None:
        self.login = f"{name}-{uuid4().hex[:10]}"
        self.token = ""
        self.cuts = self.again = self.answered = self.calms = self.lost = 0
        self._urls = urls
        self._cut = cut
        self._calm = calm
        self._random = random.Random(seed)
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=20)
        self._http = httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False, limits=limits)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, document: str, **variables: object) -> dict[str, Any]:
        """The data of the answer; Refused."""
        found, again = await self._answer(document, variables)
        if again:
            self.calms += 1
            async with asyncio.timeout(_PATIENCE):
                await self._calm()
        return _data(found)

    async def safely(self, document: str, **variables: object) -> dict[str, Any]:
        """The same of what does no harm when it is carried out late: a query, or what has a key."""
        found, _ = await self._answer(document, variables)
        return _data(found)

    async def at(
        self, generation: int, document: str, **variables: object
    ) -> dict[str, Any] | None:
        """The same of a wish `$at` this generation of what it is about; None if it was carried out
        when it was sent before, and that answer got lost."""
        found, again = await self._answer(document, variables | {"at": generation})
        facts = [error["extensions"] for error in found.get("errors") or []]
        done = {"code": _MISMATCH, "generation": generation + 1}
        if again and any(done.items() <= one.items() for one in facts):
            self.lost += 1
            return None
        return _data(found)

    async def _answer(
        self, document: str, variables: dict[str, object]
    ) -> tuple[dict[str, Any], bool]:
        """An answer, and whether it was sent more than once."""
        body = {"query": document, "variables": variables}
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        cut = self._random.random() < self._cut
        async with asyncio.timeout(_PATIENCE):
            found = await self._once(body, headers, cut=cut)
            again = found is None
            if found is None:
                found = await self._insist(body, headers)
        self.answered += 1
        return found, again

    async def _insist(self, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        longest = 0.5
        while True:
            self.again += 1
            await asyncio.sleep(self._random.uniform(0.05, longest))
            # As clients are asked to: two hundred that do not wait are a fault of their own.
            longest = min(2 * longest, 4.0)
            found = await self._once(body, headers, cut=False)
            if found is not None:
                return found

    async def sign_up(self) -> None:
        """Be a new user, though the answer to the sign-up got lost."""
        given = {"login": self.login, "password": uuid4().hex}
        made = """mutation ($i: SignUpInput!) {
          signUp(input: $i) { credentials { accessToken } errors { code message } } }"""
        found = (await self.safely(made, i=given))["signUp"]
        if [error["code"] for error in found["errors"]] == ["TAKEN"]:
            known = (
                "mutation ($i: SignInInput!) { signIn(input: $i) { credentials { accessToken } } }"
            )
            found = (await self.safely(known, i=given))["signIn"]
        self.token = found["credentials"]["accessToken"]

    async def _once(
        self, body: dict[str, Any], headers: dict[str, str], *, cut: bool
    ) -> dict[str, Any] | None:
        """The answer; None when there was none."""
        url = f"{self._random.choice(self._urls)}/graphql"
        timeout = _TIMEOUT
        if cut:
            self.cuts += 1
            timeout = self._random.uniform(0.001, 0.03)
        try:
            answer = await self._http.post(url, json=body, headers=headers, timeout=timeout)
            found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, json.JSONDecodeError):
            return None
        return None if _codes(found) & _AGAIN else found


def _codes(answer: dict[str, Any]) -> set[str]:
    return {str(error["extensions"]["code"]) for error in answer.get("errors") or []}


def _data(answer: dict[str, Any]) -> dict[str, Any]:
    codes = _codes(answer)
    if codes:
        raise Refused(min(codes), answer["errors"])
    found: dict[str, Any] = answer["data"]
    return found
