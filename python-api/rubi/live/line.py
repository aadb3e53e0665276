"""One connection to Redis for what is said and not asked: whatever waits goes out in one write."""

import asyncio
import contextlib
from typing import Any

import redis.asyncio as redis

PATIENCE = 3.0
"""Seconds that Redis may take to connect and to answer."""

Command = tuple[str | bytes, ...]
_Call = tuple[tuple[Command, ...], "asyncio.Future[None]"]


class Line:
    """Sends commands in the order in which they are said; belongs to the event loop that says the first.

    It costs a fraction of what redis-py's pool and pipeline cost, and nobody waits for a command of somebody else.
    """

    def __init__(self, client: "redis.Redis", *, longest: int = 10_000) -> None:
        """`client` says where Redis is and how to log in; `longest`: calls that may wait while it does not answer."""
        self._pool = client.connection_pool
        self._longest = longest
        self._waiting: list[_Call] = []
        self._connection: Any = None
        self._sending: asyncio.Task[None] | None = None

    def say(self, *commands: Command) -> "asyncio.Future[None]":
        """Send commands after all that were said before; never blocks, never raises.

        The future is done when Redis has answered them. It holds a redis.RedisError or an OSError when one of them may
        not have arrived, also when too much waits. What may have arrived is sometimes sent twice.
        """
        done = asyncio.get_running_loop().create_future()
        if len(self._waiting) >= self._longest:
            done.set_exception(ConnectionError(f"{len(self._waiting)} calls wait for Redis"))
            return done
        self._waiting.append((commands, done))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send(), name="line to Redis")
        return done

    async def close(self, *, within: float = 2.0) -> None:
        """Send what waits, at most `within` seconds, and hang up."""
        sending = self._sending
        if sending is not None:
            await asyncio.wait([sending], timeout=within)
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
        await self._hang_up()

    async def _send(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                async with asyncio.timeout(PATIENCE):
                    if not await self._tell_old_connection(batch):
                        await self._connect()
                        await self._tell(batch)
            except Exception as error:  # noqa: BLE001 - whatever it was, those who wait are to hear of it
                await self._hang_up()
                _fail(batch, error)
            except asyncio.CancelledError:
                _fail([*batch, *self._waiting], ConnectionError("the line to Redis was closed"))
                raise

    async def _tell_old_connection(self, batch: list[_Call]) -> bool:
        """Whether a connection from before has taken the batch; one that a restart of Redis has cut has not."""
        if self._connection is None:
            return False
        try:
            await self._tell(batch)
        except (redis.ConnectionError, OSError):
            await self._hang_up()
            return False
        return True

    async def _tell(self, batch: list[_Call]) -> None:
        packed = self._connection.pack_commands([command for commands, _ in batch for command in commands])
        await self._connection.send_packed_command(packed, check_health=False)
        for commands, done in batch:
            refused = None
            for _ in commands:
                try:
                    await self._connection.read_response(disable_decoding=True)
                except redis.ResponseError as error:
                    refused = error
            if done.done():
                continue
            if refused is None:
                done.set_result(None)
            else:
                done.set_exception(refused)

    async def _connect(self) -> None:
        # The patience is one around everything: with a timeout of its own redis-py makes a task for each write.
        settings = {**self._pool.connection_kwargs, "socket_timeout": None}
        self._connection = self._pool.connection_class(**settings)
        await self._connection.connect()

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(redis.RedisError, OSError):
                await connection.disconnect(nowait=True)


def _fail(batch: list[_Call], error: Exception) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(error)
