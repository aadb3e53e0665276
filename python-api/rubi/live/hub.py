"""The readers of one process: who hears which events, a bounded queue for each, one serialisation per event."""

import asyncio
import contextlib
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from rubi.live.bus import Bus, Event
from rubi.observability.metrics import WS_CLIENTS, WS_DROPS, WS_FRAMES

MOST_PER_USER = 10
MOST_SYMBOLS = 1000
"""Symbols that one reader may name; a reader of more subscribes to all."""
MOST_STRANGERS = 200
"""Sockets of a process that have not said who they are yet."""
LONGEST_QUEUE = 256
"""Frames; a reader that is further behind is told to read afresh and is let go."""

AUTH, FORBIDDEN, SLOW, TOO_MANY, GOING_AWAY = 4401, 4403, 4408, 4429, 1001

ALWAYS = frozenset({"ACCOUNT_UPDATE", "POSITION_UPDATE", "ORDER_UPDATE", "SIGNAL_UPDATE", "ALERT"})
_WATCH = 0.25


class TooManyReadersError(Exception):
    """The user has as many sockets on this process as are allowed."""


class TooManyStrangersError(Exception):
    """As many sockets as are allowed have not said who they are."""


@dataclass(eq=False, slots=True)
class Reader:
    """One socket: what it hears, and what waits to be sent to it."""

    user_id: int
    jti: UUID
    family: UUID
    account_id: UUID | None = None
    """Set: only events of this account, and those of none."""
    expires_at: datetime | None = None
    symbols: set[str] = field(default_factory=set)
    """Symbols whose prices it hears."""
    every_symbol: bool = False
    ended: int | None = None
    """The close code, once the reader is to go."""
    reason: str = ""
    _seq: int = 0
    _holding: bool = False
    _held: list[tuple[str, str]] = field(default_factory=list)
    _unread_snapshot: int = 0
    _frames: deque[str] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def hears(self, event: Event) -> bool:
        """Whether an event of its user is for this reader."""
        if self.account_id is not None and event.account_id is not None and event.account_id != self.account_id:
            return False
        if event.type == "PRICE_UPDATE":
            return self.every_symbol or event.data.get("symbol") in self.symbols
        return event.type in ALWAYS

    def tell(self, kind: str, data: str) -> None:
        """Let an event wait to be sent; `data` is JSON. A reader that is too far behind ends."""
        if self.ended is not None:
            return
        if len(self._frames) + len(self._held) >= LONGEST_QUEUE + self._unread_snapshot:
            WS_DROPS.labels("slow").inc()
            self._frames.clear()
            self._append("RESYNC", '{"reason":"too slow"}')
            self.end(SLOW, "too slow: read everything afresh")
        elif self._holding:
            self._held.append((kind, data))
        else:
            self._append(kind, data)

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[list[tuple[str, str]]]:
        """Fill the list with what is stored: it is sent before the events that come meanwhile, which are newer.

        Waits until an earlier snapshot has been sent: who asks without reading gets no second one.
        """
        while self._unread_snapshot and self.ended is None:
            await asyncio.sleep(_WATCH / 10)
        frames: list[tuple[str, str]] = []
        self._holding = True
        try:
            yield frames
        finally:
            self._holding = False
            if self.ended is None:
                self._unread_snapshot = len(frames)
                for kind, data in [*frames, *self._held]:
                    self._append(kind, data)
            self._held.clear()

    def watch(self, symbols: Collection[str]) -> bool:
        """Hear the prices of these symbols too; False, and nothing changes, when they would be too many."""
        wanted = self.symbols.union(symbols)
        if len(wanted) > MOST_SYMBOLS:
            return False
        self.symbols = wanted
        return True

    def put_raw(self, frame: str) -> None:
        """Let a whole frame wait that counts in no sequence; dropped when the queue is full."""
        if self.ended is None and len(self._frames) < LONGEST_QUEUE:
            self._frames.append(frame)
            self._wake.set()

    def end(self, code: int, reason: str) -> None:
        """Close the socket after what waits."""
        if self.ended is None:
            self.ended, self.reason = code, reason
            self._wake.set()

    async def frames(self) -> AsyncIterator[str]:
        """What is to be sent, as it comes; ends when the reader is to go."""
        while True:
            while self._frames:
                self._unread_snapshot = max(0, self._unread_snapshot - 1)
                yield self._frames.popleft()
            if self.ended is not None:
                return
            self._wake.clear()
            await self._wake.wait()

    def _append(self, kind: str, data: str) -> None:
        self._seq += 1
        self._frames.append(f'{{"type":"{kind}","seq":{self._seq},"data":{data}}}')
        self._wake.set()
        WS_FRAMES.inc()


