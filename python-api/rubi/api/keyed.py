"""`Idempotency-Key` on what changes something: a repeated request gets the first answer."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from rubi.api.deps import Now, PortsDep, RequestId, Trader
from rubi.domain.errors import RubiError
from rubi.flows.keep_answer import Caller, Effect, Key, answer_once
from rubi.flows.ports import Connection, Ports

LONGEST_KEY = 255


class Once:
    """Carries out what a trader asks for, once for each key."""

    def __init__(self, ports: Ports, caller: Caller, key: Key | None) -> None:
        self.ports = ports
        self.caller = caller
        self._key = key

    async def __call__(
        self, effect: Callable[[Connection], Awaitable[Effect]], *, location: str | None = None
    ) -> Response:
        """Do it, or repeat what was answered. `location`: where the made thing is found, before its id."""
        answer = await answer_once(self.ports, self.caller, self._key, effect)
        headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
        if location is not None and answer.status == 201:
            headers["Location"] = f"{location}/{json.loads(answer.body)['id']}"
        return Response(answer.body, answer.status, headers, "application/json")


async def _once(
    request: Request,
    who: Trader,
    ports: PortsDep,
    request_id: RequestId,
    now: Now,
    idempotency_key: Annotated[
        str | None,
        Header(description="A retry with the same key and body gets the first answer; another body under it is a 409"),
    ] = None,
) -> Once:
    key = None
    if idempotency_key is not None:
        text = idempotency_key.strip()
        if not 1 <= len(text) <= LONGEST_KEY or not text.isprintable():
            raise RubiError(
                "IDEMPOTENCY_KEY_INVALID",
                f"the Idempotency-Key has {len(text)} characters; use 1 to {LONGEST_KEY} printable ones",
                field="Idempotency-Key",
            )
        # A token of one account may not read what another token of its owner was answered.
        said = f"{who.account_id}|{_canonical(await request.body())}"
        asked = f"?{request.url.query}" if request.url.query else ""
        route = f"{request.method} {request.url.path}{asked}"
        key = Key(text, route, hashlib.sha256(said.encode()).digest())
    return Once(ports, Caller(who, request_id, now), key)


def _canonical(body: bytes) -> str:
    """What a body says, whatever its spacing and the order of its names."""
    try:
        return json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"))
    except ValueError:
        return body.decode("utf-8", "replace")


OnceDep = Annotated[Once, Depends(_once)]
