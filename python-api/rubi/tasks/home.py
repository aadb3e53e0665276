"""Where tasks run: one event loop and one pool for a worker process, whatever its number of threads."""

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeVar

import redis.asyncio as redis
import structlog
import uvloop

from rubi.flows.ports import Ports
from rubi.live.bus import Bus
from rubi.observability.metrics import TASK_SECONDS
from rubi.queue import HEARTBEATS, Doorbell
from rubi.settings import Settings
from rubi.store.pool import count_connections, open_pool

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

TASK_PATIENCE = 50.0
"""Seconds that a task may take; longer than any statement or wait inside it."""
AT_ONCE = 8
"""Bells that are followed at the same time: fewer than there are connections."""
LAST_WORDS = 4.0
"""Seconds that flows under way have to end when the worker does."""
HEARTBEAT_PERIOD = 5.0
HEARTBEAT_LIFE = 15


class Home:
    """An event loop in a thread of its own; Celery's threads bring coroutines and wait."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="home", daemon=True)
        self._door = asyncio.Lock()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._begun: set[asyncio.Task[None]] = set()
        self._closing = False
        self._ports: Ports | None = None
        self._redis = redis.Redis.from_pool(
            redis.BlockingConnectionPool.from_url(
                settings.redis_url.get_secret_value(),
                max_connections=20,
                timeout=2,
                socket_timeout=3,
                socket_connect_timeout=2,
            )
        )
        self._bus = Bus(self._redis)
        self._heart: Future[None] | None = None
        self.name = f"{HEARTBEATS}{socket.gethostname()}:{os.getpid()}"

    def start(self) -> None:
        """Start the loop and the heartbeat."""
        self._thread.start()
        self._heart = asyncio.run_coroutine_threadsafe(self._beat(), self._loop)

    def run(self, flow: Callable[[Ports], Awaitable[Result]]) -> Result:
        """Run a flow in the loop and wait for it, at most `TASK_PATIENCE`; what it raises is raised here."""
        return asyncio.run_coroutine_threadsafe(self._run(flow), self._loop).result(TASK_PATIENCE + 5)

    def begin(self, name: str, flow: Callable[[Ports], Awaitable[object]]) -> None:
        """Run a flow in the loop and wait for nothing; `AT_ONCE` run at a time, the others in their order.

        `name` is the task's. What the flow raises is logged and counted.
        """
        self._loop.call_soon_threadsafe(self._begin, name, flow)

    def close(self) -> None:
        """Wait for flows under way, stop the heartbeat, close the pool, end the loop."""
        if not self._thread.is_alive():
            return
        try:
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        except TimeoutError:
            log.warning("worker.close_slow")
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        if not self._thread.is_alive():
            self._loop.close()

    def _begin(self, name: str, flow: Callable[[Ports], Awaitable[object]]) -> None:
        begun = self._loop.create_task(self._follow(name, flow), name=name)
        self._begun.add(begun)
        begun.add_done_callback(self._begun.discard)

    async def _follow(self, name: str, flow: Callable[[Ports], Awaitable[object]]) -> None:
        async with self._turns:
            if self._closing:
                return  # the sweep rings again
            began, outcome = time.perf_counter(), "done"
            try:
                await self._run(flow)
            except Exception:
                outcome = "failed"
                log.exception("task.failed", task=name)
            TASK_SECONDS.labels(name.removeprefix("rubi."), outcome).observe(time.perf_counter() - began)

    async def _run(self, flow: Callable[[Ports], Awaitable[Result]]) -> Result:
        async with asyncio.timeout(TASK_PATIENCE):
            return await flow(await self._open())

    async def _open(self) -> Ports:
        """The doors; opened by the first task, tried again by the next when the database is away."""
        async with self._door:
            if self._ports is None:
                pool = await open_pool(
                    self._settings.database_url.get_secret_value(),
                    size=self._settings.database_pool_size,
                    application="worker",
                )
                self._ports = Ports(pool=pool, bus=self._bus, ring=Doorbell(self._bus.line.say).ring)
            return self._ports

    async def _beat(self) -> None:
        while True:
            try:
                await self._redis.set(self.name, "1", ex=HEARTBEAT_LIFE)
            except (redis.RedisError, OSError) as error:
                log.warning("worker.heartbeat_failed", error_type=type(error).__name__)
            # Also while Redis is away: a worker that waits for it is not helped by being started again.
            if self._settings.heartbeat_file is not None:
                self._settings.heartbeat_file.touch()
            if self._ports is not None:
                count_connections(self._ports.pool)
            await asyncio.sleep(HEARTBEAT_PERIOD)

    async def _close(self) -> None:
        self._closing = True
        if self._begun:
            await asyncio.wait(self._begun, timeout=LAST_WORDS)
        if self._heart is not None:
            self._heart.cancel()
        with contextlib.suppress(redis.RedisError, OSError):
            await self._redis.delete(self.name)
        if self._ports is not None:
            try:
                await asyncio.wait_for(self._ports.pool.close(), 5)
            except TimeoutError:
                self._ports.pool.terminate()
        await self._bus.close()
        await self._redis.aclose()
