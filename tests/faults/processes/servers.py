"""Faults of the service's own processes: each is killed again and again under load."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import redis.asyncio
from tests.faults.processes.invariants import examine
from tests.faults.processes.report import Result
from tests.faults.processes.senders import SYMBOLS, Load, Sender, send_many, wish
from tests.faults.processes.stage import Stage, until

ACCOUNTS = 2
BETWEEN_S = 0.7
HEALTHY_AFTER_API_S = 3.0
HEALTHY_AFTER_POSTGRES_S = 5.0


@asynccontextmanager
async def under_load(stage: Stage, result: Result, name: str) -> AsyncIterator[Load]:
    """Signals and orders flow while something is killed; then everything is checked."""
    trader = await stage.trader()
    desks = await stage.open_desks(trader, ACCOUNTS)
    load = Load(name)
    senders = asyncio.create_task(send_many(stage.url, load, desks, count=10**9, senders=4, seed=8, pause_s=0.1))
    try:
        yield load
    finally:
        load.stop = True
        await senders
    await stage.healthy()
    await examine(stage, desks, load, result)


async def kill_often(stage: Stage, result: Result, part: str, kills: int) -> list[float]:
    """Kill a part, wait until the service is healthy again; seconds from each kill to health."""
    taken = []
    for _ in range(kills):
        await asyncio.sleep(BETWEEN_S)
        before = stage.running.pid(part)
        killed_at = time.monotonic()
        stage.kill(part)
        await stage.restarted(part, before)
        await stage.healthy()
        taken.append(time.monotonic() - killed_at)
        result.runs += 1
    return sorted(taken)


def tell_health(result: Result, taken: Sequence[float], at_most_s: float | None = None) -> None:
    """Times to health, and the bar that they are held against."""
    if not taken:
        return
    result.figures |= {"healthy_p50_s": round(taken[len(taken) // 2], 2), "healthy_max_s": round(taken[-1], 2)}
    if at_most_s is not None:
        result.hold_against("healthy", at_most_s, taken)


async def api_kills(stage: Stage, result: Result, *, kills: int) -> None:
    """kill -9 of the API under load: nothing accepted is lost, and it is back within seconds."""
    async with under_load(stage, result, "api"):
        taken = await kill_often(stage, result, "api", kills)
    tell_health(result, taken, HEALTHY_AFTER_API_S)


async def postgres_kills(stage: Stage, result: Result, *, kills: int) -> None:
    """kill -9 of Postgres under load: what was answered is on its disk."""
    async with under_load(stage, result, "postgres"):
        taken = await kill_often(stage, result, "postgres", kills)
    tell_health(result, taken, HEALTHY_AFTER_POSTGRES_S)


async def redis_kills(stage: Stage, result: Result, *, kills: int, flushes: int) -> None:
    """kill -9 of Redis, and FLUSHALL, under load: bells are lost, signals are not."""
    async with under_load(stage, result, "redis"):
        taken = await kill_often(stage, result, "redis", kills)
        for _ in range(flushes):
            await asyncio.sleep(BETWEEN_S)
            async with redis.asyncio.from_url(stage.running.redis_url) as client:
                await client.flushall()
            result.runs += 1
    tell_health(result, taken)
    result.figures |= {"flushes": flushes}


async def worker_kills(stage: Stage, result: Result, *, kills: int) -> None:
    """kill -9 of the worker (its pool is threads, so of all its children) in the middle of its decisions."""
    async with under_load(stage, result, "worker"):
        await _kill_until_it_works(stage, result, "worker", kills)


async def beat_kills(stage: Stage, result: Result, *, kills: int) -> None:
    """kill -9 of the beat: sweeps pause, and go on."""
    async with under_load(stage, result, "beat"):
        await _kill_until_it_works(stage, result, "beat", kills)


async def _kill_until_it_works(stage: Stage, result: Result, part: str, kills: int) -> None:
    """Kill a part and wait until signals are decided again."""
    for _ in range(kills):
        await asyncio.sleep(BETWEEN_S)
        before = stage.running.pid(part)
        stage.kill(part)
        killed_at = time.time()
        await stage.restarted(part, before)
        await until(lambda at=killed_at: _decided_since(stage, at), f"decisions after a kill of the {part}")
        result.runs += 1


async def _decided_since(stage: Stage, at: float) -> bool:
    async with stage.database() as conn:
        return await conn.fetchval(
            "SELECT EXISTS (SELECT FROM decisions WHERE decided_at > to_timestamp($1))", at + 0.5
        )


async def _not_ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/health/ready")).status_code == 503


async def postgres_away(stage: Stage, result: Result) -> None:
    """While Postgres is away nothing is accepted: 503 with Retry-After, and the API lives."""
    trader = await stage.trader()
    desks = await stage.open_desks(trader, 1)
    load = Load("away")
    sender = Sender(stage.url, trader.sending, load)
    await sender.send("away-0", wish(desks[0], "away-0", "BUY", SYMBOLS[0]))
    async with httpx.AsyncClient(base_url=stage.url, timeout=20, trust_env=False) as client:
        with stage.away("postgres"):
            # A backend may outlive its server for a moment: what it commits then is kept, and answered with 201.
            await until(lambda: _not_ready(client), "the service that knows of it")
            said = wish(desks[0], "away-1", "BUY", SYMBOLS[1])
            headers = {"Authorization": f"Bearer {trader.sending}", "Idempotency-Key": "away-1"}
            answer = await client.post("/api/v1/trading/signals", json=said, headers=headers)
            if answer.status_code != 503 or "retry-after" not in answer.headers:
                result.violations.append(f"without Postgres a signal is answered {answer.status_code} {answer.text}")
            ready, live = await client.get("/health/ready"), await client.get("/health/live")
            if (ready.status_code, live.status_code) != (503, 200):
                result.violations.append(f"without Postgres: ready {ready.status_code}, live {live.status_code}")
    await stage.healthy()
    await sender.send("away-1", said)
    sender.close()
    await examine(stage, desks, load, result)
    result.runs = 1
    result.figures |= {"signal": answer.status_code, "ready": ready.status_code, "live": live.status_code}
