"""Whether the service lives, and whether it can work."""

import asyncio
from typing import Any, Literal

import asyncpg
import redis
from fastapi import APIRouter, Response

from rubi import __version__
from rubi.api.deps import DoorsDep, Now
from rubi.api.doors import Doors
from rubi.api.wire import Moment, Told
from rubi.domain.errors import RubiError
from rubi.queue import HEARTBEATS
from rubi.store import migrations, vitals

router = APIRouter(tags=["health"])

_PATIENCE = 3.0
_AWAY = (OSError, RubiError, asyncpg.PostgresError, asyncpg.InterfaceError, redis.RedisError)


class HealthOut(Told):
    """How the service is."""

    status: Literal["healthy", "degraded", "unhealthy"]
    timestamp: Moment
    version: str
    checks: dict[str, str]


class LiveOut(Told):
    """The process answers."""

    status: Literal["alive"] = "alive"
    timestamp: Moment
    version: str


_NOT_READY: dict[int | str, dict[str, Any]] = {503: {"model": HealthOut, "description": "Postgres is away"}}


@router.get("/health", responses=_NOT_READY)
async def health(doors: DoorsDep, now: Now, response: Response) -> HealthOut:
    """Healthy when Postgres and Redis answer; degraded without Redis; 503 without Postgres."""
    database, cache = await asyncio.gather(_postgres(doors), _redis(doors))
    checks = {"postgres": database, "redis": cache}
    if database != "ok":
        response.status_code = 503
        return HealthOut(status="unhealthy", timestamp=now, version=__version__, checks=checks)
    return HealthOut(
        status="healthy" if cache == "ok" else "degraded", timestamp=now, version=__version__, checks=checks
    )


@router.get("/health/live")
async def live(now: Now) -> LiveOut:
    """200 while the process answers at all: the database is none of its business."""
    return LiveOut(timestamp=now, version=__version__)


@router.get("/health/ready", responses=_NOT_READY)
async def ready(doors: DoorsDep, now: Now, response: Response) -> HealthOut:
    """200 when requests can be served: Postgres answers and its schema is this version's.

    Redis and the workers are told, and do not count: without them signals are kept and decided later.
    """
    database, cache = await asyncio.gather(_schema(doors), _redis(doors))
    checks = database | {"redis": cache, "workers": await _workers(doors) if cache == "ok" else "unknown"}
    fit = checks["postgres"] == "ok" and checks["migrations"] == "current"
    if not fit:
        response.status_code = 503
    status: Literal["healthy", "degraded", "unhealthy"] = "unhealthy"
    if fit:
        status = "healthy" if cache == "ok" else "degraded"
    return HealthOut(status=status, timestamp=now, version=__version__, checks=checks)


async def _postgres(doors: Doors) -> str:
    try:
        async with asyncio.timeout(_PATIENCE), doors.ports().pool.acquire() as conn:
            await conn.fetchval("SELECT 1")
    except _AWAY as error:
        return f"away ({type(error).__name__})"
    return "ok"


async def _schema(doors: Doors) -> dict[str, str]:
    try:
        async with asyncio.timeout(_PATIENCE), doors.ports().pool.acquire() as conn:
            waiting = await migrations.pending(conn)
            edition = await vitals.timescaledb(conn)
    except migrations.MigrationError as error:
        return {"postgres": "ok", "migrations": str(error), "timescaledb": "unknown"}
    except _AWAY as error:
        return {"postgres": f"away ({type(error).__name__})", "migrations": "unknown", "timescaledb": "unknown"}
    state = "current" if not waiting else f"{len(waiting)} to apply: run ./rubi migrate"
    return {"postgres": "ok", "migrations": state, "timescaledb": edition}


async def _redis(doors: Doors) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            await doors.redis.ping()
    except _AWAY as error:
        return f"away ({type(error).__name__})"
    return "ok"


async def _workers(doors: Doors) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            alive = [key async for key in doors.redis.scan_iter(match=f"{HEARTBEATS}*", count=1000)]
    except _AWAY as error:
        return f"unknown ({type(error).__name__})"
    return f"{len(alive)} alive"
