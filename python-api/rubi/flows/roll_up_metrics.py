"""Every ten seconds: minutes, hours and days of accounts whose snapshots have changed, made anew from what is stored.

A bucket is never added to: it is computed again from the finer level, so that late and repeated snapshots correct it
and a pass that was killed leaves nothing wrong. What has to be computed is known by the number of the writing
transaction: a pass looks at all that have ended since the last one looked, in whatever order they were committed.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from rubi.flows.ports import Ports
from rubi.store import rollups
from rubi.store.pool import Pool

log = structlog.get_logger(__name__)

BATCH = 1000
BUDGET = timedelta(seconds=8)
"""A pass ends after this long; the next one goes on with what is left."""


async def roll_up_metrics(ports: Ports, *, budget: timedelta = BUDGET) -> int:
    """Bring the rollups up to date; how many minutes were made anew. Two passes at once: the second does nothing."""
    began = time.monotonic()
    async with ports.pool.acquire() as conn:
        await rollups.summarize(conn)
    async with ports.pool.acquire() as conn, conn.transaction():
        turn = await rollups.take_turn(conn)
        if turn is None:
            return 0
        # However much has come in while no pass could run.
        await conn.execute("SET LOCAL statement_timeout = '50s'")
        await rollups.capture(conn, turn)
    made = 0
    while time.monotonic() - began < budget.total_seconds():
        count = await _make_some(ports.pool)
        made += count
        if count < BATCH:
            break
    if made >= BATCH:
        log.info("rollups.caught_up", minutes=made)
    return made


async def rebuild_metrics(
    ports: Ports,
    *,
    account_id: UUID | None = None,
    since: datetime | None = None,
    tell: Callable[[int], None] = lambda _made: None,
) -> int:
    """Make all minutes with snapshots anew, of one account or of all; how many. `tell` hears how many are done.

    What a worker takes over meanwhile is not counted here.
    """
    async with ports.pool.acquire() as conn:
        for row in await rollups.span(conn, account_id):
            start = max(row["oldest"], since) if since is not None else row["oldest"]
            while start <= row["newest"]:
                end = start + rollups.DAY
                await rollups.mark(conn, row["account_id"], start, end)
                start = end
    made = 0
    while count := await roll_up_metrics(ports):
        made += count
        tell(made)
    return made


async def _make_some(pool: Pool) -> int:
    async with pool.acquire() as conn, conn.transaction():
        if await rollups.take_turn(conn) is None:
            return 0
        await conn.execute("SET LOCAL statement_timeout = '30s'")
        minutes = await rollups.waiting(conn, BATCH)
        if minutes:
            await rollups.make(conn, minutes)
    return len(minutes)