class Hub:
    """All readers of a process, by user."""

    def __init__(self) -> None:
        self._readers: dict[int, set[Reader]] = defaultdict(set)
        self._strangers = 0

    def __iter__(self) -> Iterator[Reader]:
        """All readers."""
        return iter([reader for readers in self._readers.values() for reader in readers])

    def has(self, user_id: int) -> bool:
        """Whether a user has a reader here."""
        return user_id in self._readers

    def users(self) -> list[int]:
        """The users that have one."""
        return list(self._readers)

    @contextlib.contextmanager
    def stranger(self) -> Iterator[None]:
        """A socket of nobody known while inside: each may wait for its token, so they are counted.

        Raises:
            TooManyStrangersError: `MOST_STRANGERS` wait on this process.

        """
        if self._strangers >= MOST_STRANGERS:
            WS_DROPS.labels("strangers").inc()
            raise TooManyStrangersError
        self._strangers += 1
        try:
            yield
        finally:
            self._strangers -= 1

    @contextlib.contextmanager
    def joined(self, reader: Reader) -> Iterator[Reader]:
        """The reader hears events while inside.

        Raises:
            TooManyReadersError: its user has ten on this process.

        """
        others = self._readers[reader.user_id]
        if len(others) >= MOST_PER_USER:
            WS_DROPS.labels("too_many").inc()
            raise TooManyReadersError
        others.add(reader)
        WS_CLIENTS.inc()
        try:
            yield reader
        finally:
            WS_CLIENTS.dec()
            others.discard(reader)
            if not others:
                self._readers.pop(reader.user_id, None)

    def hear(self, event: Event) -> None:
        """Hand an event to the readers of its user; never blocks."""
        readers = self._readers.get(event.user_id)
        if not readers:
            return
        if event.type == "TOKEN_REVOKED":
            self._revoke(readers, event.data)
            return
        frame = None
        for reader in readers:
            if reader.hears(event):
                frame = frame or _frame(event)
                reader.tell(event.type, frame)

    def revoke(self, jtis: set[UUID]) -> None:
        """End the readers of tokens that count no more."""
        for reader in self:
            if reader.jti in jtis:
                _revoked(reader)

    @contextlib.asynccontextmanager
    async def running(self, bus: Bus) -> AsyncIterator["Hub"]:
        """Hear the live bus while inside; at the end every reader is told to go."""
        task = asyncio.create_task(self._watch(bus), name="hub")
        try:
            with bus.listen(self.hear):
                yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            for reader in self:
                reader.end(GOING_AWAY, "the service stops")

    async def _watch(self, bus: Bus) -> None:
        """What was published while the bus was down is lost: readers read afresh. Tokens run out."""
        heard = bus.subscriptions
        while True:
            await asyncio.sleep(_WATCH)
            if bus.subscriptions != heard:
                if heard:
                    for reader in self:
                        reader.tell("RESYNC", '{"reason":"events were missed"}')
                heard = bus.subscriptions
            now = datetime.now(UTC)
            for reader in self:
                if reader.expires_at is not None and reader.expires_at <= now:
                    reader.end(AUTH, "the token ran out")

    @staticmethod
    def _revoke(readers: set[Reader], said: dict[str, Any]) -> None:
        for reader in readers:
            if "but_family" in said:
                gone = reader.jti != reader.family and str(reader.family) != said["but_family"]
            else:
                gone = str(reader.jti) == said.get("jti") or str(reader.family) == said.get("family")
            if gone:
                _revoked(reader)


def _revoked(reader: Reader) -> None:
    WS_DROPS.labels("revoked").inc()
    reader.end(AUTH, "the token was revoked")


def _frame(event: Event) -> str:
    account = {} if event.account_id is None else {"account_id": str(event.account_id)}
    return dump(account | event.data)


def dump(data: object) -> str:
    """JSON without spaces; what JSON does not know is text."""
    return json.dumps(data, separators=(",", ":"), default=str)
