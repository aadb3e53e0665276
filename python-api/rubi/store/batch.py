"""Group commit: one writer a process puts what many requests bring into one transaction; each is answered after it.

While one commit is under way, the batch before it is answered and the next one gathers. That takes turns best when
both are of one size. Where calls come one by one and often, a commit each would cost more than what it holds: then a
few wait for more.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import asyncpg
import structlog

from rubi.domain.errors import UnavailableError
from rubi.observability.metrics import BATCH_QUEUE, BATCH_REFUSED, BATCH_ROWS, BATCH_WAIT, Gathered
from rubi.store.packed_arrays import pack_arrays
from rubi.store.pool import Connection, open_connection

log = structlog.get_logger(__name__)

MOST_WAITING = 4096
MOST_AT_ONCE = 512
FEWEST = 16
"""So many are not divided, and fewer wait for more: a commit has its price, whatever is in it."""
PACE = 0.01
"""Seconds from one commit of a few to the next."""
LONELY = 2
"""So many waits in a row that brought nobody say that nobody comes."""
LEFT_OUT = 64
"""So many commits then go without one."""
PATIENCE = 10.0
"""Seconds that one batch may take."""
DRAIN = 4.0
"""Seconds in which the queue is emptied at the end: less than the server waits for its requests."""
_RECONNECT = (0.1, 1.0)

_CONTENDED = (asyncpg.exceptions.TransactionRollbackError, asyncpg.LockNotAvailableError)


class Keyed(Protocol):
    """What may wait: two of one key never share a commit."""

    @property
    def key(self) -> Hashable:
        """Whose rows it touches."""


Item = TypeVar("Item", bound=Keyed)
Settle = Callable[[Connection, Sequence[Item]], Awaitable[Sequence[bool]]]
"""Writes items in one transaction and commits it; False for an item that it left alone, without any write."""


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Item]):
    item: Item
    done: "asyncio.Future[bool]"
    since: float
    written: bool | None = None
    """What became of it, once that is known."""


class Writer(Generic[Item]):
    """The queue of one process and the connection that empties it."""

    def __init__(self, settle: Settle[Item], committed: Callable[[Sequence[Item]], None]) -> None:
        """`settle` writes a batch; `committed` hears of what was written, after its commit, and must not block."""
        self._settle = settle
        self._committed = committed
        self._queue: deque[_Waiting[Item]] = deque()
        self._wake = asyncio.Event()
        self._enough = asyncio.Event()
        self._idle = asyncio.Event()
        self._conn: Connection | None = None
        self._open = False
        self._lonely = self._left_out = 0
        self._waited = Gathered(BATCH_WAIT)

    @property
    def away(self) -> bool:
        """Whether there is no connection to write by."""
        return self._conn is None

    async def submit(self, item: Item) -> bool:
        """Whether the item is committed; False: nothing of it was written, and it is to be handled another way.

        Raises:
            UnavailableError: the database is away, or too many wait. What became of the item may be unknown.

        """
        if not self._open or self._conn is None:
            BATCH_REFUSED.labels("closed" if self._conn is not None else "away").inc()
            raise _away()
        if len(self._queue) >= MOST_WAITING:
            BATCH_REFUSED.labels("full").inc()
            raise UnavailableError("STORE_BUSY", "too many requests wait to be stored; try again", retry_after=1)
        waiting = _Waiting(item, asyncio.get_running_loop().create_future(), time.perf_counter())
        if not self._queue:
            self._idle.clear()
            self._wake.set()
        self._queue.append(waiting)
        if len(self._queue) == FEWEST:
            self._enough.set()
        return await waiting.done

    @contextlib.asynccontextmanager
    async def running(self, dsn: str) -> AsyncIterator["Writer[Item]"]:
        """Write while inside; at the end what waits is written, or refused when that takes too long."""
        task = asyncio.create_task(self._run(dsn), name="group commit")
        self._open = True
        try:
            yield self
        finally:
            self._open = False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN):
                    await self._idle.wait()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            self._fail_all()

    async def _run(self, dsn: str) -> None:
        pause = _RECONNECT[0]
        while True:
            try:
                conn = await open_connection(dsn, application="batch")
                pack_arrays(conn)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("batch.unreachable", error_type=type(error).__name__)
                self._fail_all()
                await asyncio.sleep(pause)
                pause = min(2 * pause, _RECONNECT[1])
                continue
            pause = _RECONNECT[0]
            self._conn = conn
            try:
                await self._serve(conn)
            except Exception as error:  # noqa: BLE001 - whatever it was, those who wait must be answered
                log.warning("batch.away", error_type=type(error).__name__)
            finally:
                self._conn = None
                self._fail_all()
                conn.terminate()

    async def _serve(self, conn: Connection) -> None:
        loop = asyncio.get_running_loop()
        batch: list[_Waiting[Item]] = []
        begun = 0.0
        while True:
            if not self._queue:
                await self._wait(conn)
                await self._gather(len(batch) // 2)
            await self._pace(begun + PACE - loop.time())
            begun = loop.time()
            in_turn = (len(batch) + len(self._queue) + 1) // 2
            batch = self._take(min(max(FEWEST, in_turn), MOST_AT_ONCE))
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._commit(conn, batch)
            finally:
                if self._queue:  # the next batch is on its way before the answers of this one take their time
                    loop.call_soon(self._answer, batch)
                else:
                    self._answer(batch)

    async def _wait(self, conn: Connection) -> None:
        """Wait for somebody to come.

        Raises:
            ConnectionError: the server went away while nobody asked.

        """
        while not self._queue:
            self._idle.set()
            self._wake.clear()
            try:
                async with asyncio.timeout(1):
                    await self._wake.wait()
            except TimeoutError:
                if conn.is_closed():
                    raise ConnectionError("the connection was closed") from None
        self._idle.clear()

    async def _gather(self, enough: int) -> None:
        """Let requests that are being read just now come along, as long as more come and they are few.

        Half of those that came together last time are enough: while they are written, the other half is read.
        """
        there = 0
        while there < len(self._queue):
            there = len(self._queue)
            await asyncio.sleep(0)
            if there >= enough:
                return

    async def _pace(self, seconds: float) -> None:
        """Let a few wait for more, so long at most; not where that has brought nobody: one alone asks again at once."""
        there = len(self._queue)
        if seconds <= 0 or there >= FEWEST:
            return
        if self._left_out:
            self._left_out -= 1
            return
        self._enough.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._enough.wait()
        self._lonely = self._lonely + 1 if len(self._queue) == there else 0
        if self._lonely == LONELY:
            self._lonely, self._left_out = 0, LEFT_OUT

    def _take(self, most: int) -> list[_Waiting[Item]]:
        batch: list[_Waiting[Item]] = []
        later: list[_Waiting[Item]] = []
        keys: set[Hashable] = set()
        while self._queue and len(batch) < most:
            waiting = self._queue.popleft()
            if waiting.item.key in keys:
                later.append(waiting)
            else:
                keys.add(waiting.item.key)
                batch.append(waiting)
        self._queue.extendleft(reversed(later))
        BATCH_QUEUE.set(len(self._queue))
        now = time.perf_counter()
        for waiting in batch:
            self._waited.observe(now - waiting.since)
        return batch

    async def _commit(self, conn: Connection, batch: list[_Waiting[Item]]) -> None:
        """Write a batch, and note what became of it.

        One that cannot be written is halved until what is wrong stands alone.
        """
        items = [waiting.item for waiting in batch]
        try:
            written = await self._settle(conn, items)
        except _CONTENDED:
            written = [False] * len(batch)
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
            raise  # a commit may have been under way: nobody knows, and nothing is written a second time
        except asyncpg.exceptions.OperatorInterventionError:
            raise
        except Exception as error:  # a poisoned item fails alone, whatever is wrong with it
            if conn.is_closed():
                raise
            if len(batch) == 1:
                log.warning("batch.item_left_alone", error_type=type(error).__name__)
                BATCH_REFUSED.labels("poisoned").inc()
                written = [False]
            else:
                half = len(batch) // 2
                await self._commit(conn, batch[:half])
                await self._commit(conn, batch[half:])
                return
        BATCH_ROWS.observe(len(batch))
        for waiting, done in zip(batch, written, strict=True):
            waiting.written = done

    def _answer(self, batch: list[_Waiting[Item]]) -> None:
        """Tell those who wait what became of their items, and the listener what was written."""
        for waiting in batch:
            if waiting.written is not None and not waiting.done.done():
                waiting.done.set_result(waiting.written)
        _fail(batch)  # of what has no answer nobody knows whether it was written
        if told := [waiting.item for waiting in batch if waiting.written]:
            self._committed(told)

    def _fail_all(self) -> None:
        _fail(self._queue)
        self._queue.clear()
        self._idle.set()


def _fail(batch: "Sequence[_Waiting[Item]] | deque[_Waiting[Item]]") -> None:
    for waiting in batch:
        if not waiting.done.done():
            BATCH_REFUSED.labels("away").inc()
            waiting.done.set_exception(_away())


def _away() -> UnavailableError:
    return UnavailableError("STORE_UNAVAILABLE", "the database does not answer; send it again")
