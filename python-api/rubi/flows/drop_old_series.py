"""Every hour: what is older than it has to be kept goes. Chunks at once, plain tables in pieces that hold nobody up."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from rubi.flows.ports import Ports
from rubi.store import retention
from rubi.store.pool import Pool
from rubi.store.retention import Series

log = structlog.get_logger(__name__)

BLOCKS = 2000
"""Blocks (of 8 KiB) that one transaction looks through."""
BUDGET = timedelta(seconds=15)
"""What is not reached in this time is reached by the next run, which goes on at the same place."""
COMPRESS_AFTER_DAYS = 7


@dataclass(frozen=True, slots=True)
class Kept:
    """For how many days the series are kept."""

    snapshots: int
    ticks: int


async def drop_old_series(ports: Ports, kept: Kept, *, now: datetime, budget: timedelta = BUDGET) -> dict[Series, int]:
    """Drop snapshots and ticks that are older; of each series how many chunks (TimescaleDB) or rows went.

    Snapshots stay until they have been rolled up.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    limits: dict[Series, datetime] = {
        "account_snapshots": today - timedelta(days=kept.snapshots),
        "position_snapshots": today - timedelta(days=kept.snapshots),
        "ticks": today - timedelta(days=kept.ticks),
    }
    began = time.monotonic()
    dropped = {}
    for series, before in limits.items():
        left = budget.total_seconds() - (time.monotonic() - began)
        dropped[series] = await _clear(ports.pool, series, before, left)
    if any(dropped.values()):
        log.info("series.dropped", **dropped)
    return dropped


async def _clear(pool: Pool, series: Series, before: datetime, seconds: float) -> int:
    async with pool.acquire() as conn, conn.transaction():
        block = await retention.take_turn(conn, series)
        if block is None:
            return 0
        if series == "account_snapshots" and await conn.fetchval(retention.SQL["unrolled"], before):
            return 0
        await conn.execute(retention.SQL["keep_from"], series, before)
        if await retention.is_hypertable(conn, series):
            await retention.compress_after(conn, series, COMPRESS_AFTER_DAYS)
            return await retention.drop_chunks(conn, series, before)
    return await _clear_blocks(pool, series, before, seconds)


async def _clear_blocks(pool: Pool, series: Series, before: datetime, seconds: float) -> int:
    """Go through a plain table once, from where the last run stopped, at most `seconds` long."""
    deadline = time.monotonic() + seconds
    deleted = 0
    while time.monotonic() < deadline:
        async with pool.acquire() as conn, conn.transaction():
            block = await retention.take_turn(conn, series)
            if block is None:
                break
            deleted += await retention.delete_from_blocks(conn, series, block, BLOCKS, before)
            at_the_end = block + BLOCKS >= await conn.fetchval(retention.SQL["blocks"], series)
            await conn.execute(retention.SQL["goes_on_at"], series, 0 if at_the_end else block + BLOCKS)
        if at_the_end:
            break
    return deleted
