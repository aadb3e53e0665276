"""A request that changes something is carried out once: its answer is kept under the client's key, with its effect."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rubi.domain.auth import Principal
from rubi.domain.errors import ConflictError
from rubi.flows.ports import Connection, Ports
from rubi.live.bus import Event
from rubi.observability.metrics import ORDER_TRANSITIONS, REPLAYS
from rubi.store import idempotency
from rubi.store.idempotency import KeptAnswer
from rubi.store.order_views import Owner


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, in which request, and when it came in."""

    who: Principal
    request_id: str | None
    now: datetime

    @property
    def owner(self) -> Owner:
        """Whose rows the caller may see and change."""
        return Owner(self.who.user_id, self.who.account_id)


@dataclass(frozen=True, slots=True)
class Key:
    """The client's own name of a request; `route` and `body_sha256` tell two requests under one key apart."""

    text: str
    route: str
    body_sha256: bytes


@dataclass(frozen=True, slots=True)
class Effect:
    """What a request did: its answer, and what is told after the commit. `bells`: signals that a worker waits for."""

    status: int
    answer: Mapping[str, Any]
    events: Sequence[Event] = field(default=(), repr=False)
    bells: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """JSON to send; `replayed`: it is what was answered the first time."""

    status: int
    body: bytes
    replayed: bool = False


async def answer_once(
    ports: Ports, caller: Caller, key: Key | None, effect: Callable[[Connection], Awaitable[Effect]]
) -> Answer:
    """Carry a request out in one transaction with its kept answer, then tell everybody.

    Of two under one key the second waits for the first and repeats its answer. An error undoes everything and keeps
    nothing: the key may be used again.

    Raises:
        ConflictError: `IDEMPOTENCY_KEY_CONFLICT`, the key was used for another request; and what `effect` raises.

    """
    user_id = caller.who.user_id
    async with ports.pool.acquire() as conn, conn.transaction():
        if key is not None:
            await idempotency.take_turn(conn, user_id, key.text)
            kept = await idempotency.find(conn, user_id, key.text)
            if kept is not None:
                return _repeat(key, kept)
        done = await effect(conn)
        body = json.dumps(done.answer, separators=(",", ":"), ensure_ascii=False, default=str).encode()
        if key is not None:
            new = KeptAnswer(key.route, key.body_sha256, done.status, body)
            await idempotency.insert(conn, user_id, key.text, new, caller.now)
    for signal_id in done.bells:
        ports.ring_decide(signal_id)
    for event in done.events:
        if event.type == "ORDER_UPDATE" and "event" not in event.data:  # settling has counted the others
            ORDER_TRANSITIONS.labels(event.data["state"]).inc()
    await ports.bus.publish(done.events)
    return Answer(done.status, body)


def _repeat(key: Key, kept: KeptAnswer) -> Answer:
    if kept.route != key.route or bytes(kept.body_sha256) != key.body_sha256:
        raise ConflictError(
            "IDEMPOTENCY_KEY_CONFLICT",
            f"this key was used for {kept.route} with another request; send a new key for a new wish, "
            "or the same request to repeat the old one",
            route=kept.route,
        )
    REPLAYS.labels("idempotency_key").inc()
    return Answer(kept.status, bytes(kept.answer), replayed=True)
