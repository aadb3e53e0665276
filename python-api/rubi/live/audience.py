"""Whose live data somebody reads, in any process: prices and profits of the others are not published at all."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from rubi.live.bus import Bus, Event
from rubi.live.hub import Hub

_EVERY = 1.0
_KEPT = 5.0
"""Seconds without a word after which another process's readers are taken to have gone."""


class Audience:
    """The users with readers: those of this process's hub, and those that other processes tell of."""

    def __init__(self, bus: Bus, hub: Hub) -> None:
        self._bus = bus
        self._hub = hub
        self._elsewhere: dict[int, float] = {}

    def listens(self, user_id: int) -> bool:
        """Whether anybody reads what happens to a user's accounts."""
        if self._hub.has(user_id):
            return True
        return bool(self._elsewhere) and self._elsewhere.get(user_id, 0.0) > time.monotonic()

    async def joins(self, user_id: int) -> None:
        """Tell every process of a reader; before its snapshot is read, so that nothing is missed after it."""
        await self._bus.publish([_readers([user_id])])

    def hear(self, event: Event) -> None:
        """Note who reads elsewhere; listens to the live bus."""
        if event.type == "READERS":
            until = time.monotonic() + _KEPT
            self._elsewhere.update(dict.fromkeys(event.data.get("users", ()), until))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Audience"]:
        """Hear of readers elsewhere, and tell of those here, while inside."""
        task = asyncio.create_task(self._tell(), name="audience")
        try:
            with self._bus.listen(self.hear):
                yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            now = time.monotonic()
            for user_id in [user for user, until in self._elsewhere.items() if until <= now]:
                del self._elsewhere[user_id]
            users = self._hub.users()
            if users:
                await self._bus.publish([_readers(users)])


def _readers(users: list[int]) -> Event:
    return Event("READERS", 0, None, {"users": users})
