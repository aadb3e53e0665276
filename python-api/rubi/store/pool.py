"""The connection pool: one a process, made inside its running loop."""

import json
from typing import TYPE_CHECKING, TypeAlias, cast

import asyncpg

from rubi.observability.metrics import POOL_IN_USE, POOL_OPEN

if TYPE_CHECKING:
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:  # asyncpg's classes take no parameters at run time
    Pool = asyncpg.Pool
    Connection = asyncpg.pool.PoolConnectionProxy
Row: TypeAlias = asyncpg.Record


LONGEST_WAIT = 5.0
"""Seconds that a request waits for a free connection; then it is answered 503 instead of hanging."""
STATEMENTS = 400
"""Prepared statements of a connection: more than the store has, so that what is asked rarely stays prepared, too."""
FOR_GOOD = 0
"""What asyncpg takes for: without an end. A signal an hour must find everything as the last one left it."""
ANY_NUMBER = 1_000_000_000
"""Queries after which a connection makes way for a fresh one, which has nothing prepared: it never does."""


class _PatientPool(Pool):
    """A pool that gives up waiting for a connection."""

    def acquire(self, *, timeout: float | None = LONGEST_WAIT) -> "asyncpg.pool.PoolAcquireContext[asyncpg.Record]":
        return super().acquire(timeout=timeout)


async def open_pool(dsn: str, *, size: int, application: str, planned_once: bool = False) -> Pool:
    """A pool of at most `size` connections; JSON columns are Python values, a statement ends after 10 s.

    `planned_once`: a statement is planned at its first call, for whatever it is asked, and not five times more.

    Raises:
        OSError, asyncpg.PostgresError: the database cannot be reached or refuses.

    """
    return await _PatientPool(
        dsn,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        init_size=1,
        min_size=1,
        max_size=size,
        max_queries=ANY_NUMBER,
        loop=None,
        connect=None,
        setup=None,
        init=speak_json,
        reset=_nothing_to_reset,
        command_timeout=15,
        timeout=5,
        statement_cache_size=STATEMENTS,
        max_cached_statement_lifetime=FOR_GOOD,
        max_inactive_connection_lifetime=FOR_GOOD,
        server_settings=_settings_of(application, planned_once=planned_once),
    )


async def open_connection(dsn: str, *, application: str) -> Connection:
    """One connection outside any pool, with the settings of a pool's that is planned once.

    Raises:
        OSError, asyncpg.PostgresError: the database cannot be reached or refuses.

    """
    connection = await asyncpg.connect(
        dsn,
        command_timeout=15,
        timeout=5,
        statement_cache_size=STATEMENTS,
        max_cached_statement_lifetime=FOR_GOOD,
        server_settings=_settings_of(application, planned_once=True),
    )
    await speak_json(connection)
    return cast("Connection", connection)


def _settings_of(application: str, *, planned_once: bool) -> dict[str, str]:
    return {
        "application_name": f"rubi-{application}",
        "statement_timeout": "10000",
        "lock_timeout": "5000",
        "idle_in_transaction_session_timeout": "15000",
        # Idle lines stay open; what stands between may forget them, unless something passes.
        "tcp_keepalives_idle": "60",
        "plan_cache_mode": "force_generic_plan" if planned_once else "auto",
        "timezone": "UTC",
    }


def count_connections(pool: Pool) -> None:
    """Tell the metrics how many connections of this process's pool are open, and how many of them are in use."""
    POOL_OPEN.set(pool.get_size())
    POOL_IN_USE.set(pool.get_size() - pool.get_idle_size())


async def speak_json(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Make JSON columns Python values on this connection."""
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_dumps, decoder=json.loads)


def _dumps(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), default=str)


async def _nothing_to_reset(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """No SET, LISTEN or session lock is ever used on a pooled connection; asyncpg's own reset costs a round trip."""
