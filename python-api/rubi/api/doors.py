"""The process's doors: database, Redis, live bus, doorbell. Without them the service starts, and opens them later."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence

import asyncpg
import redis.asyncio as redis
import structlog

from rubi.domain.errors import UnavailableError
from rubi.flows.authenticate import Doorkeeper
from rubi.flows.known_terminals import KnownTerminals
from rubi.flows.ports import Ports
from rubi.flows.quiet_cycle import Push, QuietCycles, frames
from rubi.flows.sign_token import TokenKeys
from rubi.live.audience import Audience
from rubi.live.bus import Bus
from rubi.live.hub import Hub
from rubi.live.limiter import Limiter
from rubi.queue import Doorbell
from rubi.settings import Settings
from rubi.store import tokens
from rubi.store.batch import Writer
from rubi.store.pool import Connection, Pool, count_connections, open_connection, open_pool

log = structlog.get_logger(__name__)

_RETRY = 0.5
"""Seconds between attempts to reach the database."""
_TOKENS = 2.0
"""Seconds between looks at the tokens that are remembered, and at those of open sockets."""


class Doors:
    """What the routes of one process share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.redis = redis_client(settings.redis_url.get_secret_value())
        self.bus = Bus(self.redis)
        self.hub = Hub()
        self.audience = Audience(self.bus, self.hub)
        self.limiter = Limiter(self.redis)
        self.keys = TokenKeys(settings)
        self.doorkeeper = Doorkeeper(self.ports, self.keys)
        self.known = KnownTerminals()
        self.writer: Writer[Push] = Writer(QuietCycles(self.known).settle, self._tell)
        self._telling: set[asyncio.Task[None]] = set()
        self._ports: Ports | None = None

    def ports(self) -> Ports:
        """What flows may reach.

        Raises:
            UnavailableError: the database has not been reached since the start.

        """
        if self._ports is None:
            raise UnavailableError("STORE_UNAVAILABLE", "the database has not been reached yet; try again")
        return self._ports

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Doors"]:
        """Open while inside; a database that is away is tried again in the background until it answers."""
        doorbell = Doorbell(self.bus.line.say)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.redis.aclose)
            stack.push_async_callback(self.bus.close)
            await stack.enter_async_context(self.bus.running())
            stack.enter_context(self.bus.listen(self.doorkeeper.hear))
            await stack.enter_async_context(self.hub.running(self.bus))
            await stack.enter_async_context(self.audience.running())
            pools: list[Pool] = []
            stack.push_async_callback(_close_pools, pools)
            if not await self._try_database(pools, doorbell):
                task = asyncio.create_task(self._keep_trying(pools, doorbell), name="open the database")
                stack.push_async_callback(_cancel, task)
            watching = asyncio.create_task(self._watch_tokens(), name="watch tokens")
            stack.push_async_callback(_cancel, watching)
            async with self.writer.running(self.settings.database_url.get_secret_value()):
                yield self
            self._ports = None

    async def _try_database(self, pools: list[Pool], doorbell: Doorbell) -> bool:
        dsn = self.settings.database_url.get_secret_value()
        try:
            pool = await open_pool(dsn, size=self.settings.database_pool_size, application="api", planned_once=True)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("database.unreachable", error_type=type(error).__name__)
            return False
        pools.append(pool)
        self._ports = Ports(pool=pool, bus=self.bus, ring=doorbell.ring)
        count_connections(pool)
        log.info("database.open")
        return True

    async def _keep_trying(self, pools: list[Pool], doorbell: Doorbell) -> None:
        while not await self._try_database(pools, doorbell):
            await asyncio.sleep(_RETRY)

    def _tell(self, pushes: Sequence[Push]) -> None:
        """Publish what was committed, as far as anybody reads it; nobody waits for that."""
        events = [
            event for push in pushes if self.audience.listens(push.known.terminal.user_id) for event in frames(push)
        ]
        if events:
            task = asyncio.create_task(self.bus.publish(events), name="tell")
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _watch_tokens(self) -> None:
        """What the live bus did not say about tokens in use is asked of the database, on a connection of its own.

        Behind those who wait for one of the pool it would come late. Then no token would be remembered any more, every
        call would ask for its token by itself, and more would wait for the pool.
        """
        conn: Connection | None = None
        due = time.monotonic() + _TOKENS
        try:
            while True:
                await asyncio.sleep(due - time.monotonic())
                due = time.monotonic() + _TOKENS
                if self._ports is None:
                    continue
                count_connections(self._ports.pool)
                held = {(reader.jti, reader.family) for reader in self.hub}
                try:
                    if conn is None or conn.is_closed():
                        dsn = self.settings.database_url.get_secret_value()
                        conn = await open_connection(dsn, application="tokens")
                    # One that is among the last this time and was among the first before still counts.
                    await self.doorkeeper.look_again(conn, spread=_TOKENS / 2)
                    if held:
                        self.hub.revoke(await tokens.refused(conn, list(held)))
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                    log.warning("tokens.unwatched", error_type=type(error).__name__)
                    if conn is not None:
                        conn.terminate()
                        conn = None
        finally:
            if conn is not None:
                conn.terminate()


def redis_client(url: str) -> "redis.Redis":
    """A client that waits for a free connection instead of refusing, and gives a dead server up in seconds."""
    pool = redis.BlockingConnectionPool.from_url(
        url, max_connections=50, timeout=2, socket_timeout=3, socket_connect_timeout=2, socket_keepalive=True
    )
    return redis.Redis.from_pool(pool)


async def _close_pools(pools: list[Pool]) -> None:
    for pool in pools:
        try:
            await asyncio.wait_for(pool.close(), 5)
        except TimeoutError:
            pool.terminate()


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
