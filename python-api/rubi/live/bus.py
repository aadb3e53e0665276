"""What just happened, told to every process through Redis: after the commit, never the only record of a fact."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import redis.asyncio as redis
import structlog

from rubi.live.line import Line
from rubi.live.waiters import Waiter, Waiters

log = structlog.get_logger(__name__)

CHANNEL = "rubi:live"

EventType = Literal[
    "COMMAND_WAITS",
    "SIGNAL_UPDATE",
    "ORDER_UPDATE",
    "POSITION_UPDATE",
    "ACCOUNT_UPDATE",
    "PRICE_UPDATE",
    "ALERT",
    "TOKEN_REVOKED",
    "READERS",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to a user's account. `data` is JSON and has the spec's shape for WebSocket readers."""

    type: EventType
    user_id: int
    account_id: UUID | None = None
    data: dict[str, Any] = field(default_factory=dict)


Listener = Callable[[Event], None]
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Bus:
    """Publishes events, and hears those of all processes by one subscription."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis = client
        self.line = Line(client)
        """The connection by which it tells; what else is said to Redis keeps its place among the events."""
        self._waiters = Waiters()
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self.connected = asyncio.Event()
        self.subscriptions = 0
        """How often the subscription was made: each one after the first means that events were missed."""

    async def publish(self, events: Iterable[Event]) -> None:
        """Tell everybody; returns when Redis has it. Redis away is no error: readers poll, terminals ask again."""
        told = self.tell(events)
        if told is not None:
            with contextlib.suppress(redis.RedisError, OSError):
                await told

    def tell(self, events: Iterable[Event]) -> "asyncio.Future[None] | None":
        """Tell everybody after all that was told before, without waiting; None when there is nothing to tell.

        What Redis has against it is logged, and held by the future for whoever waits for it.
        """
        frames = [
            (
                "PUBLISH",
                CHANNEL,
                _encode(
                    {
                        "t": event.type,
                        "u": event.user_id,
                        "a": str(event.account_id) if event.account_id else None,
                        "d": event.data,
                    }
                ),
            )
            for event in events
        ]
        if not frames:
            return None
        told = self.line.say(*frames)
        told.add_done_callback(_log_failure)
        return told

    async def close(self) -> None:
        """Tell what waits, then hang up."""
        await self.line.close()

    def waiter(self, account_id: UUID) -> Waiter:
        """What is rung when a command waits for the account, while it is entered."""
        return Waiter(self._waiters, account_id)

    @contextlib.contextmanager
    def listen(self, listener: Listener) -> Iterator[None]:
        """Call `listener` with every event; it must not block."""
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Bus"]:
        """Hear events while inside."""
        self._task = asyncio.create_task(self._hear(), name="bus")
        try:
            yield self
        finally:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _hear(self) -> None:
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    self.subscriptions += 1
                    self.connected.set()
                    # What was published while nobody listened is lost: every parked poll looks again.
                    self._waiters.ring_all()
                    async for message in pubsub.listen():
                        self._dispatch(message["data"])
            except (redis.RedisError, OSError) as error:
                self.connected.clear()
                log.warning("bus.disconnected", error=type(error).__name__)
                await asyncio.sleep(0.5)

    def _dispatch(self, frame: bytes | str) -> None:
        try:
            said = json.loads(frame)
            event = Event(said["t"], said["u"], UUID(said["a"]) if said["a"] else None, said["d"])
        except (ValueError, KeyError, TypeError):
            log.warning("bus.frame_malformed")
            return
        if event.type == "COMMAND_WAITS" and event.account_id is not None:
            self._waiters.ring(event.account_id, _orders_of(event.data))
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception:
                # One listener's mistake must not end the subscription of all the others.
                log.exception("bus.listener_failed", event_type=event.type)


def _orders_of(data: Any) -> list[str]:
    """What a bell tells of the orders that wait; most say no more than that something does."""
    orders = data.get("orders") if isinstance(data, dict) else None
    return orders if isinstance(orders, list) else []


def _log_failure(told: "asyncio.Future[None]") -> None:
    if not told.cancelled() and (error := told.exception()) is not None:
        log.warning("bus.publish_failed", error=type(error).__name__)
